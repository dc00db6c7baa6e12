import type * as oauth from 'oauth4webapi';
import { intersectScopes, renderScope } from '../../common/scopes.js';
import type { UpstreamAuthorization, UpstreamTokenSet } from './upstream.js';
import type { UpstreamOptions } from './upstream-options.js';

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

/** The scopes to ask the upstream for. */
export function upstreamScopes(
  options: UpstreamOptions,
  consented: readonly string[],
): readonly string[] {
  return options.scopes ?? consented;
}

/** What the proxy keeps of a token response. */
export function toTokenSet(
  response: oauth.TokenEndpointResponse,
  options: UpstreamOptions,
  consented: readonly string[],
): UpstreamTokenSet {
  // RFC 6749 §5.1: no scope in the answer means that all asked for were granted. Scopes that the
  // upstream was never asked for are not its to cut.
  const scopes = scopesOf(response);
  const cut = options.scopes === undefined;
  return {
    accessToken: response.access_token,
    refreshToken: response.refresh_token,
    expiresInSeconds: response.expires_in,
    grantedScopes: cut && scopes ? intersectScopes(consented, scopes) : undefined,
    scopes,
  };
}

/** The scopes a token response names; some vendors separate them by commas. */
export function scopesOf({
  scope,
}: Pick<oauth.TokenEndpointResponse, 'scope'>): readonly string[] | undefined {
  return scope?.split(/[ ,]+/).filter((s) => s !== '');
}

/** The claims the operator chose to embed, of those the upstream gave. */
export function embeddedClaims(
  options: UpstreamOptions,
  claims: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const names = (options.embedClaims ?? []).filter((n) => Object.hasOwn(claims, n));
  return Object.fromEntries(names.map((name) => [name, claims[name]]));
}
