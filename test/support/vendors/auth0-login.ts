import type { Clock } from '../../../lib/index.js';
import { StandardOidcVendor } from './standard-oidc-vendor.js';

/**
 * Auth0 as an app's login, after "Authorization Code Flow" and "Organizations" of its documentation.
 * A tenant takes the secret in the form; its issuer has a slash at the end; refresh tokens rotate.
 */
export function startAuth0Login(clock: Clock): Promise<StandardOidcVendor> {
  return StandardOidcVendor.start(clock, {
    client: {
      id: 'vD8mQ2xKJ0sT4nB7cY1hR5wE9uZ3pL6a',
      secret: '4Wf-auth0_client_secret-0123456789abcdefghijklmnopqrstuvwxyzAB_C',
    },
    otherApp: { id: 'aL6pZ3uE9wR5hY1cB7nT4sJ0KxQ2mD8v', secret: 'of-another' },
    issuer: 'https://your-tenant.eu.auth0.com/',
    discovery: '/.well-known/openid-configuration',
    authorize: '/authorize',
    token: '/oauth/token',
    jwks: '/.well-known/jwks.json',
    userinfo: '/userinfo',
    revocation: '/oauth/revoke',
    authentication: 'client_secret_post',
    lifetimeSeconds: 86_400,
    scopes: ['openid', 'profile', 'email', 'offline_access', 'notes:read'],
    parameters: ['audience', 'organization', 'connection', 'screen_hint', 'invitation'],
    claims: () => ({ org_id: 'org_9ybsU1dN2dKfDkBi' }),
    users: {
      alice: {
        sub: 'auth0|507f1f77bcf86cd799439020',
        name: 'Alice Archer',
        email: 'alice@example.com',
        email_verified: true,
      },
      bob: { sub: 'google-oauth2|110169484474386276334', name: 'Bob' },
    },
  });
}
