import type * as oauth from 'oauth4webapi';
import { UpstreamError } from '../../common/errors.js';
import { renderScope } from '../../common/scopes.js';
import type { UpstreamAuthorization, UpstreamTokenSet } from './upstream.js';
import type { UpstreamOptions } from './upstream-options.js';
import { scopesOf, type UpstreamScopes } from './upstream-scopes.js';

/** How an upstream is asked for a login. */
export interface AuthorizationForm {
  readonly endpoint: string;
  readonly scopes: readonly string[];
  /** Whether the login's `nonce` comes back in an id_token. */
  readonly withNonce: boolean;
}

/** The authorization request to the upstream; parameters already in the endpoint's URL stay. */
export function upstreamAuthorizationUrl(
  { endpoint, scopes, withNonce }: AuthorizationForm,
  options: UpstreamOptions,
  asked: UpstreamAuthorization,
): string {
  const url = new URL(endpoint);
  const parameters: Record<string, string> = {
    ...options.extraAuthorizeParams,
    response_type: 'code',
    client_id: options.clientId,
    redirect_uri: asked.redirectUri,
    state: asked.state,
    ...(options.forwardPkce !== false && {
      code_challenge: asked.codeChallenge,
      code_challenge_method: 'S256',
    }),
    ...(scopes.length > 0 && { scope: renderScope(scopes) }),
    ...forwardedResource(options, asked.resource),
    ...(withNonce && { nonce: asked.nonce }),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

/** The resource of the client's tokens as a parameter for the upstream (RFC 8707 §2), if it may know. */
export function forwardedResource(
  options: Pick<UpstreamOptions, 'forwardResource'>,
  resource: string | undefined,
): Readonly<Record<string, string>> {
  return options.forwardResource === true && resource !== undefined ? { resource } : {};
}

/** What the proxy keeps of a token response. */
export function toTokenSet(
  response: oauth.TokenEndpointResponse,
  scopes: UpstreamScopes,
  consented: readonly string[],
): UpstreamTokenSet {
  return {
    accessToken: response.access_token,
    refreshToken: response.refresh_token,
    expiresInSeconds: response.expires_in,
    grantedScopes: scopes.granted(consented, response),
    scopes: scopesOf(response),
  };
}

/** Whether the operator lets this user in; whatever is not a plain yes is a no. */
export async function isAllowed(
  { allowUser }: Pick<UpstreamOptions, 'allowUser'>,
  claims: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  const answer: unknown = allowUser === undefined || (await allowUser(claims));
  return answer === true;
}

/** @throws UpstreamError unless the operator lets this user in. */
export async function assertAllowed(
  options: Pick<UpstreamOptions, 'allowUser'>,
  claims: Readonly<Record<string, unknown>>,
): Promise<void> {
  if (await isAllowed(options, claims)) return;
  throw new UpstreamError('allowUser does not let this user in', 'refused', { denied: true });
}

/** The claims the operator chose to embed, of those the upstream gave. */
export function embeddedClaims(
  options: UpstreamOptions,
  claims: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const names = (options.embedClaims ?? []).filter((n) => Object.hasOwn(claims, n));
  return Object.fromEntries(names.map((name) => [name, claims[name]]));
}
