import type { Clock } from '../../../lib/index.js';
import { StandardOidcVendor } from './standard-oidc-vendor.js';

/**
 * An instance of Clerk with an OAuth application, after "How Clerk implements OAuth" and the OAuth
 * part of its Frontend API reference. It knows no `offline_access`: every login yields a refresh token.
 */
export function startClerk(clock: Clock): Promise<StandardOidcVendor> {
  return StandardOidcVendor.start(clock, {
    client: { id: 'd9g4CT4WYiCBm7EU', secret: 'VVgbT7i6sPo7sTljq2zj12fjmg0jPL5k' },
    otherApp: { id: 'd9g4CT4WYiCBm7EV', secret: 'of-another' },
    issuer: 'https://clerk.example.com',
    discovery: '/.well-known/openid-configuration',
    authorize: '/oauth/authorize',
    token: '/oauth/token',
    jwks: '/.well-known/jwks.json',
    userinfo: '/oauth/userinfo',
    revocation: '/oauth/token/revoke',
    authentication: 'client_secret_post',
    lifetimeSeconds: 86_400,
    scopes: ['openid', 'profile', 'email', 'public_metadata', 'private_metadata'],
    alwaysRefreshable: true,
    users: {
      alice: {
        sub: 'user_2xhFjEI5X2qWRvtV13BzSj8H6Dk',
        name: 'Alice Archer',
        email: 'alice@example.com',
        email_verified: true,
      },
      bob: { sub: 'user_2xhFjEI5X2qWRvtV13BzSj8H6Dl', name: 'Bob' },
    },
  });
}
