import type { Clock } from '../../../lib/index.js';
import { StandardOidcVendor } from './standard-oidc-vendor.js';

/**
 * An AuthKit domain of WorkOS with an OAuth application, after "Connect" of its documentation and API
 * reference. The app's credentials are in the form; access tokens are good for five minutes; answers
 * name no scopes; there is no revocation.
 */
export function startWorkOS(clock: Clock): Promise<StandardOidcVendor> {
  return StandardOidcVendor.start(clock, {
    client: {
      id: 'client_01JP8BD0CZ401TDF9X54NT5ZEK',
      secret: '1eaaf7a47948398d89e2b07dce912b6a9c0282aa20e88c026fcb42fd6b06b73f',
    },
    otherApp: { id: 'client_01JP8BD0CZ401TDF9X54NT5ZEL', secret: 'ofanother' },
    issuer: 'https://your-app.authkit.app',
    discovery: '/.well-known/openid-configuration',
    authorize: '/oauth2/authorize',
    token: '/oauth2/token',
    jwks: '/oauth2/jwks',
    userinfo: '/oauth2/userinfo',
    authentication: 'client_secret_post',
    lifetimeSeconds: 300,
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    namesScopes: false,
    users: {
      alice: {
        sub: 'user_01JQ0E27VT3MH79RY0FVA4QBP9',
        name: 'Alice Archer',
        email: 'alice@example.com',
        email_verified: true,
      },
      bob: { sub: 'user_01JQ0E27VT3MH79RY0FVA4QBP8', name: 'Bob' },
    },
  });
}
