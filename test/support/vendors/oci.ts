import type { Clock } from '../../../lib/index.js';
import { StandardOidcVendor } from './standard-oidc-vendor.js';

export const ociDomain = 'idcs-a83e4de370ea4db1b8c703a0b742ce74.identity.oraclecloud.com';

/**
 * An identity domain of Oracle Cloud Infrastructure, after "Using OpenID Connect" and "Identity Token"
 * of its documentation. All domains have the same issuer unless they are told otherwise, so that discovery by the issuer is no use;
 * an id_token is also for that issuer; a scope in the exchange of a code is refused; the app
 * authenticates by HTTP Basic alone.
 */
export function startOci(
  clock: Clock,
  issuer = 'https://identity.oraclecloud.com/',
): Promise<StandardOidcVendor> {
  return StandardOidcVendor.start(clock, {
    client: {
      id: '0a1b2c3d4e5f60718293a4b5c6d7e8f9',
      secret: 'idcscs-01234567-89ab-cdef-0123-456789abcdef',
    },
    otherApp: { id: '1a1b2c3d4e5f60718293a4b5c6d7e8f9', secret: 'of-another' },
    issuer,
    origin: `https://${ociDomain}`,
    authorize: '/oauth2/v1/authorize',
    token: '/oauth2/v1/token',
    jwks: '/admin/v1/SigningCert/jwk',
    userinfo: '/oauth2/v1/userinfo',
    revocation: '/oauth2/v1/revoke',
    authentication: 'client_secret_basic',
    lifetimeSeconds: 3600,
    scopes: ['openid', 'profile', 'email', 'offline_access', 'groups'],
    namesScopes: false,
    objection: (form) =>
      form.get('grant_type') === 'authorization_code' && form.has('scope')
        ? 'invalid_scope'
        : undefined,
    claims: ({ id }) => ({ aud: [issuer, id], azp: id, tok_type: 'IT' }),
    users: {
      alice: {
        sub: 'alice@example.com',
        user_id: '7b1c3d5e7f90417283946a5b6c7d8e9f',
        user_displayname: 'Alice Archer',
      },
      bob: { sub: 'bob@example.com', user_id: '7b1c3d5e7f90417283946a5b6c7d8ea0' },
    },
  });
}
