// RFC 7009 §2.1, OAuth 2.1 §4.3.1: a refresh against a revocation, a sibling and a failing store.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { Gate, type Held } from '../support/gate.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  answerOf,
  expectInvariants,
  expectRedirectError,
  expectTokenError,
} from '../support/outcomes.js';
import {
  type Answer,
  atClient,
  jsonOf,
  type ProxyFlow,
  startFlow,
  type TestClient,
  type Tokens,
  tokensOf,
} from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

/** One second after the upstream's access token, and so ours, has expired. */
const afterExpiry = 301;
const storeDown = new Error('the store is down');
let idp: UpstreamIdp;
let clock: ManualClock;
let flow: ProxyFlow;
let client: TestClient;
/** While it is there, what the upstream's token endpoint answers waits on its way here. */
let wayBack: Gate | undefined;

beforeAll(async () => {
  idp = await UpstreamIdp.start({ accessTokenTtlSeconds: 300 });
  clock = new ManualClock();
  flow = await startFlow({ idp, clock, upstream: { fetch: slowOnTheWayBack } });
  client = await flow.register();
});

afterAll(async () => {
  await flow.close();
  await idp.stop();
});

const slowOnTheWayBack: typeof fetch = async (url, init) => {
  const response = await fetch(url, init);
  if (url === idp.endpoint('token')) await wayBack?.pass();
  return response;
};

function holdAnswers(): Gate {
  wayBack = new Gate(() => (wayBack = undefined));
  return wayBack;
}

/** How many records there are of the kinds that keep a login alive. */
function records(): Record<string, number> {
  const kinds = ['grant', 'upstream-session', 'upstream-successor', 'refresh-token'];
  const of = (kind: string) => flow.app.store.live().filter((e) => e.key.startsWith(`${kind}:`));
  return Object.fromEntries(kinds.map((kind) => [kind, of(kind).length]));
}

/** What the upstream gives out next; filled when it does. */
function nextUpstreamTokens(): Partial<Tokens> {
  const tokens: Record<string, unknown> = {};
  idp.tamperNext('token', (body) => Object.assign(tokens, body));
  return tokens;
}

const revokedUpstream = (token: string | undefined) => (): boolean =>
  idp.requestsTo('revocation').some((r) => r.form?.['token'] === token && r.status === 200);

async function expiredTokens(): Promise<Tokens> {
  const tokens = await flow.tokensFor(client);
  clock.advance(afterExpiry);
  return tokens;
}

const expectUnavailable = (answer: Answer): void => {
  expectInvariants(answer, { issuer: flow.issuer, serverFault: 503 });
  expect(answer.status).toBe(503);
};

describe('a revocation while the upstream answers a refresh', () => {
  const moments: [string, () => Held | undefined][] = [
    ['the answer is on its way', () => undefined],
    ['what came is about to be stored', () => flow.app.store.hold('add', 'upstream-successor:')],
    ['what came is about to be found first', () => flow.app.store.hold('set', 'upstream-session:')],
    ['what came was just stored', () => flow.app.store.hold('get', 'grant:')],
  ];

  it.each(moments)('ends what comes of it: %s', async (_name, holdNext) => {
    const before = records();
    const tokens = await expiredTokens();
    const fresh = nextUpstreamTokens();
    const answered = holdAnswers();
    const refresh = flow.refresh(tokens.refresh_token, client);
    await answered.arrived(1);
    const next = holdNext();
    if (next) answered.release();
    await next?.arrived(1);
    expect((await flow.revoke(tokens.refresh_token, client)).status).toBe(200);
    (next ?? answered).release();
    expectTokenError(await refresh, flow, 'invalid_grant');
    await eventually(revokedUpstream(fresh.refresh_token), 'the fresh tokens are revoked');
    expect(records()).toEqual(before);
  });

  it('is what ends it: the same refresh is answered without one', async () => {
    const tokens = await expiredTokens();
    const fresh = nextUpstreamTokens();
    const answered = holdAnswers();
    const refresh = flow.refresh(tokens.refresh_token, client);
    await answered.arrived(1);
    answered.release();
    expect(await flow.isAccepted(tokensOf(await refresh).access_token)).toBe(true);
    expect(revokedUpstream(fresh.refresh_token)()).toBe(false);
  });
});

