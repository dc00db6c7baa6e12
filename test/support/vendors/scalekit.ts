import type { Clock } from '../../../lib/index.js';
import { JwtVendor } from './jwt-vendor.js';

export const scalekitEnvironment = 'https://your-env.scalekit.com';
export const scalekitResource = 'res_120307199615436034';
export const scalekitServer = `${scalekitEnvironment}/resources/${scalekitResource}`;

/**
 * A Scalekit environment with an MCP server (https://docs.scalekit.com/mcp/overview). Tokens are of the
 * environment or of the MCP server in it, and list their scopes in `scopes`, as Scalekit's own SDK
 * (`verifyScopes`) reads them.
 */
export function startScalekit(clock: Clock): Promise<JwtVendor> {
  return JwtVendor.start({
    origin: scalekitEnvironment,
    jwksPath: '/keys',
    claims: {
      iss: scalekitEnvironment,
      aud: [scalekitResource, 'https://mcp.example.com/mcp'],
      sub: 'usr_69615647365005430',
      client_id: 'skc_dyn_91442236000108854',
      xoid: 'org_1',
      scopes: ['mcp:use'],
    },
    metadata: {
      [`/.well-known/oauth-authorization-server/resources/${scalekitResource}`]: {
        issuer: scalekitServer,
        authorization_endpoint: `${scalekitServer}/oauth/authorize`,
        token_endpoint: `${scalekitEnvironment}/oauth/token`,
        registration_endpoint: `${scalekitServer}/oauth/register`,
        jwks_uri: `${scalekitEnvironment}/keys`,
        response_types_supported: ['code'],
        code_challenge_methods_supported: ['S256'],
      },
    },
    clock,
  });
}
