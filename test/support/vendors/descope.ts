import type { Clock } from '../../../lib/index.js';
import { JwtVendor } from './jwt-vendor.js';

export const descopeProject = 'P32juVkF2iM8wAGoM8PiLkGi6POV';
const api = 'https://api.descope.com';
const place = `agentic/${descopeProject}/MS35d1Xw1Yo6zozsW7n8BU6xLmnAs`;
export const descopeIssuer = `${api}/v1/apps/${place}`;

/**
 * A Descope project with an MCP server: the discovery document of
 * https://docs.descope.com/agentic-identity-hub/mcp-servers/discovery-url, which is at the appended
 * path alone. Its tokens are for the client and the project.
 */
export function startDescope(clock: Clock): Promise<JwtVendor> {
  return JwtVendor.start({
    origin: api,
    jwksPath: `/${descopeProject}/.well-known/jwks.json`,
    claims: {
      iss: descopeIssuer,
      aud: ['UDMyanVWa0YyaU06VFBBMzVkMVh3', descopeProject],
      sub: 'U2vlMGcXeOIFhWmV0R0q9pVZnuHW',
      azp: 'UDMyanVWa0YyaU06VFBBMzVkMVh3',
      scope: 'openid mcp:use',
    },
    metadata: {
      [`/v1/apps/${place}/.well-known/openid-configuration`]: {
        issuer: descopeIssuer,
        jwks_uri: `${api}/${descopeProject}/.well-known/jwks.json`,
        authorization_endpoint: `${api}/oauth2/v1/apps/${place}/authorize`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
        token_endpoint: `${api}/oauth2/v1/apps/${place}/token`,
        userinfo_endpoint: `${api}/oauth2/v1/apps/${descopeProject}/userinfo`,
        scopes_supported: ['mcp:use', 'mcp:schedule_meetings'],
        registration_endpoint: `${api}/v1/mgmt/inboundapp/app/${descopeProject}/register`,
      },
    },
    clock,
  });
}
