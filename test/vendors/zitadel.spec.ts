import { describe, expect, it } from '@jest/globals';
import { ZitadelUpstream } from '../../lib/index.js';
import type { StandardOidcVendor } from '../support/vendors/standard-oidc-vendor.js';
import { upstreamContract } from '../support/vendors/upstream-contract.js';
import { issuesOf } from '../support/vendors/upstream-issues.js';
import { formHeaders } from '../support/vendors/vendor-flow.js';
import { startZitadel } from '../support/vendors/zitadel.js';

const domain = 'acme-abc123.us1.zitadel.cloud';
const at = `https://${domain}/oauth/v2`;
const clientId = '259254409320529922';
const authorization = `Basic ${Buffer.from(
  `${clientId}:Zitadel0Secret1Of2The3App4In5The6Project7ABCDEFGHIJKLMNOPQRSTUVWX`,
).toString('base64')}`;

upstreamContract<StandardOidcVendor>({
  name: 'Zitadel',
  start: startZitadel,
  upstream: ({ client, fetch }, more) =>
    new ZitadelUpstream({
      domain,
      clientId: client.id,
      clientSecret: client.secret,
      fetch,
      ...more,
    }),
  authorizationUrl:
    `${at}/authorize?response_type=code&client_id=${clientId}` +
    '&redirect_uri={redirect_uri}&state={state}&code_challenge={code_challenge}' +
    '&code_challenge_method=S256&scope=openid+profile+email+offline_access&nonce={nonce}',
  redemption: {
    request: `POST ${at}/token`,
    headers: { ...formHeaders, authorization },
    body: 'redirect_uri={redirect_uri}&code={code}&code_verifier={code_verifier}&grant_type=authorization_code',
  },
  identification: [],
  refresh: {
    request: `POST ${at}/token`,
    headers: { ...formHeaders, authorization },
    body: 'refresh_token={refresh_token}&grant_type=refresh_token',
  },
  revocation: {
    request: `POST ${at}/revoke`,
    headers: {
      authorization,
      'content-type': formHeaders['content-type'],
      'user-agent': formHeaders['user-agent'],
    },
    body: 'token={token}',
  },
  subject: '259241944654282754',
  embedded: { preferred_username: 'alice@acme.example.com' },
  needed: [
    { path: '/oauth/v2/token', host: ({ web }) => web },
    { path: '/oauth/v2/keys', host: ({ web }) => web, once: true },
  ],
  // An app of the same project: this app is among the audiences.
  foreignToken: (vendor) => {
    vendor.claims = { azp: vendor.otherApp.id };
  },
  accessTokenSeconds: 43_199,
});

describe('the options of a ZitadelUpstream', () => {
  const pathsOf = (changes: object): readonly string[] =>
    issuesOf(new ZitadelUpstream({ domain, clientId, ...changes }));

  it.each([{}, { domain: 'id.example.com' }])('may be %j', (options) => {
    expect(pathsOf(options)).toEqual([]);
  });

  it.each([
    [{ domain: `https://${domain}` }, 'domain'],
    [{ domain: undefined }, 'domain'],
    [{ organization: 'x' }, 'organization'],
  ])('must not be %j', (options, name) => {
    expect(pathsOf(options)).toContain(`upstream.${name}`);
  });
});