describe('a revocation while a refresh is answered from here', () => {
  const revokedDuring = async (operation: 'add' | 'delete', kind: string): Promise<Answer> => {
    const before = records();
    const tokens = await flow.tokensFor(client);
    const gate = flow.app.store.hold(operation, kind);
    const refresh = flow.refresh(tokens.refresh_token, client);
    await gate.arrived(1);
    const revoke = flow.revoke(tokens.refresh_token, client);
    await eventually(() => records()['grant'] === before['grant'], 'the grant is gone');
    gate.release();
    expect((await revoke).status).toBe(200);
    const answer = await refresh;
    expect(await flow.isAccepted(tokens.access_token)).toBe(false);
    // A refresh token of a grant that is gone stands for nothing.
    expect({ ...records(), 'refresh-token': 0 }).toEqual({ ...before, 'refresh-token': 0 });
    return answer;
  };

  it('lets no tokens out before the rotation', async () => {
    const answer = await revokedDuring('add', 'rotated-refresh-token:');
    expectTokenError(answer, flow, 'invalid_grant');
  });

  it('ends the tokens that are let out after the rotation', async () => {
    const next = tokensOf(await revokedDuring('delete', 'refresh-token:'));
    expect(await flow.isAccepted(next.access_token)).toBe(false);
    expectTokenError(await flow.refresh(next.refresh_token, client), flow, 'invalid_grant');
  });
});

describe('two instances', () => {
  it('use the refresh token of the upstream once, however long its answer takes', async () => {
    const { origin, store } = flow.app;
    const port = await freePort();
    const peer = await startFlow({ idp, clock, port, origin, store, logger: flow.log });
    try {
      const tokens = await expiredTokens();
      const before = flow.upstreamGrants('refresh_token');
      const gate = idp.hold('token');
      const one = flow.refresh(tokens.refresh_token, client);
      await gate.arrived(1);
      // As long as the time limits of discovery and token endpoint let a refresh take.
      clock.advance(21);
      const reads = store.counts.add;
      const two = peer.refresh(tokens.refresh_token, client);
      await eventually(() => store.counts.add >= reads + 2, 'the second tried twice');
      gate.release();
      expect((await two).text).toBe((await one).text);
      expect(flow.upstreamGrants('refresh_token')).toBe(before + 1);
      expect(await peer.isAccepted(tokensOf(await two).access_token)).toBe(true);
    } finally {
      await peer.app.app.close();
    }
  });
});

describe('the later of two simultaneous refreshes', () => {
  it.each([
    ['of ten seconds', 10, 11],
    ['of nothing', 0, 1],
  ])('gets the answer of the first after a grace window %s', async (_name, grace, later) => {
    const proxy = { lifetimes: { refreshGrace: grace } };
    const other = await startFlow({ idp, clock, proxy, logger: flow.log });
    try {
      const { store } = other.app;
      const own = await other.register();
      const tokens = await other.tokensFor(own);
      const rotation = store.hold('add', 'rotated-refresh-token:');
      const twice = [1, 2].map(() => other.refresh(tokens.refresh_token, own));
      await rotation.arrived(2);
      const reading = store.hold('get', 'rotated-refresh-token:');
      rotation.release();
      const first = await Promise.race(twice);
      await reading.arrived(1);
      clock.advance(later);
      reading.release();
      const answers = await Promise.all(twice);
      expect(answers.map((a) => a.text)).toEqual([first.text, first.text]);
      expect(await other.isAccepted(tokensOf(first).access_token)).toBe(true);
      // A use that begins now is another matter: somebody has a copy of the token.
      const replay = await other.refresh(tokens.refresh_token, own);
      expectTokenError(replay, other, 'invalid_grant');
      expect(await other.isAccepted(tokensOf(first).access_token)).toBe(false);
    } finally {
      await other.close();
      idp.setRedirectUris([`${flow.issuer}/auth/callback`]);
    }
  });
});

