// Security matrix RT-20, RT-04, RT-05: what is stored of refresh tokens, for how long, and what a
// store that fails in the middle of a refresh leaves behind.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type KeyValueStore, MemoryStore } from '../../lib/index.js';
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
  tokensOf,
} from '../support/proxy-flow.js';
import type { StoreEntry } from '../support/store-spy.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const day = 86_400;
const attempts = 10;
let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('what is stored of refresh tokens on %s', (platform) => {
  let clock: ManualClock;
  let shared: MemoryStore;
  let flow: ProxyFlow;
  let client: TestClient;

  beforeAll(async () => {
    clock = new ManualClock();
    shared = new MemoryStore({ clock });
    flow = await startFlow({ idp, platform, clock, store: shared });
    client = await flow.register();
  });

  afterAll(() => flow.close());

  const written = (kind: string, since: number): readonly StoreEntry[] =>
    flow.app.store
      .dump()
      .slice(since)
      .filter(({ key }) => key.startsWith(`${kind}:`));

  const expectUnavailable = (answer: Answer): void => {
    expectInvariants(answer, { issuer: flow.issuer, serverFault: 503 });
    expect(answer.status).toBe(503);
    expect(answer.text).not.toContain('_token"');
  };

  /** Another instance, with the same store or one that watches the same. */
  const another = async (store: KeyValueStore): Promise<ProxyFlow> => {
    const { origin } = flow.app;
    const port = await freePort();
    return startFlow({ idp, platform, clock, port, origin, store, logger: flow.log });
  };

  it('is a hash of 256 random bits, which nobody can use — RT-20', async () => {
    const issued: string[] = [];
    for (let i = 0; i < 4; i++) {
      let tokens = await flow.tokensFor(client);
      issued.push(tokens.refresh_token);
      tokens = tokensOf(await flow.refresh(tokens.refresh_token, client));
      issued.push(tokens.refresh_token, tokens.access_token);
    }
    expect(new Set(issued).size).toBe(issued.length);
    for (const token of issued) {
      expect(token).toMatch(/^(?:[A-Za-z0-9_-]{43}|[\w-]+\.[\w-]+\.[\w-]+)$/);
      expect(flow.app.store.contains(token)).toBe(false);
    }
    // Nor is any key of the store good for a refresh token.
    const keys = flow.app.store.dump().filter(({ key }) => key.startsWith('refresh-token:'));
    expect(keys.length).toBeGreaterThan(7);
    // Asked elsewhere: what is sent here as a token must not be in the store.
    const aside = await another(shared);
    try {
      for (const { key } of keys.slice(-8)) {
        for (const guess of [key, key.slice('refresh-token:'.length)]) {
          expectTokenError(await aside.refresh(guess, client), aside, 'invalid_grant');
        }
      }
    } finally {
      await aside.app.app.close();
    }
  });

  it('is a short mark for as long as it could have lived, and its answer for a minute — RT-05', async () => {
    const first = await flow.tokensFor(client);
    const since = flow.app.store.dump().length;
    const second = tokensOf(await flow.refresh(first.refresh_token, client));
    const [mark, answer] = ['rotated-refresh-token', 'refresh-answer'].map((kind) =>
      written(kind, since),
    );
    expect(mark?.map(({ ttlSeconds }) => ttlSeconds)).toEqual([30 * day]);
    expect(answer?.map(({ ttlSeconds }) => ttlSeconds)).toEqual([70]);
    // The mark is too small for any token of ours to be in it.
    expect(mark?.[0]?.value.length).toBeLessThan(second.access_token.length);
    clock.advance(30 * day - 1);
    expectTokenError(await flow.refresh(first.refresh_token, client), flow, 'invalid_grant');
    expect(flow.log.matching('warn', 'refresh_token.reused')).not.toHaveLength(0);
  });

  it.each([
    ['the answer', 'set', 'refresh-answer:'],
    ['the mark', 'add', 'rotated-refresh-token:'],
    ['the new access token', 'set', 'access-token:'],
    ['the new refresh token', 'set', 'refresh-token:'],
  ] as const)('loses nothing when %s cannot be stored — RT-04', async (_name, operation, kind) => {
    const first = await flow.tokensFor(client);
    flow.app.store.failNext(operation, undefined, kind);
    expectUnavailable(await flow.refresh(first.refresh_token, client));
    clock.advance(11);
    const second = tokensOf(await flow.refresh(first.refresh_token, client));
    expect(await flow.isAccepted(second.access_token)).toBe(true);
    expect((await flow.refresh(second.refresh_token, client)).status).toBe(200);
  });

  it('is spent and answered although its record cannot be removed — RT-04, RT-05', async () => {
    const first = await flow.tokensFor(client);
    flow.app.store.failNext('delete', undefined, 'refresh-token:');
    const answer = await flow.refresh(first.refresh_token, client);
    expectInvariants(answer, { issuer: flow.issuer });
    const second = tokensOf(answer);
    expect(await flow.isAccepted(second.access_token)).toBe(true);
    clock.advance(11);
    // For all that the store says the client may not know: the same answer, and no second branch.
    expect((await flow.refresh(first.refresh_token, client)).text).toBe(answer.text);
    // From here on it does say so.
    expectTokenError(await flow.refresh(first.refresh_token, client), flow, 'invalid_grant');
    expect(await flow.isAccepted(second.access_token)).toBe(false);
  });

  it('has the answer for whoever asks again when its end cannot be ruled out — RT-04', async () => {
    const first = await flow.tokensFor(client);
    const gate = flow.app.store.hold('add', 'rotated-refresh-token:');
    const refresh = flow.refresh(first.refresh_token, client);
    await gate.arrived(1);
    flow.app.store.failNext('get', undefined, 'revoked-grant:');
    gate.release();
    expectUnavailable(await refresh);
    const second = tokensOf(await flow.refresh(first.refresh_token, client));
    expect(jsonOf(await flow.refresh(first.refresh_token, client))).toEqual(second);
    expect(await flow.isAccepted(second.access_token)).toBe(true);
    const third = tokensOf(await flow.refresh(second.refresh_token, client));
    // That it was used is known all the same, though its record may still be there.
    clock.advance(71);
    expectTokenError(await flow.refresh(first.refresh_token, client), flow, 'invalid_grant');
    expect(await flow.isAccepted(third.access_token)).toBe(false);
  });

  it('answers whoever looks while another instance finishes — RT-04, RT-05', async () => {
    const aside = await another(shared);
    try {
      const first = await flow.tokensFor(client);
      const gate = flow.app.store.hold('get', 'refresh-token:');
      const waiting = flow.refresh(first.refresh_token, client);
      await gate.arrived(1);
      const done = await aside.refresh(first.refresh_token, client);
      gate.release();
      expect(tokensOf(await waiting)).toEqual(tokensOf(done));
    } finally {
      await aside.app.app.close();
    }
  });

  it('is one branch for two instances, whichever of them a token comes to — RT-05', async () => {
    const { store } = flow.app;
    const peer = await another(store);
    const kept = (): number =>
      store.live().filter(({ key }) => key.startsWith('refresh-answer:')).length;
    try {
      const first = await flow.tokensFor(client);
      const answersBefore = kept();
      const gate = store.hold('add', 'rotated-refresh-token:');
      const refreshes = Array.from({ length: attempts }, (_, i) =>
        (i % 2 ? flow : peer).refresh(first.refresh_token, client),
      );
      await gate.arrived(attempts);
      gate.release();
      const answers = await Promise.all(refreshes);
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      const second = tokensOf(answers[0] as Answer);
      // What the losers had written is gone.
      expect(kept()).toBe(answersBefore + 1);
      expect((await peer.refresh(second.refresh_token, client)).status).toBe(200);
      clock.advance(11);
      expectTokenError(await flow.refresh(first.refresh_token, client), flow, 'invalid_grant');
      expect(await peer.isAccepted(second.access_token)).toBe(false);
    } finally {
      await peer.app.app.close();
    }
  });
});
