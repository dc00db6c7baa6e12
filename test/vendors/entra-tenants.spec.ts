import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeJwt, exportJWK, generateKeyPair } from 'jose';
import { EntraUpstream, type EntraUpstreamOptions } from '../../lib/index.js';
import { ManualClock } from '../support/manual-clock.js';
import { tokensOf } from '../support/proxy-flow.js';
import { consumers, contoso, fabrikam, FakeEntra } from '../support/vendors/entra.js';
import { issuesOf } from '../support/vendors/upstream-issues.js';
import { VendorFlow } from '../support/vendors/vendor-flow.js';

const api = 'api://c0ffee00-1111-4222-8333-444455556666';
const openId = 'openid profile email offline_access';

async function start(
  options: Partial<EntraUpstreamOptions> = {},
  fake: Parameters<typeof FakeEntra.start>[1] = {},
): Promise<VendorFlow<FakeEntra>> {
  const clock = new ManualClock();
  const directory = options.tenant ?? contoso;
  const vendor = await FakeEntra.start(clock, { directory, ...fake });
  const upstream = new EntraUpstream({
    tenant: directory,
    clientId: vendor.client.id,
    clientSecret: vendor.client.secret,
    fetch: vendor.fetch,
    ...options,
  });
  return VendorFlow.start(vendor, upstream, { clock });
}

describe('who may log in at Entra', () => {
  let flow: VendorFlow<FakeEntra>;

  afterEach(() => flow.close());

  async function outcomes(): Promise<object> {
    return {
      alice: await flow.outcome({ user: 'alice' }),
      bob: await flow.outcome({ user: 'bob' }),
      carol: await flow.outcome({ user: 'carol' }),
    };
  }

  it('is the users of the one tenant', async () => {
    flow = await start();
    expect(await outcomes()).toEqual({
      alice: 'code',
      bob: 'server_error',
      carol: 'server_error',
    });
  });

  it('is every work account with organizations, and no personal one', async () => {
    flow = await start({ tenant: 'organizations' });
    expect(await outcomes()).toEqual({ alice: 'code', bob: 'code', carol: 'access_denied' });
  });

  it('is everybody with common', async () => {
    flow = await start({ tenant: 'common' });
    expect(await outcomes()).toEqual({ alice: 'code', bob: 'code', carol: 'code' });
  });

  it('is personal accounts alone with consumers', async () => {
    flow = await start({ tenant: 'consumers' });
    expect(await outcomes()).toEqual({
      alice: 'server_error',
      bob: 'server_error',
      carol: 'code',
    });
  });

  it('is the users of the allowed tenants, and allowUser may say no to them too', async () => {
    const allowedTenants = [fabrikam, consumers];
    flow = await start({
      tenant: 'common',
      allowedTenants,
      allowUser: ({ name }) => name !== 'Carol',
    });
    expect(await outcomes()).toEqual({
      alice: 'access_denied',
      bob: 'code',
      carol: 'access_denied',
    });
  });

  it.each([
    ['names another tenant than its issuer', { tid: fabrikam }],
    ['names no tenant', { tid: undefined }],
    ['names a tenant that is a path', { tid: `${fabrikam}/../${contoso}` }],
    ['has the issuer of all tenants', { iss: 'https://login.microsoftonline.com/{tenantid}/v2.0' }],
    [
      'has the issuer of another cloud',
      { iss: `https://login.microsoftonline.us/${contoso}/v2.0` },
    ],
    ['has the issuer of the older endpoints', { iss: `https://sts.windows.net/${contoso}/` }],
  ])('is nobody whose id_token %s', async (_name, claims) => {
    flow = await start({ tenant: 'organizations' });
    flow.vendor.claims = claims;
    expect(await flow.outcome()).toBe('server_error');
    flow.vendor.recover();
    expect(await flow.outcome()).toBe('code');
  });

  it('is refreshed as the user of the tenant', async () => {
    flow = await start({ tenant: 'organizations' });
    const tokens = await flow.tokens();
    flow.clock.advance(3601);
    const refreshed = tokensOf(await flow.proxy.refresh(tokens.refresh_token, flow.client));
    flow.clock.advance(3601);
    // The same subject of another tenant is somebody else.
    flow.vendor.claims = { tid: fabrikam };
    const answer = await flow.proxy.refresh(refreshed.refresh_token, flow.client);
    expect(answer.status).toBe(400);
  });

  it('is asked in the national cloud where the tenant is', async () => {
    const origin = 'https://login.microsoftonline.us';
    flow = await start({ cloud: 'us-government' }, { origin });
    const { vendorUrl } = await flow.login();
    expect(new URL(vendorUrl).origin).toBe(origin);
    expect(await flow.outcome()).toBe('code');
  });
});

