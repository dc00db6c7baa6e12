import type { Clock } from '../../../lib/index.js';
import { JwtVendor } from './jwt-vendor.js';

const origin = 'https://your-tenant.eu.auth0.com';
/** With the slash that every Auth0 issuer has. */
export const auth0Issuer = `${origin}/`;

/**
 * An Auth0 tenant with Auth for MCP: RFC 9068 tokens for an API whose identifier is the resource, with
 * RBAC and "Add Permissions in the Access Token"; as in https://auth0.com/ai/docs/mcp and
 * https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles.
 */
export function startAuth0(clock: Clock, resource: string): Promise<JwtVendor> {
  return JwtVendor.start({
    origin,
    jwksPath: '/.well-known/jwks.json',
    header: { typ: 'at+jwt' },
    claims: {
      iss: auth0Issuer,
      aud: [resource, `${origin}/userinfo`],
      sub: 'auth0|507f1f77bcf86cd799439020',
      client_id: 'tpc_my3rdpartyclient',
      jti: 'GcgLSmEWdmMcbLcJkzjbH4',
      scope: 'openid mcp:use',
      permissions: ['mcp:use', 'mcp:admin'],
    },
    metadata: {
      '/.well-known/oauth-authorization-server': {
        issuer: auth0Issuer,
        authorization_endpoint: `${origin}/authorize`,
        token_endpoint: `${origin}/oauth/token`,
        registration_endpoint: `${origin}/oidc/register`,
        jwks_uri: `${origin}/.well-known/jwks.json`,
        response_types_supported: ['code', 'token', 'id_token'],
        code_challenge_methods_supported: ['S256', 'plain'],
      },
    },
    clock,
  });
}
