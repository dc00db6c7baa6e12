/** Where clients look that ignore the path of a resource (RFC 9728 §3.1). */
export const PROTECTED_RESOURCE = '/.well-known/oauth-protected-resource';
const AUTHORIZATION_SERVER = '/.well-known/oauth-authorization-server';
const OPENID_CONFIGURATION = '/.well-known/openid-configuration';

/**
 * The path of a resource's metadata document: the well-known name between host and path.
 * @see RFC 9728 §3.1
 */
export function protectedResourcePath(identifier: string): string {
  return `${PROTECTED_RESOURCE}${pathOf(identifier)}`;
}

/** The URL of a resource's metadata document, for the `resource_metadata` of challenges. */
export function protectedResourceMetadataUrl(identifier: string): string {
  return `${new URL(identifier).origin}${protectedResourcePath(identifier)}`;
}

/**
 * The paths where clients look for an issuer's metadata, the one of RFC 8414 first.
 * @see RFC 8414 §3.1, §5; OpenID Connect Discovery 1.0 §4
 */
export function authorizationServerPaths(issuer: string): readonly string[] {
  const path = pathOf(issuer);
  const inserted = [`${AUTHORIZATION_SERVER}${path}`, `${OPENID_CONFIGURATION}${path}`];
  return path === '' ? inserted : [...inserted, `${path}${OPENID_CONFIGURATION}`];
}

function pathOf(url: string): string {
  const { pathname } = new URL(url);
  return pathname.endsWith('/') ? pathname.slice(0, -1) : pathname;
}
