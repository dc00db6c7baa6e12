// The upstream's session behind a grant: its faults must cost the user nothing, its end ends ours.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectInvariants, expectTokenError } from '../support/outcomes.js';
import {
  type Answer,
  jsonOf,
  type ProxyFlow,
  startFlow,
  type TestClient,
  type Tokens,
  tokensOf,
} from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const attempts = 20;
/** One second after the upstream's access token, and so ours, has expired. */
const afterExpiry = 301;
let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start({ accessTokenTtlSeconds: 300 });
});

afterAll(() => idp.stop());

describe.each(platforms)('a refresh and the upstream on %s', (platform) => {
  let clock: ManualClock;
  let flow: ProxyFlow;
  let client: TestClient;

  beforeAll(async () => {
    clock = new ManualClock();
    flow = await startFlow({ idp, platform, clock });
    client = await flow.register();
  });

  afterAll(() => flow.close());

  async function expiredTokens(): Promise<Tokens> {
    const tokens = await flow.tokensFor(client);
    expect(tokens.expires_in).toBe(300);
    clock.advance(afterExpiry);
    expect(await flow.isAccepted(tokens.access_token)).toBe(false);
    return tokens;
  }

  const expectUnavailable = (answer: Answer): void => {
    expectInvariants(answer, { issuer: flow.issuer, serverFault: 503 });
    expect(answer.status).toBe(503);
    expect(jsonOf(answer)).toMatchObject({ error: 'temporarily_unavailable' });
    expect(answer.headers['retry-after']).toBe('5');
  };

  it('refreshes there once for any number of simultaneous refreshes here', async () => {
    const tokens = await expiredTokens();
    const before = flow.upstreamGrants('refresh_token');
    const gate = idp.hold('token');
    const refreshes = Promise.all(
      Array.from({ length: attempts }, () => flow.refresh(tokens.refresh_token, client)),
    );
    await gate.arrived(1);
    gate.release();
    const answers = await refreshes;
    expect(new Set(answers.map((a) => a.text)).size).toBe(1);
    expect(flow.upstreamGrants('refresh_token')).toBe(before + 1);
    expect(await flow.isAccepted(tokensOf(answers[0] as Answer).access_token)).toBe(true);
  });

  it('refreshes there once for refreshes on two instances — MI', async () => {
    const port = await freePort();
    const { origin, store } = flow.app;
    const peer = await startFlow({ idp, platform, clock, port, origin, store });
    const tokens = await expiredTokens();
    const before = flow.upstreamGrants('refresh_token');
    const gate = idp.hold('token');
    const refreshes = Promise.all(
      [flow, peer, flow, peer].map((one) => one.refresh(tokens.refresh_token, client)),
    );
    await gate.arrived(1);
    // Whoever does not wait for the first is at the upstream by now.
    await new Promise((resolve) => setTimeout(resolve, 150));
    gate.release();
    const answers = await refreshes;
    expect(new Set(answers.map((a) => a.text)).size).toBe(1);
    expect(flow.upstreamGrants('refresh_token')).toBe(before + 1);
    const { access_token } = tokensOf(answers[0] as Answer);
    expect(await peer.isAccepted(access_token)).toBe(true);
    await peer.app.app.close();
  });

  it('uses the refresh token that the upstream rotated to', async () => {
    let tokens = await expiredTokens();
    for (const _ of [1, 2]) {
      tokens = tokensOf(await flow.refresh(tokens.refresh_token, client));
      expect(await flow.isAccepted(tokens.access_token)).toBe(true);
      clock.advance(afterExpiry);
    }
  });

  it.each([
    ['a fault', '500'],
    ['overload', '503'],
    ['a page', 'html'],
    ['half a document', 'garbage'],
    ['a redirect', 'redirect'],
    ['no end', 'huge'],
    ['nothing', 'disconnect'],
    ['a rate limit', { status: 429, body: { error: 'slow_down' } }],
    ['doubts about the app itself', { status: 401, body: { error: 'invalid_client' } }],
  ] as const)('costs nothing when the upstream answers with %s', async (_name, failure) => {
    const tokens = await expiredTokens();
    idp.failNext('token', failure);
    expectUnavailable(await flow.refresh(tokens.refresh_token, client));
    const second = tokensOf(await flow.refresh(tokens.refresh_token, client));
    expect(await flow.isAccepted(second.access_token)).toBe(true);
  });

  it('costs nothing when many refreshes wait and the upstream fails', async () => {
    const tokens = await expiredTokens();
    const gate = idp.hold('token');
    idp.failNext('token', '503');
    const refreshes = Promise.all(
      Array.from({ length: 5 }, () => flow.refresh(tokens.refresh_token, client)),
    );
    await gate.arrived(1);
    gate.release();
    for (const answer of await refreshes) {
      if (answer.status !== 200) expectUnavailable(answer);
    }
    const again = tokensOf(await flow.refresh(tokens.refresh_token, client));
    expect(await flow.isAccepted(again.access_token)).toBe(true);
  });

  it('ends the grant when the upstream refuses its refresh token', async () => {
    const tokens = await expiredTokens();
    idp.failNext('token', {
      status: 400,
      body: { error: 'invalid_grant', error_description: 'Session of alice ended by admin-7' },
    });
    const answer = await flow.refresh(tokens.refresh_token, client);
    expectTokenError(answer, flow, 'invalid_grant');
    expect(answer.text).not.toContain('admin-7');
    expectTokenError(await flow.refresh(tokens.refresh_token, client), flow, 'invalid_grant');
    expect(flow.log.contains('admin-7')).toBe(false);
  });

  it('ends the grant of a user whom the upstream no longer knows, access token and all', async () => {
    const carol = { name: 'Carol', email: 'carol@example.com', email_verified: true };
    idp.users.set('carol', { ...carol, preferred_username: 'carol' });
    const long = await startFlow({
      idp,
      platform,
      clock,
      proxy: { lifetimes: { accessToken: 3600 } },
    });
    const longClient = await long.register();
    const tokens = await long.tokensFor(longClient, { user: 'carol' });
    clock.advance(afterExpiry);
    expect(await long.isAccepted(tokens.access_token)).toBe(true);
    idp.revokeUser('carol');
    expectTokenError(await long.refresh(tokens.refresh_token, longClient), long, 'invalid_grant');
    expect(await long.isAccepted(tokens.access_token)).toBe(false);
    await long.close();
    idp.setRedirectUris([`${flow.issuer}/auth/callback`]);
  });
});
