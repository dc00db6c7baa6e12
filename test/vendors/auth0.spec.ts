import { afterEach, describe, expect, it } from '@jest/globals';
import { Auth0Upstream, type Auth0UpstreamOptions } from '../../lib/index.js';
import { ManualClock } from '../support/manual-clock.js';
import { startAuth0Login } from '../support/vendors/auth0-login.js';
import type { StandardOidcVendor } from '../support/vendors/standard-oidc-vendor.js';
import { upstreamContract } from '../support/vendors/upstream-contract.js';
import { issuesOf } from '../support/vendors/upstream-issues.js';
import { formHeaders, shapeOf, VendorFlow, wireOf } from '../support/vendors/vendor-flow.js';

const domain = 'your-tenant.eu.auth0.com';
const at = `https://${domain}`;
const clientId = 'vD8mQ2xKJ0sT4nB7cY1hR5wE9uZ3pL6a';
const credentials = `client_id=${clientId}&client_secret=4Wf-auth0_client_secret-0123456789abcdefghijklmnopqrstuvwxyzAB_C`;
const query =
  `response_type=code&client_id=${clientId}&redirect_uri={redirect_uri}&state={state}` +
  '&code_challenge={code_challenge}&code_challenge_method=S256';

const upstream = (
  { client, fetch }: StandardOidcVendor,
  more: Partial<Auth0UpstreamOptions> = {},
): Auth0Upstream =>
  new Auth0Upstream({ domain, clientId: client.id, clientSecret: client.secret, fetch, ...more });

upstreamContract<StandardOidcVendor>({
  name: 'Auth0',
  start: startAuth0Login,
  upstream,
  authorizationUrl: `${at}/authorize?${query}&scope=openid+profile+email+offline_access&nonce={nonce}`,
  redemption: {
    request: `POST ${at}/oauth/token`,
    headers: formHeaders,
    body: `redirect_uri={redirect_uri}&code={code}&code_verifier={code_verifier}&grant_type=authorization_code&${credentials}`,
  },
  identification: [],
  refresh: {
    request: `POST ${at}/oauth/token`,
    headers: formHeaders,
    body: `refresh_token={refresh_token}&grant_type=refresh_token&${credentials}`,
  },
  revocation: {
    request: `POST ${at}/oauth/revoke`,
    headers: {
      'content-type': formHeaders['content-type'],
      'user-agent': formHeaders['user-agent'],
    },
    body: `token={token}&${credentials}`,
  },
  subject: 'auth0|507f1f77bcf86cd799439020',
  embedded: { email: 'alice@example.com', org_id: 'org_9ybsU1dN2dKfDkBi' },
  needed: [
    { path: '/oauth/token', host: ({ web }) => web },
    { path: '/.well-known/jwks.json', host: ({ web }) => web, once: true },
  ],
  foreignToken: (vendor) => {
    vendor.claims = { aud: vendor.otherApp.id };
  },
  accessTokenSeconds: 86_400,
});

describe('a login at Auth0', () => {
  let flow: VendorFlow<StandardOidcVendor>;

  const start = async (more: Partial<Auth0UpstreamOptions>): Promise<void> => {
    const clock = new ManualClock();
    const vendor = await startAuth0Login(clock);
    flow = await VendorFlow.start(vendor, upstream(vendor, more), { clock });
  };

  afterEach(() => flow.close());

  it('for an API names it wherever a token is asked for', async () => {
    await start({
      audience: 'https://api.example.com',
      extraAuthorizeParams: { connection: 'github' },
      extraTokenParams: { more: '1' },
    });
    const { vendorUrl } = await flow.login();
    expect(shapeOf(vendorUrl)).toBe(
      `${at}/authorize?audience=https%3A%2F%2Fapi.example.com&connection=github&${query}` +
        '&scope=openid+profile+email+offline_access&nonce={nonce}',
    );
    flow.vendor.forgetRequests();
    const tokens = await flow.tokens();
    flow.clock.advance(86_401);
    await flow.proxy.refresh(tokens.refresh_token, flow.client);
    const bodies = flow.vendor.web
      .requestsTo('/oauth/token')
      .map((request) => wireOf(request).body);
    const more = 'audience=https%3A%2F%2Fapi.example.com&more=1';
    expect(bodies).toEqual([
      `${more}&redirect_uri={redirect_uri}&code={code}&code_verifier={code_verifier}&grant_type=authorization_code&${credentials}`,
      `${more}&refresh_token={refresh_token}&grant_type=refresh_token&${credentials}`,
    ]);
  });

  it('is for members of the organization alone, whatever the page was told', async () => {
    await start({ organization: 'org_9ybsU1dN2dKfDkBi' });
    const { vendorUrl } = await flow.login();
    expect(new URL(vendorUrl).searchParams.get('organization')).toBe('org_9ybsU1dN2dKfDkBi');
    expect(await flow.outcome()).toBe('code');
    for (const org_id of ['org_ofsomebodyelse', undefined, ['org_9ybsU1dN2dKfDkBi']]) {
      flow.vendor.claims = { org_id };
      expect(await flow.outcome()).toBe('access_denied');
    }
  });

  it('of a member is still for the operator to refuse', async () => {
    let isIn = false;
    await start({ organization: 'org_9ybsU1dN2dKfDkBi', allowUser: () => isIn });
    expect(await flow.outcome()).toBe('access_denied');
    isIn = true;
    expect(await flow.outcome()).toBe('code');
    flow.vendor.claims = { org_id: 'org_ofsomebodyelse' };
    expect(await flow.outcome()).toBe('access_denied');
  });

  it('knows an issuer with a slash at its end, and no other', async () => {
    await start({});
    flow.vendor.claims = { iss: at };
    expect(await flow.outcome()).toBe('server_error');
    flow.vendor.recover();
    expect(await flow.outcome()).toBe('code');
  });
});

describe('the options of an Auth0Upstream', () => {
  const pathsOf = (changes: object): readonly string[] =>
    issuesOf(new Auth0Upstream({ domain, clientId, ...changes }));

  it.each([
    {},
    { domain: 'login.example.com' },
    { audience: 'https://api.example.com/', organization: 'org_9ybsU1dN2dKfDkBi' },
  ])('may be %j', (options) => {
    expect(pathsOf(options)).toEqual([]);
  });

  it.each([
    [{ domain: 'https://login.example.com' }, 'domain'],
    [{ domain: 'login.example.com/x' }, 'domain'],
    [{ domain: 'your-tenant' }, 'domain'],
    [{ domain: undefined }, 'domain'],
    [{ audience: '' }, 'audience'],
    [{ audience: ['https://api.example.com'] }, 'audience'],
    [{ organization: 'acme' }, 'organization'],
    [{ clientId: '' }, 'clientId'],
    [{ issuer: 'https://x' }, 'issuer'],
    [{ domain: 'x', tenant: 'y' }, 'tenant'],
  ])('must not be %j', (options, name) => {
    expect(pathsOf(options)).toContain(`upstream.${name}`);
  });
});
