import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EntraB2cUpstream, type EntraB2cUpstreamOptions } from '../../lib/index.js';
import { ManualClock } from '../support/manual-clock.js';
import { contoso, FakeEntra } from '../support/vendors/entra.js';
import { issuesOf } from '../support/vendors/upstream-issues.js';
import { upstreamContract } from '../support/vendors/upstream-contract.js';
import { formHeaders, VendorFlow } from '../support/vendors/vendor-flow.js';

const policy = 'B2C_1_signin';
const directory = `contoso.onmicrosoft.com/${policy}`;
const at = `https://contoso.b2clogin.com/${directory}`;
const clientId = 'c0ffee00-1111-4222-8333-444455556666';
const credentials = `client_id=${clientId}&client_secret=dGhlLXNlY3JldC1vZi10aGUtYXBwLWluLWVudHJh`;
const scope = `scope=openid+offline_access+${clientId}`;

const start = (clock: ManualClock): Promise<FakeEntra> =>
  FakeEntra.start(clock, {
    directory,
    origin: 'https://contoso.b2clogin.com',
    issuerOf: (tenant) => `https://contoso.b2clogin.com/${tenant}/v2.0/`,
    // Names of policies come back in their own case.
    more: { tfp: 'b2c_1_SIGNIN' },
  });

const upstream = (
  { client, fetch }: FakeEntra,
  more: Partial<EntraB2cUpstreamOptions> = {},
): EntraB2cUpstream =>
  new EntraB2cUpstream({
    tenantName: 'contoso',
    tenantId: contoso,
    policy,
    clientId: client.id,
    clientSecret: client.secret,
    fetch,
    ...more,
  });

upstreamContract<FakeEntra>({
  name: 'Azure AD B2C',
  start,
  upstream,
  authorizationUrl:
    `${at}/oauth2/v2.0/authorize?response_type=code&client_id=${clientId}` +
    '&redirect_uri={redirect_uri}&state={state}&code_challenge={code_challenge}' +
    `&code_challenge_method=S256&${scope}&nonce={nonce}`,
  redemption: {
    request: `POST ${at}/oauth2/v2.0/token`,
    headers: formHeaders,
    body: `${scope}&redirect_uri={redirect_uri}&code={code}&code_verifier={code_verifier}&grant_type=authorization_code&${credentials}`,
  },
  identification: [],
  refresh: {
    request: `POST ${at}/oauth2/v2.0/token`,
    headers: formHeaders,
    body: `${scope}&refresh_token={refresh_token}&grant_type=refresh_token&${credentials}`,
  },
  revocation: null,
  subject: 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ',
  embedded: { name: 'Alice Archer', tid: contoso },
  needed: [
    { path: `/${directory}/oauth2/v2.0/token`, host: ({ web }) => web },
    { path: `/${directory}/discovery/v2.0/keys`, host: ({ web }) => web, once: true },
  ],
  foreignToken: (vendor) => {
    vendor.claims = { aud: vendor.otherApp.id };
  },
  accessTokenSeconds: 3600,
});

describe('a login at Azure AD B2C', () => {
  let flow: VendorFlow<FakeEntra>;

  beforeAll(async () => {
    const clock = new ManualClock();
    const vendor = await start(clock);
    flow = await VendorFlow.start(vendor, upstream(vendor, { scopes: 'requested' }), { clock });
  });

  afterAll(() => flow.close());

  it('knows the scopes of the app by its identifier there, and asks for no profile', async () => {
    const { vendorUrl } = await flow.login({ scope: 'mcp:use' });
    expect(new URL(vendorUrl).searchParams.get('scope')).toBe(
      `openid offline_access https://contoso.onmicrosoft.com/${clientId}/mcp:use`,
    );
    expect((await flow.tokens({ scope: 'mcp:use' })).scope).toBe('mcp:use');
  });

  it.each([
    ['another policy', { tfp: 'B2C_1_password_reset' }, 'access_denied'],
    ['no policy', { tfp: undefined }, 'access_denied'],
    ['the tenant of another', { iss: 'https://fabrikam.b2clogin.com/x/v2.0/' }, 'server_error'],
    ['an issuer named after the policy', { iss: `${at}/v2.0/` }, 'server_error'],
    ['its policy under the older name', { tfp: undefined, acr: policy }, 'code'],
  ])('with an id_token that has %s', async (_name, claims, outcome) => {
    flow.vendor.claims = claims;
    expect(await flow.outcome()).toBe(outcome);
    flow.vendor.recover();
  });
});

describe('the options of an EntraB2cUpstream', () => {
  const given = { tenantName: 'contoso', tenantId: contoso, policy, clientId };
  const pathsOf = (changes: object): readonly string[] =>
    issuesOf(new EntraB2cUpstream({ ...given, ...changes }));

  it.each([{}, { domain: 'login.contoso.com' }, { identifierUri: 'https://api.contoso.com' }])(
    'may be %j',
    (options) => {
      expect(pathsOf(options)).toEqual([]);
    },
  );

  it.each([
    [{ tenantName: 'contoso.onmicrosoft.com' }, 'tenantName'],
    [{ tenantName: undefined }, 'tenantName'],
    [{ tenantId: 'contoso' }, 'tenantId'],
    [{ policy: '../x' }, 'policy'],
    [{ domain: 'https://login.contoso.com' }, 'domain'],
    [{ domain: 'login.contoso.com/x' }, 'domain'],
    [{ clientId: '' }, 'clientId'],
    [{ issuer: 'https://x' }, 'issuer'],
    [{ endpoints: {} }, 'endpoints'],
  ])('must not be %j', (options, name) => {
    expect(pathsOf(options)).toContain(`upstream.${name}`);
  });
});
