import { isScopeToken, parseScope, unionScopes } from '../common/scopes.js';
import { sameResource } from '../resources/resource-identifier.js';
import type { VerifiedToken } from './access-token.js';

/** The claims of a token, verified or not. */
export type TokenClaims = Readonly<Record<string, unknown>>;

/**
 * What verified claims say, in the words of the library; null when the scopes cannot be understood.
 * The resource is the audience that matched, the one the request is for before any other.
 */
export function verifiedTokenOf(
  claims: TokenClaims,
  audiences: readonly string[],
  requestedResource: string,
): VerifiedToken | null {
  const scopes = scopesOf(claims);
  if (!scopes) return null;
  const matched = matchedAudiences(claims, audiences);
  return {
    clientId: clientIdOf(claims),
    subject: textOf(claims['sub']),
    issuer: textOf(claims['iss']),
    scopes,
    expiresAt: typeof claims['exp'] === 'number' ? claims['exp'] : undefined,
    resource: matched.some((audience) => sameResource(requestedResource, audience))
      ? requestedResource
      : matched[0],
    claims,
  };
}

/** The client: `client_id` (RFC 9068 §2.2), else `azp`, else `sub`, else `unknown`. */
export function clientIdOf(claims: TokenClaims): string {
  return textOf(claims['client_id']) ?? textOf(claims['azp']) ?? textOf(claims['sub']) ?? 'unknown';
}

/**
 * The scopes: of `scope` when it is there, else of `scp`, never of both. A string is split at
 * spaces (RFC 8693 §4.2), an array holds one scope each. Null for everything else.
 */
export function scopesOf(claims: TokenClaims): readonly string[] | null {
  const value = Object.hasOwn(claims, 'scope') ? claims['scope'] : claims['scp'];
  if (value === undefined) return [];
  if (typeof value === 'string') return parseScope(value);
  const isList =
    Array.isArray(value) && value.every((s) => typeof s === 'string' && isScopeToken(s));
  return isList ? unionScopes(value as string[]) : null;
}

/**
 * The audiences that name a resource. Without a path a URL is the same with a slash (RFC 3986
 * §6.2.3), and clients ask for a token with the one or the other.
 */
export function resourceAudiences(resource: string): readonly string[] {
  return /^https?:\/\/[^/]+$/.test(resource) ? [resource, `${resource}/`] : [resource];
}

/** Those of the audiences that the token names, compared exactly (RFC 7519 §4.1.3). */
export function matchedAudiences(
  claims: TokenClaims,
  audiences: readonly string[],
): readonly string[] {
  const { aud } = claims as { aud?: unknown };
  const named = typeof aud === 'string' ? [aud] : aud;
  if (!Array.isArray(named) || !named.every((a) => typeof a === 'string')) return [];
  return audiences.filter((audience) => named.includes(audience));
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