describe('the scopes of an app at Entra', () => {
  let flow: VendorFlow<FakeEntra>;

  beforeAll(async () => {
    flow = await start({ scopes: 'requested' });
  });

  afterEach(() => {
    flow.vendor.recover();
    flow.vendor.forgetRequests();
  });

  afterAll(() => flow.close());

  const asked = async (scope: string): Promise<string | null> =>
    new URL((await flow.login({ scope })).vendorUrl).searchParams.get('scope');
  const lastForm = (): URLSearchParams | undefined =>
    flow.vendor.requests().findLast(({ method }) => method === 'POST')?.form;

  it('carry its identifier at authorization, exchange and refresh, and here never', async () => {
    const scope = 'mcp:use notes:read notes:write';
    const there = `${openId} ${api}/mcp:use ${api}/notes:read ${api}/notes:write`;
    expect(await asked(scope)).toBe(there);
    expect(lastForm()?.get('scope')).toBe(there);
    const tokens = await flow.tokens({ scope });
    expect(tokens.scope).toBe(scope);
    flow.clock.advance(3601);
    const refreshed = tokensOf(await flow.proxy.refresh(tokens.refresh_token, flow.client));
    expect(lastForm()?.get('grant_type')).toBe('refresh_token');
    expect(lastForm()?.get('scope')).toBe(there);
    expect(refreshed.scope).toBe(scope);
    expect(await flow.proxy.isAccepted(refreshed.access_token)).toBe(true);
  });

  it('are granted here as far as Entra grants them', async () => {
    const grant = ['openid', 'offline_access', `${api}/notes:read`];
    const tokens = await flow.tokens({ scope: 'notes:read notes:write', grant });
    expect(tokens.scope).toBe('notes:read');
  });

  it('are not taken from an answer about another app', async () => {
    flow.vendor.tamper = (body) => ({ ...body, scope: 'api://another-app/notes:read' });
    const tokens = await flow.tokens({ scope: 'notes:read' });
    expect(tokens.scope).toBe('');
  });

  it('are asked for with one resource a token request, the app first', async () => {
    const graph = 'https://graph.microsoft.com/User.Read';
    const { scopeMapping } = await import('../../lib/upstreams/entra-scopes.js').then((module) => ({
      scopeMapping: module.entraScopes(api, ['openid']),
    }));
    const named = (...scopes: readonly string[]): readonly string[] | undefined =>
      scopeMapping.inTokenRequest?.(scopes);
    expect(named('openid', graph, `${api}/a`, `${api}/b`)).toEqual([
      'openid',
      `${api}/a`,
      `${api}/b`,
    ]);
    expect(named('openid', graph, 'https://graph.microsoft.com/Mail.Read')).toHaveLength(3);
    expect(named('openid', graph, 'https://vault.azure.net/x')).toEqual(['openid', graph]);
    expect(named('openid', 'User.Read', 'https://vault.azure.net/x')).toEqual([
      'openid',
      'User.Read',
    ]);
    expect(named('openid', 'offline_access')).toEqual(['openid', 'offline_access']);
  });

  it('never make a scope of OpenID Connect one of the app', async () => {
    const { entraScopes } = await import('../../lib/upstreams/entra-scopes.js');
    const { toUpstream, fromUpstream } = entraScopes(api, ['openid', 'offline_access']);
    expect(toUpstream(['email', 'mcp.use', 'api://other/x'])).toEqual([
      'openid',
      'offline_access',
      'email',
      `${api}/mcp.use`,
      'api://other/x',
    ]);
    expect(fromUpstream([`${api}/mcp.use`])).toContain('mcp.use');
    expect(fromUpstream(['api://other/mcp.use'])).not.toContain('mcp.use');
    expect(fromUpstream([])).toContain('offline_access');
  });
});

describe('a client assertion for Entra', () => {
  const directories = [
    ['organizations', 'https://login.microsoftonline.com/organizations/oauth2/v2.0/token'],
    [contoso, `https://login.microsoftonline.com/${contoso}/v2.0`],
  ];

  it.each(directories)('of %s is for %s, and for no template', async (tenant, audience) => {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true });
    const clientKey = { ...(await exportJWK(privateKey)), alg: 'RS256' };
    const flow = await start({ tenant, clientSecret: undefined, clientKey });
    await flow.outcome({ user: 'alice' });
    const sent = flow.vendor.requests().map(({ form }) => form.get('client_assertion'));
    const assertion = sent.find((text) => text !== null) ?? '';
    expect(decodeJwt(assertion).aud).toBe(audience);
    await flow.close();
  });
});

describe('the options of an EntraUpstream', () => {
  const clientId = 'c0ffee00-1111-4222-8333-444455556666';
  const pathsOf = (changes: object): readonly string[] =>
    issuesOf(new EntraUpstream({ tenant: contoso, clientId, ...changes }));

  it.each([
    {},
    { tenant: 'organizations', allowedTenants: [contoso] },
    { tenant: 'common' },
    { tenant: 'consumers', cloud: 'global' },
    { identifierUri: 'api://my-app', cloud: 'china' },
    { forwardResource: false, extraAuthorizeParams: { domain_hint: 'contoso.com' } },
  ])('may be %j', (options) => {
    expect(pathsOf(options)).toEqual([]);
  });

  it.each([
    [{ tenant: undefined }, 'tenant'],
    [{ tenant: 'contoso.onmicrosoft.com' }, 'tenant'],
    [{ tenant: contoso.toUpperCase().replace('1', 'A') }, 'tenant'],
    [{ allowedTenants: [contoso] }, 'allowedTenants'],
    [{ tenant: 'common', allowedTenants: [] }, 'allowedTenants'],
    [{ tenant: 'common', allowedTenants: contoso }, 'allowedTenants'],
    [{ tenant: 'common', allowedTenants: ['contoso.com'] }, 'allowedTenants'],
    [{ identifierUri: 'api://my-app/' }, 'identifierUri'],
    [{ identifierUri: 'my-app' }, 'identifierUri'],
    [{ cloud: 'germany' }, 'cloud'],
    [{ forwardResource: true }, 'forwardResource'],
    [{ issuer: 'https://evil.test' }, 'issuer'],
    [{ clientId: undefined }, 'clientId'],
  ])('must not be %j', (options, name) => {
    expect(pathsOf(options)).toContain(`upstream.${name}`);
  });
});
