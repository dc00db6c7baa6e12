import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { GoogleUpstream, type GoogleUpstreamOptions } from '../../lib/index.js';
import { ManualClock } from '../support/manual-clock.js';
import { tokensOf } from '../support/proxy-flow.js';
import { FakeGoogle } from '../support/vendors/google.js';
import { issuesOf } from '../support/vendors/upstream-issues.js';
import { VendorFlow } from '../support/vendors/vendor-flow.js';

const email = 'https://www.googleapis.com/auth/userinfo.email';
const calendar = 'https://www.googleapis.com/auth/calendar.readonly';

async function start(
  more: Partial<GoogleUpstreamOptions> = {},
  validScopes?: readonly string[],
): Promise<VendorFlow<FakeGoogle>> {
  const clock = new ManualClock();
  const vendor = await FakeGoogle.start(clock);
  const { id: clientId, secret: clientSecret } = vendor.client;
  const upstream = new GoogleUpstream({ clientId, clientSecret, fetch: vendor.fetch, ...more });
  return VendorFlow.start(vendor, upstream, {
    clock,
    ...(validScopes && { proxy: { validScopes }, module: { requiredScopes: [] } }),
  });
}

describe('an account of Google', () => {
  let flow: VendorFlow<FakeGoogle>;

  afterEach(() => flow.close());

  it.each<[GoogleUpstreamOptions['hostedDomain'], string]>([
    ['example.com', 'example.com'],
    [['example.org', 'example.com'], '*'],
  ])('may log in from the domain %j, and not by its address', async (hostedDomain, hd) => {
    flow = await start({ hostedDomain });
    const { vendorUrl } = await flow.login();
    expect(new URL(vendorUrl).searchParams.get('hd')).toBe(hd);
    expect(await flow.outcome({ user: 'alice' })).toBe('code');
    // Whoever sends the browser can take the hint away; bob's address is of the domain all the same.
    expect(await flow.outcome({ user: 'bob' })).toBe('access_denied');
    for (const hosted of ['example.org.evil.test', 'EXAMPLE.COM', ['example.com'], '*', true]) {
      flow.vendor.claims = { hd: hosted };
      expect(await flow.outcome()).toBe('access_denied');
    }
  });

  it('of the domain may be kept out all the same', async () => {
    flow = await start({ hostedDomain: 'example.com', allowUser: () => false });
    expect(await flow.outcome()).toBe('access_denied');
  });

  it.each([
    ['another issuer', { iss: 'https://accounts.google.com.evil.test' }],
    ['another audience', { aud: 'x' }],
    ['another authorized party', { azp: 'x' }],
    ['no subject', { sub: undefined }],
    ['the nonce of another login', { nonce: 'x' }],
    ['no nonce', { nonce: undefined }],
    ['its time behind it', { exp: 1 }],
  ])('is not taken from an id_token with %s', async (_name, claims) => {
    flow = await start();
    flow.vendor.claims = claims;
    expect(await flow.outcome()).toBe('server_error');
    flow.vendor.recover();
    expect(await flow.outcome()).toBe('code');
  });
});

describe('scopes of Google', () => {
  let flow: VendorFlow<FakeGoogle>;

  beforeAll(async () => {
    flow = await start({ scopes: 'requested' }, ['email', 'profile', email, calendar]);
  });

  afterAll(() => flow.close());

  it.each([
    ['email', 'openid email'],
    [email, `openid ${email}`],
    [`profile ${calendar}`, `openid profile ${calendar}`],
  ])('are asked for and granted by the names that the client knows: %s', async (scope, asked) => {
    const { vendorUrl } = await flow.login({ scope });
    expect(new URL(vendorUrl).searchParams.get('scope')).toBe(asked);
    const tokens = await flow.tokens({ scope });
    expect(tokens.scope).toBe(scope);
    flow.clock.advance(3600);
    const refreshed = tokensOf(await flow.proxy.refresh(tokens.refresh_token, flow.client));
    expect(refreshed.scope).toBe(scope);
  });

  it('that the user unticks are not granted', async () => {
    const scope = `email ${calendar}`;
    const tokens = await flow.tokens({ scope, grant: ['openid', 'email'] });
    expect(tokens.scope).toBe('email');
  });
});

describe('the authorization parameters for Google', () => {
  it('can be replaced, and taken away', async () => {
    const flow = await start({ extraAuthorizeParams: { prompt: '', login_hint: 'a@b.c' } });
    const { vendorUrl } = await flow.login();
    const { searchParams } = new URL(vendorUrl);
    expect(searchParams.has('prompt')).toBe(false);
    expect(searchParams.get('access_type')).toBe('offline');
    expect(searchParams.get('login_hint')).toBe('a@b.c');
    await flow.close();
  });
});

describe('the options of a GoogleUpstream', () => {
  const pathsOf = (changes: object): readonly string[] =>
    issuesOf(new GoogleUpstream({ clientId: 'app', ...changes }));

  it.each([{}, { clientSecret: 's' }, { hostedDomain: 'example.com' }, { hostedDomain: ['a.b'] }])(
    'may be %j',
    (options) => {
      expect(pathsOf(options)).toEqual([]);
    },
  );

  it.each([
    [{ hostedDomain: '' }, 'hostedDomain'],
    [{ hostedDomain: [] }, 'hostedDomain'],
    [{ hostedDomain: '*' }, 'hostedDomain'],
    [{ hostedDomain: 'https://example.com' }, 'hostedDomain'],
    [{ hostedDomain: [7] }, 'hostedDomain'],
    [{ issuer: 'https://evil.test' }, 'issuer'],
    [{ extraAuthorizeParams: { scope: 'x' } }, 'extraAuthorizeParams.scope'],
  ])('must not be %j', (options, name) => {
    expect(pathsOf(options)).toContain(`upstream.${name}`);
  });
});
