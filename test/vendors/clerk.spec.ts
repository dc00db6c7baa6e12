import { describe, expect, it } from '@jest/globals';
import { ClerkUpstream } from '../../lib/index.js';
import { startClerk } from '../support/vendors/clerk.js';
import type { StandardOidcVendor } from '../support/vendors/standard-oidc-vendor.js';
import { upstreamContract } from '../support/vendors/upstream-contract.js';
import { issuesOf } from '../support/vendors/upstream-issues.js';
import { formHeaders } from '../support/vendors/vendor-flow.js';

const domain = 'clerk.example.com';
const at = `https://${domain}/oauth`;
const clientId = 'd9g4CT4WYiCBm7EU';
const credentials = `client_id=${clientId}&client_secret=VVgbT7i6sPo7sTljq2zj12fjmg0jPL5k`;

upstreamContract<StandardOidcVendor>({
  name: 'Clerk',
  start: startClerk,
  upstream: ({ client, fetch }, more) =>
    new ClerkUpstream({ domain, clientId: client.id, clientSecret: client.secret, fetch, ...more }),
  authorizationUrl:
    `${at}/authorize?response_type=code&client_id=${clientId}` +
    '&redirect_uri={redirect_uri}&state={state}&code_challenge={code_challenge}' +
    '&code_challenge_method=S256&scope=openid+profile+email&nonce={nonce}',
  redemption: {
    request: `POST ${at}/token`,
    headers: formHeaders,
    body: `redirect_uri={redirect_uri}&code={code}&code_verifier={code_verifier}&grant_type=authorization_code&${credentials}`,
  },
  identification: [],
  refresh: {
    request: `POST ${at}/token`,
    headers: formHeaders,
    body: `refresh_token={refresh_token}&grant_type=refresh_token&${credentials}`,
  },
  revocation: {
    request: `POST ${at}/token/revoke`,
    headers: {
      'content-type': formHeaders['content-type'],
      'user-agent': formHeaders['user-agent'],
    },
    body: `token={token}&${credentials}`,
  },
  subject: 'user_2xhFjEI5X2qWRvtV13BzSj8H6Dk',
  embedded: { email: 'alice@example.com', email_verified: true },
  needed: [
    { path: '/oauth/token', host: ({ web }) => web },
    { path: '/.well-known/jwks.json', host: ({ web }) => web, once: true },
  ],
  foreignToken: (vendor) => {
    vendor.claims = { aud: vendor.otherApp.id };
  },
  accessTokenSeconds: 86_400,
});

describe('the options of a ClerkUpstream', () => {
  const pathsOf = (changes: object): readonly string[] =>
    issuesOf(new ClerkUpstream({ domain, clientId, ...changes }));

  it.each([{}, { domain: 'verb-noun-00.clerk.accounts.dev' }])('may be %j', (options) => {
    expect(pathsOf(options)).toEqual([]);
  });

  it.each([
    [{ domain: `https://${domain}` }, 'domain'],
    [{ domain: undefined }, 'domain'],
    [{ issuer: `https://${domain}` }, 'issuer'],
  ])('must not be %j', (options, name) => {
    expect(pathsOf(options)).toContain(`upstream.${name}`);
  });
});
