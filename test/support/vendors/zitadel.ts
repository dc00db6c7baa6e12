import type { Clock } from '../../../lib/index.js';
import { StandardOidcVendor } from './standard-oidc-vendor.js';

const project = '259242039378444290';

/**
 * An instance of Zitadel, after "OpenID Connect Endpoints", "Scopes" and "Claims" of its documentation.
 * An id_token is for every app of the project and for the project; `azp` is the app that asked.
 */
export function startZitadel(clock: Clock): Promise<StandardOidcVendor> {
  const client = {
    id: '259254409320529922',
    secret: 'Zitadel0Secret1Of2The3App4In5The6Project7ABCDEFGHIJKLMNOPQRSTUVWX',
  };
  const otherApp = { id: '259254409320529923', secret: 'of-another' };
  return StandardOidcVendor.start(clock, {
    client,
    otherApp,
    issuer: 'https://acme-abc123.us1.zitadel.cloud',
    discovery: '/.well-known/openid-configuration',
    authorize: '/oauth/v2/authorize',
    token: '/oauth/v2/token',
    jwks: '/oauth/v2/keys',
    userinfo: '/oidc/v1/userinfo',
    revocation: '/oauth/v2/revoke',
    authentication: 'client_secret_basic',
    lifetimeSeconds: 43_199,
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    namesScopes: false,
    claims: ({ id }) => ({ aud: [otherApp.id, client.id, project], azp: id }),
    users: {
      alice: {
        sub: '259241944654282754',
        name: 'Alice Archer',
        preferred_username: 'alice@acme.example.com',
      },
      bob: { sub: '259241944654282755', name: 'Bob' },
    },
  });
}
