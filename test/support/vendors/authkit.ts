import type { Clock } from '../../../lib/index.js';
import { JwtVendor } from './jwt-vendor.js';

export const authkitIssuer = 'https://your-app.authkit.app';

/**
 * WorkOS AuthKit as the authorization server of MCP clients: the metadata and paths of
 * https://workos.com/docs/authkit/mcp; `aud` is the resource indicator that was asked for.
 */
export function startAuthKit(clock: Clock, resource: string): Promise<JwtVendor> {
  return JwtVendor.start({
    origin: authkitIssuer,
    jwksPath: '/oauth2/jwks',
    claims: {
      iss: authkitIssuer,
      aud: resource,
      sub: 'user_01HBEQKA6K4QJAS93VPE39W1JT',
      sid: 'session_01HQSXZGF8FHF7A9ZZFCW4387R',
      org_id: 'org_01HRDMC6CM357W30QMHMQ96Q0S',
      client_id: 'client_01J1F8NY7YTKNZ',
      jti: '01HQSXZXPPFPKMDD32RKTFR8Q5',
      scope: 'openid mcp:use',
    },
    metadata: {
      '/.well-known/oauth-authorization-server': {
        authorization_endpoint: `${authkitIssuer}/oauth2/authorize`,
        code_challenge_methods_supported: ['S256'],
        grant_types_supported: ['authorization_code', 'refresh_token'],
        introspection_endpoint: `${authkitIssuer}/oauth2/introspection`,
        issuer: authkitIssuer,
        jwks_uri: `${authkitIssuer}/oauth2/jwks`,
        registration_endpoint: `${authkitIssuer}/oauth2/register`,
        response_types_supported: ['code'],
        scopes_supported: ['email', 'offline_access', 'openid', 'profile'],
        token_endpoint: `${authkitIssuer}/oauth2/token`,
        token_endpoint_auth_methods_supported: ['none', 'client_secret_post'],
      },
    },
    clock,
  });
}
