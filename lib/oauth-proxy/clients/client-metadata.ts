import { isScopeToken, parseScope } from '../../common/scopes.js';
import { OAuthError } from '../../http/oauth-error.js';
import {
  type ClientAuthenticationMethod,
  clientAuthenticationMethods,
  type GrantType,
} from './client.js';
import { type ClientKeySet, clientKeysProblem, clientKeysUriProblem } from './client-keys.js';
import { redirectUriProblem } from './redirect-uri.js';

/** What a client says of itself when it registers (RFC 7591 §2), checked. */
export interface ClientMetadata {
  readonly name?: string;
  readonly uri?: string;
  readonly redirectUris: readonly string[];
  readonly grantTypes: readonly GrantType[];
  readonly authenticationMethod: ClientAuthenticationMethod;
  /** With `private_key_jwt`: one of the two. */
  readonly jwks?: ClientKeySet;
  readonly jwksUri?: string;
  readonly scopes?: readonly string[];
  readonly applicationType?: 'native' | 'web';
}

const grantTypes: readonly GrantType[] = ['authorization_code', 'refresh_token'];
const maxRedirectUris = 20;
// Never fetched here; what a person may be shown one day must not be a script.
const webUris = ['logo_uri', 'tos_uri', 'policy_uri', 'sector_identifier_uri', 'jwks_uri'];

/**
 * Reads client metadata strictly. Members the server does not use are ignored (RFC 7591 §2), among
 * them localized ones and software statements, which therefore prove nothing; no URL is fetched;
 * grant types it does not offer are left out, and the answer to the client says what is in force.
 *
 * @throws OAuthError `invalid_client_metadata` or `invalid_redirect_uri` (RFC 7591 §3.2.2).
 */
export function parseClientMetadata(body: Record<string, unknown>): ClientMetadata {
  const applicationType = member(body, 'application_type', ['native', 'web'] as const);
  const name = text(body, 'client_name', 200);
  const uri = webUri(body, 'client_uri');
  for (const other of webUris) webUri(body, other);
  responseTypesIncludeCode(body);
  const scopes = scopesOf(body);
  const authenticationMethod =
    member(body, 'token_endpoint_auth_method', clientAuthenticationMethods) ?? 'none';
  return {
    redirectUris: redirectUrisOf(body, applicationType),
    grantTypes: grantTypesOf(body),
    authenticationMethod,
    ...keysOf(body, authenticationMethod),
    ...(name !== undefined && { name }),
    ...(uri !== undefined && { uri }),
    ...(scopes && { scopes }),
    ...(applicationType && { applicationType }),
  };
}

function redirectUrisOf(
  body: Record<string, unknown>,
  applicationType: 'native' | 'web' | undefined,
): readonly string[] {
  const uris = body['redirect_uris'];
  if (!Array.isArray(uris) || uris.length === 0 || uris.length > maxRedirectUris) {
    throw new OAuthError(
      'invalid_redirect_uri',
      `redirect_uris must be an array of 1 to ${maxRedirectUris} URIs.`,
    );
  }
  // A sparse array's holes are skipped by forEach and friends, not by Array.from.
  return Array.from(uris as unknown[], (uri) => {
    const problem = redirectUriProblem(uri, applicationType);
    if (problem)
      throw new OAuthError(
        'invalid_redirect_uri',
        `A redirect URI ${problem.replaceAll('"', "'")}.`,
      );
    return uri as string;
  });
}

function grantTypesOf(body: Record<string, unknown>): readonly GrantType[] {
  const asked = strings(body, 'grant_types') ?? grantTypes;
  if (!asked.includes('authorization_code')) {
    throw invalid('grant_types must include authorization_code.');
  }
  return grantTypes.filter((g) => asked.includes(g));
}

/** Keys that no method of the client's uses are not kept, and not returned. */
function keysOf(
  body: Record<string, unknown>,
  method: ClientAuthenticationMethod,
): Pick<ClientMetadata, 'jwks' | 'jwksUri'> {
  const jwks = present(body, 'jwks');
  const jwksUri = present(body, 'jwks_uri');
  if (jwks !== undefined && jwksUri !== undefined) {
    throw invalid('jwks and jwks_uri exclude each other.');
  }
  if (method !== 'private_key_jwt') return {};
  if (jwks !== undefined) {
    assertNoProblem('jwks', clientKeysProblem(jwks));
    return { jwks: jwks as ClientKeySet };
  }
  assertNoProblem('jwks_uri', clientKeysUriProblem(jwksUri));
  return { jwksUri: jwksUri as string };
}

function assertNoProblem(name: string, problem: string | null): void {
  if (problem !== null) throw invalid(`${name} ${problem}.`);
}

function responseTypesIncludeCode(body: Record<string, unknown>): void {
  const asked = strings(body, 'response_types');
  if (asked && !asked.includes('code')) throw invalid('response_types must include code.');
}

function scopesOf(body: Record<string, unknown>): readonly string[] | undefined {
  const scope = text(body, 'scope', 4096);
  if (scope === undefined) return undefined;
  const scopes = parseScope(scope);
  if (!scopes?.every(isScopeToken)) throw invalid('scope is malformed.');
  return scopes;
}

function text(body: Record<string, unknown>, name: string, maxLength: number): string | undefined {
  const value = present(body, name);
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value.length > maxLength) {
    throw invalid(`${name} must be a string of at most ${maxLength} characters.`);
  }
  // What nobody can see has no place in a name, a log or an answer.
  return value.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '').trim() || undefined;
}

function webUri(body: Record<string, unknown>, name: string): string | undefined {
  const uri = text(body, name, 2048);
  if (uri === undefined) return undefined;
  if (!/^https?:\/\//i.test(uri) || !URL.canParse(uri)) throw invalid(`${name} must be a web URL.`);
  return uri;
}

function member<T extends string>(
  body: Record<string, unknown>,
  name: string,
  allowed: readonly T[],
): T | undefined {
  const value = present(body, name);
  if (value === undefined) return undefined;
  const known = allowed.find((a) => a === value);
  if (!known) throw invalid(`${name} must be one of: ${allowed.join(', ')}.`);
  return known;
}

function strings(body: Record<string, unknown>, name: string): readonly string[] | undefined {
  const value = present(body, name);
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || value.length > 50 || !value.every((v) => typeof v === 'string')) {
    throw invalid(`${name} must be an array of strings.`);
  }
  return value;
}

function present(body: Record<string, unknown>, name: string): unknown {
  // Some clients send null for what they do not set.
  return Object.hasOwn(body, name) ? (body[name] ?? undefined) : undefined;
}

function invalid(description: string): OAuthError {
  return new OAuthError('invalid_client_metadata', description);
}
