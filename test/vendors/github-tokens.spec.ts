import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { GitHubUpstream, type GitHubUpstreamOptions } from '../../lib/index.js';
import { ManualClock } from '../support/manual-clock.js';
import { McpController } from '../support/protected-app.js';
import { tokensOf } from '../support/proxy-flow.js';
import { FakeGitHub } from '../support/vendors/github.js';
import { issuesOf } from '../support/vendors/upstream-issues.js';
import { shapeOf, VendorFlow } from '../support/vendors/vendor-flow.js';

function start(
  kind: 'OAuth App' | 'GitHub App',
  more: Partial<GitHubUpstreamOptions> = {},
  validScopes?: readonly string[],
): Promise<VendorFlow<FakeGitHub>> {
  const clock = new ManualClock();
  const vendor = new FakeGitHub(clock, kind);
  const { id: clientId, secret: clientSecret } = vendor.client;
  const upstream = new GitHubUpstream({ clientId, clientSecret, fetch: vendor.fetch, ...more });
  return VendorFlow.start(vendor, upstream, {
    clock,
    ...(validScopes && { proxy: { validScopes }, module: { requiredScopes: [] } }),
  });
}

describe('tokens of an OAuth App of GitHub', () => {
  let flow: VendorFlow<FakeGitHub>;

  beforeAll(async () => {
    flow = await start('OAuth App', {}, undefined);
  });

  afterEach(() => {
    flow.vendor.recover();
    flow.vendor.forgetRequests();
  });

  afterAll(() => flow.close());

  it('have no lifetime, so that the fallback is how long an access token lives here', async () => {
    const tokens = await flow.tokens();
    expect(tokens.expires_in).toBe(3600);
    flow.clock.advance(3599);
    expect(await flow.proxy.isAccepted(tokens.access_token)).toBe(true);
    flow.clock.advance(2);
    expect(await flow.proxy.isAccepted(tokens.access_token)).toBe(false);
    // There is nothing to refresh at GitHub: the login itself goes on.
    const refreshed = tokensOf(await flow.proxy.refresh(tokens.refresh_token, flow.client));
    expect(await flow.proxy.isAccepted(refreshed.access_token)).toBe(true);
    expect(flow.vendor.web.requests).toHaveLength(1);
  });

  it('are checked by one call where nobody reads the profile', async () => {
    await flow.tokens();
    expect(flow.vendor.api.requests.map(({ path }) => path)).toEqual([
      `/applications/${flow.vendor.client.id}/token`,
    ]);
  });

  it('are those of a numeric id, whatever login it has', async () => {
    const { access_token: token } = await flow.tokens({ user: 'bob' });
    expect(await flow.proxy.isAccepted(token)).toBe(true);
    expect(McpController.seen?.subject).toBe('583232');
  });

  it.each(['bad_verification_code', 'unverified_user_email'])(
    'do not come with the error %s, whatever the status is',
    async (error) => {
      flow.vendor.tamper = () => ({ error, error_description: 'of alice' });
      expect(['server_error', 'temporarily_unavailable']).toContain(await flow.outcome());
      expect(flow.log.lines.some(({ text }) => text.includes(error))).toBe(true);
      expect(flow.log.contains('of alice')).toBe(false);
    },
  );

  it('are given back to GitHub when nobody is let in with them', async () => {
    const other = await start('OAuth App', { allowUser: () => false });
    expect(await other.outcome()).toBe('access_denied');
    expect(other.vendor.accessTokens.size).toBe(0);
    await other.close();
  });
});

describe('scopes of GitHub', () => {
  const validScopes = ['user', 'read:user', 'repo', 'public_repo'];

  it('are granted with what they include, which GitHub leaves out of its answer', async () => {
    const flow = await start('OAuth App', { scopes: 'requested' }, validScopes);
    const scope = 'user read:user repo';
    const { vendorUrl } = await flow.login({ scope });
    expect(new URL(vendorUrl).searchParams.get('scope')).toBe(scope);
    expect((await flow.tokens({ scope })).scope).toBe(scope);
    await flow.close();
  });

  it('are granted as far as GitHub grants them', async () => {
    const flow = await start('OAuth App', { scopes: 'requested' }, validScopes);
    const { scope } = await flow.tokens({ scope: 'user repo public_repo', grant: ['user'] });
    expect(scope).toBe('user');
    const none = await flow.tokens({ scope: 'user', grant: [] });
    expect(none.scope).toBe('');
    await flow.close();
  });
});

describe('tokens of a GitHub App', () => {
  it('expire, are refreshed once each, and end with their refresh token', async () => {
    const flow = await start('GitHub App');
    const tokens = await flow.tokens();
    expect(tokens.expires_in).toBe(28_800);
    flow.vendor.forgetRequests();
    flow.clock.advance(28_801);
    const refreshed = tokensOf(await flow.proxy.refresh(tokens.refresh_token, flow.client));
    expect(flow.vendor.web.requests.map(({ body }) => shapeOf(body))).toEqual([
      'refresh_token={refresh_token}&grant_type=refresh_token&client_id=Ov23liDEMOclientid01' +
        '&client_secret=6b1f0a7e4c2d9b8a5f3e1c0d7a6b9e8f2c4d1a0b',
    ]);
    expect(await flow.proxy.isAccepted(refreshed.access_token)).toBe(true);
    flow.vendor.revokeAll();
    flow.clock.advance(28_801);
    const answer = await flow.proxy.refresh(refreshed.refresh_token, flow.client);
    expect(answer.status).toBe(400);
    expect(await flow.proxy.isAccepted(refreshed.access_token)).toBe(false);
    await flow.close();
  });
});

describe('the options of a GitHubUpstream', () => {
  const pathsOf = (changes: object): readonly string[] =>
    issuesOf(new GitHubUpstream({ clientId: 'app', clientSecret: 'secret', ...changes }));

  it.each([{}, { scopes: ['repo'] }, { scopes: 'requested' }, { embedClaims: ['login'] }])(
    'may be %j',
    (options) => {
      expect(pathsOf(options)).toEqual([]);
    },
  );

  it.each([
    [{ clientId: undefined }, 'clientId'],
    [{ clientSecret: undefined }, 'clientSecret'],
    [{ clientSecret: ' ' }, 'clientSecret'],
    [{ scopes: 'all' }, 'scopes'],
    [{ allowUser: 'alice' }, 'allowUser'],
    [{ scopeMapping: {} }, 'scopeMapping'],
    [{ tokenEndpoint: 'https://evil.test/token' }, 'tokenEndpoint'],
    [{ tokenVerifier: { verifyToken: () => null } }, 'tokenVerifier'],
    [{ organisation: 'acme' }, 'organisation'],
  ])('must not be %j', (options, name) => {
    expect(pathsOf(options)).toContain(`upstream.${name}`);
  });
});
