import { describe, expect, it } from '@jest/globals';
import { OktaUpstream } from '../../lib/index.js';
import { ManualClock } from '../support/manual-clock.js';
import { startOkta } from '../support/vendors/okta.js';
import type { StandardOidcVendor } from '../support/vendors/standard-oidc-vendor.js';
import { upstreamContract } from '../support/vendors/upstream-contract.js';
import { issuesOf } from '../support/vendors/upstream-issues.js';
import { formHeaders, VendorFlow } from '../support/vendors/vendor-flow.js';

const domain = 'acme.okta.com';
const at = `https://${domain}/oauth2/default`;
const clientId = '0oabucvyc38HLL1ef0h7';
const authorization = `Basic ${Buffer.from(
  `${clientId}:Okta-app_secret-0123456789abcdefghijklmnopqrstuvwxyzABCDEF-_0123`,
).toString('base64')}`;

upstreamContract<StandardOidcVendor>({
  name: 'Okta',
  start: (clock) => startOkta(clock, 'default'),
  upstream: ({ client, fetch }, more) =>
    new OktaUpstream({
      domain,
      authorizationServerId: 'default',
      clientId: client.id,
      clientSecret: client.secret,
      fetch,
      ...more,
    }),
  authorizationUrl:
    `${at}/v1/authorize?response_type=code&client_id=${clientId}` +
    '&redirect_uri={redirect_uri}&state={state}&code_challenge={code_challenge}' +
    '&code_challenge_method=S256&scope=openid+profile+email+offline_access&nonce={nonce}',
  redemption: {
    request: `POST ${at}/v1/token`,
    headers: { ...formHeaders, authorization },
    body: 'redirect_uri={redirect_uri}&code={code}&code_verifier={code_verifier}&grant_type=authorization_code',
  },
  identification: [],
  refresh: {
    request: `POST ${at}/v1/token`,
    headers: { ...formHeaders, authorization },
    body: 'refresh_token={refresh_token}&grant_type=refresh_token',
  },
  revocation: {
    request: `POST ${at}/v1/revoke`,
    headers: {
      authorization,
      'content-type': formHeaders['content-type'],
      'user-agent': formHeaders['user-agent'],
    },
    body: 'token={token}',
  },
  subject: '00uid4BxXw6I6TV4m0g3',
  embedded: { groups: ['Everyone', 'Writers'] },
  needed: [
    { path: '/oauth2/default/v1/token', host: ({ web }) => web },
    { path: '/oauth2/default/v1/keys', host: ({ web }) => web, once: true },
  ],
  foreignToken: (vendor) => {
    vendor.claims = { aud: vendor.otherApp.id };
  },
  accessTokenSeconds: 3600,
});

describe('a login at another authorization server of Okta', () => {
  it.each([
    ['the org', undefined, 'https://acme.okta.com/oauth2/v1/authorize?'],
    ['a custom', 'aus9o8wzkhck', 'https://acme.okta.com/oauth2/aus9o8wzkhck/v1/authorize?'],
  ])('knows the issuer of %s one, and no other', async (_name, authorizationServerId, start) => {
    const clock = new ManualClock();
    const vendor = await startOkta(clock, authorizationServerId);
    const { client, fetch } = vendor;
    const upstream = new OktaUpstream({
      domain,
      authorizationServerId,
      clientId: client.id,
      clientSecret: client.secret,
      fetch,
    });
    const flow = await VendorFlow.start(vendor, upstream, { clock });
    const { vendorUrl } = await flow.login();
    expect(vendorUrl.startsWith(start)).toBe(true);
    vendor.claims = { iss: at };
    expect(await flow.outcome()).toBe('server_error');
    vendor.recover();
    expect(await flow.outcome()).toBe('code');
    await flow.close();
  });
});

describe('the options of an OktaUpstream', () => {
  const pathsOf = (changes: object): readonly string[] =>
    issuesOf(new OktaUpstream({ domain, clientId, ...changes }));

  it.each([{}, { authorizationServerId: 'aus9o8wzkhckw9TLa0h7' }, { domain: 'id.example.com' }])(
    'may be %j',
    (options) => {
      expect(pathsOf(options)).toEqual([]);
    },
  );

  it.each([
    [{ domain: 'https://acme.okta.com' }, 'domain'],
    [{ domain: undefined }, 'domain'],
    [{ authorizationServerId: '' }, 'authorizationServerId'],
    [{ authorizationServerId: '../x' }, 'authorizationServerId'],
    [{ issuer: 'https://x' }, 'issuer'],
  ])('must not be %j', (options, name) => {
    expect(pathsOf(options)).toContain(`upstream.${name}`);
  });
});
