// OAuth 2.1 §4.3.1, RFC 9700 §4.14: a refresh token is used once; reuse ends the family.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectInvariants, expectStoreUntouched, expectTokenError } from '../support/outcomes.js';
import {
  type Answer,
  jsonOf,
  type ProxyFlow,
  startFlow,
  type TestClient,
  tokensOf,
} from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const attempts = 20;
let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('refresh token rotation on %s', (platform) => {
  let clock: ManualClock;
  let flow: ProxyFlow;
  let client: TestClient;

  beforeAll(async () => {
    clock = new ManualClock();
    flow = await startFlow({ idp, platform, clock });
    client = await flow.register();
  });

  afterAll(() => flow.close());

  it('gives a new pair at each use — RT-23', async () => {
    const first = await flow.tokensFor(client);
    const answer = await flow.refresh(first.refresh_token, client);
    expectInvariants(answer, { issuer: flow.issuer });
    const second = tokensOf(answer);
    expect(second.refresh_token).not.toBe(first.refresh_token);
    expect(second.access_token).not.toBe(first.access_token);
    expect(second.scope).toBe(first.scope);
    expect(await flow.isAccepted(second.access_token)).toBe(true);
    expect((await flow.refresh(second.refresh_token, client)).status).toBe(200);
  });

  it('answers a repeated token the same within the grace window — RT-04', async () => {
    const first = await flow.tokensFor(client);
    const answer = await flow.refresh(first.refresh_token, client);
    clock.advance(10);
    await expectStoreUntouched(flow, async () => {
      const again = await flow.refresh(first.refresh_token, client);
      expect(jsonOf(again)).toEqual(jsonOf(answer));
    });
    expect(await flow.isAccepted(tokensOf(answer).access_token)).toBe(true);
  });

  it('ends the family when a repeated token comes after the grace window — RT-05', async () => {
    const first = await flow.tokensFor(client);
    const second = tokensOf(await flow.refresh(first.refresh_token, client));
    const third = tokensOf(await flow.refresh(second.refresh_token, client));
    clock.advance(11);
    expect(await flow.isAccepted(third.access_token)).toBe(true);
    expectTokenError(await flow.refresh(first.refresh_token, client), flow, 'invalid_grant');
    for (const { access_token } of [first, second, third]) {
      expect(await flow.isAccepted(access_token)).toBe(false);
    }
    for (const { refresh_token } of [first, second, third]) {
      expectTokenError(await flow.refresh(refresh_token, client), flow, 'invalid_grant');
    }
    expect(flow.log.matching('warn', 'refresh_token.reused')).not.toHaveLength(0);
  });

  it("does not let another client's attempt end the family, or use its token — RT-06", async () => {
    const other = await flow.register();
    const first = await flow.tokensFor(client);
    await expectStoreUntouched(flow, async () => {
      expectTokenError(await flow.refresh(first.refresh_token, other), flow, 'invalid_grant');
    });
    const second = tokensOf(await flow.refresh(first.refresh_token, client));
    clock.advance(11);
    await expectStoreUntouched(flow, async () => {
      expectTokenError(await flow.refresh(first.refresh_token, other), flow, 'invalid_grant');
    });
    expect(await flow.isAccepted(second.access_token)).toBe(true);
  });

  it('gives simultaneous uses one and the same answer, and one live pair — RT-05', async () => {
    const first = await flow.tokensFor(client);
    const live = (): number[] =>
      ['refresh-token:', 'access-token:'].map(
        (kind) => flow.app.store.live().filter((e) => e.key.startsWith(kind)).length,
      );
    const [refreshTokens = 0, accessTokens = 0] = live();
    const gate = flow.app.store.hold('add');
    const refreshes = Promise.all(
      Array.from({ length: attempts }, () => flow.refresh(first.refresh_token, client)),
    );
    await gate.arrived(attempts);
    gate.release();
    const answers = await refreshes;
    expect(new Set(answers.map((a) => a.text)).size).toBe(1);
    const winner = tokensOf(answers[0] as Answer);
    // The old refresh token is gone, the new one is there; the old access token lives on.
    expect(live()).toEqual([refreshTokens, accessTokens + 1]);
    expect(await flow.isAccepted(winner.access_token)).toBe(true);
    expect((await flow.refresh(winner.refresh_token, client)).status).toBe(200);
  });

  it('gives one answer when the store is slow', async () => {
    const first = await flow.tokensFor(client);
    flow.app.store.delayAll(6);
    try {
      const answers = await Promise.all(
        Array.from({ length: attempts }, () => flow.refresh(first.refresh_token, client)),
      );
      expect(new Set(answers.map((a) => a.text)).size).toBe(1);
      expect(await flow.isAccepted(tokensOf(answers[0] as Answer).access_token)).toBe(true);
    } finally {
      flow.app.store.delayAll(0);
    }
  });

  it('never widens scope or resource — RT-07, RT-08', async () => {
    const first = await flow.tokensFor(client);
    const request = flow.refreshRequest(first.refresh_token, client);
    const wider = request.with({ scope: 'notes:read notes:write' });
    const unknown = request.with({ scope: 'admin' });
    const malformed = request.with({ scope: 'notes:read "' });
    const elsewhere = request.with({ resource: `${flow.app.origin}/mcp2` });
    await expectStoreUntouched(flow, async () => {
      for (const form of [wider, unknown, malformed]) {
        expectTokenError(await flow.token(form), flow, 'invalid_scope');
      }
      expectTokenError(await flow.token(elsewhere), flow, 'invalid_target');
    });
    const narrowed = tokensOf(await flow.token(request.with({ scope: 'mcp:use' })));
    expect(narrowed.scope).toBe('mcp:use');
    expect(await flow.isAccepted(narrowed.access_token)).toBe(true);
    const back = tokensOf(await flow.refresh(narrowed.refresh_token, client));
    expect(back.scope.split(' ').sort()).toEqual(['mcp:use', 'notes:read']);
    // An empty parameter counts as omitted (RFC 6749 §3.1).
    const empty = flow.refreshRequest(back.refresh_token, client).with({ scope: '' });
    expect(tokensOf(await flow.token(empty)).scope).toBe(back.scope);
  });

  it('gives a thief within the grace window nothing but what its owner gets — RT-05', async () => {
    const first = await flow.tokensFor(client);
    const owner = tokensOf(await flow.refresh(first.refresh_token, client));
    const thief = tokensOf(await flow.refresh(first.refresh_token, client));
    expect(thief).toEqual(owner);
    // There is one branch. Whoever of the two is late with it betrays the theft.
    const next = tokensOf(await flow.refresh(thief.refresh_token, client));
    expect(await flow.isAccepted(next.access_token)).toBe(true);
    clock.advance(11);
    expectTokenError(await flow.refresh(owner.refresh_token, client), flow, 'invalid_grant');
    expect(await flow.isAccepted(next.access_token)).toBe(false);
    expectTokenError(await flow.refresh(next.refresh_token, client), flow, 'invalid_grant');
  });

  it('needs its own client, authenticated as it registered — RT-06', async () => {
    const confidential = await flow.register({ token_endpoint_auth_method: 'client_secret_post' });
    const first = await flow.tokensFor(confidential);
    const request = flow.refreshRequest(first.refresh_token, confidential);
    const other = await flow.tokensFor(client);
    await expectStoreUntouched(flow, async () => {
      const noSecret = await flow.token(request.without('client_secret'));
      expectTokenError(noSecret, flow, 'invalid_client', 401);
      const nobody = flow.refreshRequest(other.refresh_token, client).without('client_id');
      expectTokenError(await flow.token(nobody), flow, 'invalid_request');
      const asPublic = await flow.refresh(first.refresh_token, client);
      expectTokenError(asPublic, flow, 'invalid_grant');
    });
    expect((await flow.token(request)).status).toBe(200);
    expect((await flow.refresh(other.refresh_token, client)).status).toBe(200);
  });

  it('is no access token, and nothing else is a refresh token — RT-09', async () => {
    const held = await flow.codeFor(client);
    const cookies = held.browser.history
      .flatMap(({ setCookie }) => setCookie)
      .map((line) => /=([^;]+)/.exec(line)?.[1] ?? '');
    expect(cookies.filter(Boolean).length).toBeGreaterThan(0);
    await expectStoreUntouched(flow, async () => {
      for (const refresh_token of [held.code, held.request.verifier, ...cookies]) {
        if (refresh_token === '') continue;
        const form = flow.refreshRequest(refresh_token, client);
        expectTokenError(await flow.token(form), flow, 'invalid_grant');
      }
    });
    const tokens = tokensOf(await flow.redeem(held));
    expect(await flow.isAccepted(tokens.refresh_token)).toBe(false);
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
  });

  it('takes no refresh token that is unknown, an access token, empty or repeated — RT-09', async () => {
    const first = await flow.tokensFor(client);
    const request = flow.refreshRequest(first.refresh_token, client);
    await expectStoreUntouched(flow, async () => {
      for (const refresh_token of ['x', `${first.refresh_token}x`, first.access_token]) {
        const answer = await flow.token(request.with({ refresh_token }));
        expectTokenError(answer, flow, 'invalid_grant');
      }
      for (const form of [request.with({ refresh_token: '' }), request.twice('refresh_token')]) {
        expectTokenError(await flow.token(form), flow, 'invalid_request');
      }
    });
    expect((await flow.token(request)).status).toBe(200);
  });

  it('ends with the login itself, however often it is refreshed — RT-10', async () => {
    const short = await startFlow({
      idp,
      platform,
      clock,
      proxy: { lifetimes: { refreshTokenIdle: 100, refreshTokenAbsolute: 200 } },
    });
    const shortClient = await short.register();
    let tokens = await short.tokensFor(shortClient);
    for (const _ of [1, 2]) {
      clock.advance(90);
      tokens = tokensOf(await short.refresh(tokens.refresh_token, shortClient));
    }
    expect(tokens.expires_in).toBeLessThanOrEqual(20);
    clock.advance(21);
    expectTokenError(
      await short.refresh(tokens.refresh_token, shortClient),
      short,
      'invalid_grant',
    );
    const idle = await short.tokensFor(shortClient);
    clock.advance(101);
    expectTokenError(await short.refresh(idle.refresh_token, shortClient), short, 'invalid_grant');
    await short.close();
    idp.setRedirectUris([`${flow.issuer}/auth/callback`]);
  });
});

describe.each(platforms)('refresh token rotation without a grace window on %s', (platform) => {
  it('ends the family at the first repetition, in the same second — RT-05', async () => {
    const clock = new ManualClock();
    const proxy = { lifetimes: { refreshGrace: 0 } };
    const flow = await startFlow({ idp, platform, clock, proxy });
    const client = await flow.register();
    const first = await flow.tokensFor(client);
    const second = tokensOf(await flow.refresh(first.refresh_token, client));
    expect(await flow.isAccepted(second.access_token)).toBe(true);
    expectTokenError(await flow.refresh(first.refresh_token, client), flow, 'invalid_grant');
    expect(await flow.isAccepted(second.access_token)).toBe(false);
    await flow.close();
  });
});
