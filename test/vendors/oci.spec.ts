import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { OciUpstream, type OciUpstreamOptions } from '../../lib/index.js';
import { ManualClock } from '../support/manual-clock.js';
import { IdTokenSigner } from '../support/vendors/id-token-signer.js';
import { ociDomain, startOci } from '../support/vendors/oci.js';
import type { StandardOidcVendor } from '../support/vendors/standard-oidc-vendor.js';
import { upstreamContract } from '../support/vendors/upstream-contract.js';
import { issuesOf } from '../support/vendors/upstream-issues.js';
import { formHeaders, VendorFlow } from '../support/vendors/vendor-flow.js';

const at = `https://${ociDomain}/oauth2/v1`;
const clientId = '0a1b2c3d4e5f60718293a4b5c6d7e8f9';
const authorization = `Basic ${Buffer.from(
  `${clientId}:idcscs-01234567-89ab-cdef-0123-456789abcdef`,
).toString('base64')}`;

const upstream = (
  { client, fetch }: StandardOidcVendor,
  more: Partial<OciUpstreamOptions> = {},
): OciUpstream =>
  new OciUpstream({
    domain: ociDomain,
    clientId: client.id,
    clientSecret: client.secret,
    fetch,
    ...more,
  });

upstreamContract<StandardOidcVendor>({
  name: 'OCI',
  start: (clock) => startOci(clock),
  // With refresh tokens, of which there is more to show.
  upstream: (vendor, more) =>
    upstream(vendor, { scopes: ['openid', 'profile', 'email', 'offline_access'], ...more }),
  authorizationUrl:
    `${at}/authorize?response_type=code&client_id=${clientId}` +
    '&redirect_uri={redirect_uri}&state={state}&code_challenge={code_challenge}' +
    '&code_challenge_method=S256&scope=openid+profile+email+offline_access&nonce={nonce}',
  // No scope: it would be refused.
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
  subject: 'alice@example.com',
  embedded: { user_id: '7b1c3d5e7f90417283946a5b6c7d8e9f' },
  needed: [
    { path: '/oauth2/v1/token', host: ({ web }) => web },
    { path: '/admin/v1/SigningCert/jwk', host: ({ web }) => web, once: true },
  ],
  // Every id_token is for the issuer too.
  foreignToken: (vendor) => {
    const { id } = vendor.otherApp;
    vendor.claims = { aud: ['https://identity.oraclecloud.com/', id], azp: id };
  },
  accessTokenSeconds: 3600,
});

describe('a login at an identity domain of OCI', () => {
  let flow: VendorFlow<StandardOidcVendor>;

  beforeAll(async () => {
    const clock = new ManualClock();
    const vendor = await startOci(clock);
    flow = await VendorFlow.start(vendor, upstream(vendor), { clock });
  });

  afterAll(() => flow.close());

  it('lasts as long as the access token unless offline access was asked for', async () => {
    const { vendorUrl } = await flow.login();
    expect(new URL(vendorUrl).searchParams.get('scope')).toBe('openid profile email');
    const { access_token: token, ...others } = await flow.tokens();
    expect(others).not.toHaveProperty('refresh_token');
    expect(await flow.proxy.isAccepted(token)).toBe(true);
    flow.clock.advance(3601);
    expect(await flow.proxy.isAccepted(token)).toBe(false);
  });

  it('is not one at another domain, whose issuer is the same', async () => {
    const vendor = await startOci(flow.clock);
    const { jwks } = await IdTokenSigner.create('key-1');
    vendor.web.serve({ 'GET /admin/v1/SigningCert/jwk': () => Response.json(jwks) });
    const other = await VendorFlow.start(vendor, upstream(vendor), { clock: flow.clock });
    expect(await other.outcome()).toBe('server_error');
    await other.close();
  });

  it('may be one with an issuer of its own', async () => {
    const issuer = `https://${ociDomain}`;
    const vendor = await startOci(flow.clock, issuer);
    const other = await VendorFlow.start(vendor, upstream(vendor, { issuer }), {
      clock: flow.clock,
    });
    expect(await other.outcome()).toBe('code');
    vendor.claims = { iss: 'https://identity.oraclecloud.com/' };
    expect(await other.outcome()).toBe('server_error');
    await other.close();
  });

  it.each([
    ['is of an app without a name', { azp: undefined }],
    ['has the domain itself as the issuer', { iss: `https://${ociDomain}` }],
  ])('is refused with an id_token that %s', async (_name, claims) => {
    flow.vendor.claims = claims;
    expect(await flow.outcome()).toBe('server_error');
    flow.vendor.recover();
    expect(await flow.outcome()).toBe('code');
  });
});

describe('the options of an OciUpstream', () => {
  const pathsOf = (changes: object): readonly string[] =>
    issuesOf(new OciUpstream({ domain: ociDomain, clientId, ...changes }));

  it.each([{}, { issuer: `https://${ociDomain}` }])('may be %j', (options) => {
    expect(pathsOf(options)).toEqual([]);
  });

  it.each([
    [{ domain: `https://${ociDomain}` }, 'domain'],
    [{ domain: `${ociDomain}:443` }, 'domain'],
    [{ domain: undefined }, 'domain'],
    [{ issuer: 'identity.oraclecloud.com' }, 'issuer'],
    [{ endpoints: {} }, 'endpoints'],
  ])('must not be %j', (options, name) => {
    expect(pathsOf(options)).toContain(`upstream.${name}`);
  });
});
