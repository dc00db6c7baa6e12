import type { Clock } from '../../../lib/index.js';
import { StandardOidcVendor } from './standard-oidc-vendor.js';

export const userPoolId = 'eu-central-1_AbCdEf123';

/**
 * A user pool of Amazon Cognito with managed login, after "The token issuer endpoint", "The token
 * revocation endpoint" and "Understanding the identity (ID) token" of its developer guide. Issuer and
 * keys are at one host, the endpoints at another; the app authenticates by HTTP Basic; answers name no
 * scopes; a refresh yields no refresh token, and the old one stays good. A scope that the app client
 * is not allowed is an error.
 */
export function startCognito(clock: Clock): Promise<StandardOidcVendor> {
  const pool = `/${userPoolId}`;
  return StandardOidcVendor.start(clock, {
    client: { id: '1example23456789', secret: '9cognitoappclientsecret0123456789abcdefghijklmno' },
    otherApp: { id: '2example23456789', secret: 'ofanother' },
    issuer: `https://cognito-idp.eu-central-1.amazonaws.com${pool}`,
    keysOrigin: 'https://cognito-idp.eu-central-1.amazonaws.com',
    origin: 'https://demo.auth.eu-central-1.amazoncognito.com',
    discovery: `${pool}/.well-known/openid-configuration`,
    authorize: '/oauth2/authorize',
    token: '/oauth2/token',
    jwks: `${pool}/.well-known/jwks.json`,
    userinfo: '/oauth2/userInfo',
    revocation: '/oauth2/revoke',
    authentication: 'client_secret_basic',
    lifetimeSeconds: 3600,
    scopes: ['openid'],
    parameters: ['identity_provider', 'idp_identifier', 'lang', 'resource'],
    namesScopes: false,
    alwaysRefreshable: true,
    rotates: false,
    claims: () => ({ token_use: 'id' }),
    users: {
      alice: {
        sub: '9315f274-d0a1-70d7-3ba5-d1cb6e7ab312',
        'cognito:username': 'alice',
        'cognito:groups': ['writers'],
        email: 'alice@example.com',
        email_verified: true,
      },
      bob: { sub: '9315f274-d0a1-70d7-3ba5-d1cb6e7ab313', 'cognito:username': 'bob' },
    },
  });
}
