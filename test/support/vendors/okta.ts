import type { Clock } from '../../../lib/index.js';
import { StandardOidcVendor } from './standard-oidc-vendor.js';

/**
 * An org of Okta, after "Authorization servers" and the API reference of the org and the custom
 * authorization servers: the same endpoints below two issuers. Refresh tokens stay as they are, which
 * is the default of web apps.
 */
export function startOkta(clock: Clock, authorizationServer?: string): Promise<StandardOidcVendor> {
  const at = authorizationServer === undefined ? '/oauth2' : `/oauth2/${authorizationServer}`;
  const issuerPath = authorizationServer === undefined ? '' : at;
  return StandardOidcVendor.start(clock, {
    client: {
      id: '0oabucvyc38HLL1ef0h7',
      secret: 'Okta-app_secret-0123456789abcdefghijklmnopqrstuvwxyzABCDEF-_0123',
    },
    otherApp: { id: '0oabucvyc38HLL1ef0h8', secret: 'of-another' },
    issuer: `https://acme.okta.com${issuerPath}`,
    discovery: `${issuerPath}/.well-known/openid-configuration`,
    authorize: `${at}/v1/authorize`,
    token: `${at}/v1/token`,
    jwks: `${at}/v1/keys`,
    userinfo: `${at}/v1/userinfo`,
    revocation: `${at}/v1/revoke`,
    authentication: 'client_secret_basic',
    lifetimeSeconds: 3600,
    scopes: ['openid', 'profile', 'email', 'offline_access', 'groups'],
    parameters: ['idp', 'sessionToken', 'acr_values'],
    rotates: false,
    claims: () => ({ ver: 1, amr: ['pwd'], idp: '00o5t60il6XnBb2gI0h7' }),
    users: {
      alice: {
        sub: '00uid4BxXw6I6TV4m0g3',
        name: 'Alice Archer',
        preferred_username: 'alice@example.com',
        groups: ['Everyone', 'Writers'],
      },
      bob: { sub: '00uid4BxXw6I6TV4m0g4', name: 'Bob', groups: ['Everyone'] },
    },
  });
}