describe('a refresh before the upstream token expires', () => {
  const refreshAfter = async (seconds: number): Promise<Tokens> => {
    const tokens = await flow.tokensFor(client);
    clock.advance(seconds);
    return tokensOf(await flow.refresh(tokens.refresh_token, client));
  };

  it('renews it in the last minute, so that the new token is worth having', async () => {
    const before = flow.upstreamGrants('refresh_token');
    expect((await refreshAfter(299)).expires_in).toBe(300);
    expect(flow.upstreamGrants('refresh_token')).toBe(before + 1);
  });

  it('leaves it alone earlier', async () => {
    const before = flow.upstreamGrants('refresh_token');
    expect((await refreshAfter(239)).expires_in).toBe(61);
    expect(flow.upstreamGrants('refresh_token')).toBe(before);
  });

  it('serves the rest of it when the upstream is down', async () => {
    idp.recover();
    const tokens = await flow.tokensFor(client);
    clock.advance(250);
    idp.failNext('token', '503');
    const rest = tokensOf(await flow.refresh(tokens.refresh_token, client));
    expect(rest.expires_in).toBe(50);
    expect(await flow.isAccepted(rest.access_token)).toBe(true);
    clock.advance(10);
    const renewed = tokensOf(await flow.refresh(rest.refresh_token, client));
    expect(renewed.expires_in).toBe(300);
  });

  it('ends the grant when the upstream has ended its own', async () => {
    const tokens = await flow.tokensFor(client);
    clock.advance(250);
    idp.failNext('token', { status: 400, body: { error: 'invalid_grant' } });
    expectTokenError(await flow.refresh(tokens.refresh_token, client), flow, 'invalid_grant');
    expect(await flow.isAccepted(tokens.access_token)).toBe(false);
  });
});

describe('a store that fails', () => {
  it.each([
    ['add', 'upstream-successor:', 1],
    ['add', 'upstream-successor:', 2],
    ['set', 'upstream-session:', 1],
  ] as const)('to keep what the upstream rotated to loses nothing: %s %s', async (...failure) => {
    const [operation, kind, times] = failure;
    const tokens = await expiredTokens();
    for (let i = 0; i < times; i++) flow.app.store.failNext(operation, storeDown, kind);
    const second = tokensOf(await flow.refresh(tokens.refresh_token, client));
    clock.advance(afterExpiry);
    // The upstream takes each of its refresh tokens once: this one is the one it rotated to.
    const third = tokensOf(await flow.refresh(second.refresh_token, client));
    expect(await flow.isAccepted(third.access_token)).toBe(true);
  });

  it('when tokens are issued costs a refresh nothing but time', async () => {
    const tokens = await expiredTokens();
    flow.app.store.failNext('set', storeDown, 'refresh-token:');
    expectUnavailable(await flow.refresh(tokens.refresh_token, client));
    const second = tokensOf(await flow.refresh(tokens.refresh_token, client));
    expect(await flow.isAccepted(second.access_token)).toBe(true);
  });

  it('when the code is issued gives the tokens back to the upstream', async () => {
    const browser = new Browser();
    const request = flow.authorizationRequest(client);
    const answer = await flow.upstreamAnswer(request, { browser });
    const upstream = nextUpstreamTokens();
    flow.app.store.failNext('set', storeDown, 'code:');
    const visit = await browser.open(answer.url, { stopAt: atClient(client) });
    expectRedirectError(answerOf(visit), flow, request, 'temporarily_unavailable');
    await eventually(revokedUpstream(upstream.refresh_token), 'the tokens are revoked');
  });

  describe('at a redemption', () => {
    it.each([
      ['set', 'upstream-session:'],
      ['set', 'grant:'],
      ['set', 'access-token:'],
      ['set', 'refresh-token:'],
      ['take', 'code:'],
    ] as const)('leaves no grant, and the code as it was: %s %s', async (operation, kind) => {
      const before = records();
      const held = await flow.codeFor(client);
      flow.app.store.failNext(operation, storeDown, kind);
      expectUnavailable(await flow.redeem(held));
      expect(records()).toEqual(before);
      const tokens = tokensOf(await flow.redeem(held));
      expect(await flow.isAccepted(tokens.access_token)).toBe(true);
      expectTokenError(await flow.redeem(held), flow, 'invalid_grant');
    });

    it('does not cost the user the login when only the replay check is lost', async () => {
      const held = await flow.codeFor(client);
      flow.app.store.failNext('set', storeDown, 'redeemed-code:');
      const tokens = tokensOf(await flow.redeem(held));
      expect(await flow.isAccepted(tokens.access_token)).toBe(true);
      expect(flow.log.contains('a redeemed code could not be remembered')).toBe(true);
      expect(jsonOf(await flow.redeem(held))).toMatchObject({ error: 'invalid_grant' });
    });
  });
});
