import type { Clock } from '../../../lib/index.js';
import { JwtVendor } from './jwt-vendor.js';

const origin = 'https://keycloak.example.com';
export const keycloakRealm = `${origin}/realms/mcp`;

/**
 * A realm of Keycloak 26.6 as its guide for MCP sets it up
 * (https://www.keycloak.org/securing-apps/mcp-authz-server): an Audience mapper names the resource. Its
 * tokens say what they are in the claim `typ`; the one in the header is always JWT.
 */
export function startKeycloak(clock: Clock, resource: string, algorithm = 'RS256') {
  const openid = `${keycloakRealm}/protocol/openid-connect`;
  const metadata = {
    issuer: keycloakRealm,
    authorization_endpoint: `${openid}/auth`,
    token_endpoint: `${openid}/token`,
    jwks_uri: `${openid}/certs`,
    registration_endpoint: `${keycloakRealm}/clients-registrations/openid-connect`,
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['plain', 'S256'],
    scopes_supported: ['openid', 'profile', 'mcp:use'],
  };
  return JwtVendor.start({
    origin,
    jwksPath: '/realms/mcp/protocol/openid-connect/certs',
    algorithm,
    claims: {
      iss: keycloakRealm,
      aud: [resource, 'account'],
      sub: '2d45b5c9-8f0e-4bb1-a3cd-6b8a5c5fb3d1',
      typ: 'Bearer',
      azp: 'd2a94f0d-5d0a-4f0c-9b2f-0b1f3f7d7f11',
      sid: 'f8b1dd3c-3e9f-4e4e-8b0a-4a8f7d0f7b2e',
      acr: '1',
      realm_access: { roles: ['offline_access'] },
      scope: 'openid mcp:use',
    },
    metadata: {
      '/.well-known/oauth-authorization-server/realms/mcp': metadata,
      '/realms/mcp/.well-known/openid-configuration': metadata,
    },
    clock,
  });
}
