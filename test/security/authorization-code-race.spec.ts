// RFC 6749 §4.1.2, §10.5; OAuth 2.1 §4.1.3: a code is good for one redemption, however many try.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LmdbStore } from '../../lib/storage/lmdb.store.js';
import { MemoryStore } from '../../lib/storage/memory.store.js';
import { platforms } from '../support/app.js';
import { expectTokenError } from '../support/outcomes.js';
import {
  type Answer,
  type ProxyFlow,
  startFlow,
  type TestClient,
  tokensOf,
} from '../support/proxy-flow.js';
import { newVerifier } from '../support/request-builders.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const attempts = 20;
let idp: UpstreamIdp;
let folder: string;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
  folder = await mkdtemp(join(tmpdir(), 'code-race-'));
});

afterAll(async () => {
  await idp.stop();
  await rm(folder, { recursive: true, force: true });
});

const setups = platforms.flatMap((platform) => [
  { platform, name: 'MemoryStore', open: () => new MemoryStore() },
  { platform, name: 'LmdbStore', open: () => new LmdbStore({ path: join(folder, platform) }) },
]);

describe.each(setups)('simultaneous redemptions of a code, $name on $platform', (setup) => {
  let flow: ProxyFlow;
  let client: TestClient;

  beforeAll(async () => {
    flow = await startFlow({ idp, platform: setup.platform, store: setup.open() });
    client = await flow.register();
  });

  afterAll(() => flow.close());

  const times = <T>(count: number, task: () => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: count }, task));

  const winnersOf = (answers: readonly Answer[]): readonly Answer[] => {
    const winners = answers.filter((a) => a.status === 200);
    for (const loser of answers.filter((a) => a.status !== 200)) {
      expectTokenError(loser, flow, 'invalid_grant');
    }
    return winners;
  };

  it('succeed once when all of them are about to spend it — AC-01', async () => {
    const held = await flow.codeFor(client);
    const gate = flow.app.store.hold('take');
    const redemptions = times(attempts, () => flow.redeem(held));
    // Each has checked everything; nobody has spent the code yet.
    await gate.arrived(attempts);
    gate.release();
    const [winner, ...others] = winnersOf(await redemptions);
    expect(others).toEqual([]);
    const tokens = tokensOf(winner as Answer);
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    expect((await flow.refresh(tokens.refresh_token, client)).status).toBe(200);
  });

  it('leave no grant, session or token of the losers behind — AC-01, AC-13', async () => {
    const held = await flow.codeFor(client);
    const kinds = ['grant', 'upstream-session', 'access-token', 'refresh-token'];
    const count = (): number[] =>
      kinds.map((k) => flow.app.store.live().filter((e) => e.key.startsWith(`${k}:`)).length);
    const before = count();
    const gate = flow.app.store.hold('take');
    const redemptions = times(attempts, () => flow.redeem(held));
    await gate.arrived(attempts);
    gate.release();
    expect(winnersOf(await redemptions)).toHaveLength(1);
    expect(count()).toEqual(before.map((n) => n + 1));
  });

  it('succeed once when the store is slow — AC-01', async () => {
    const held = await flow.codeFor(client);
    flow.app.store.delayAll(8);
    try {
      expect(winnersOf(await times(attempts, () => flow.redeem(held)))).toHaveLength(1);
    } finally {
      flow.app.store.delayAll(0);
    }
  });

  it('are not disturbed by strangers who try with a wrong verifier — AC-01, PK-04', async () => {
    const held = await flow.codeFor(client);
    flow.app.store.delayAll(2);
    try {
      const wrong = times(attempts, () => flow.redeem(held, { code_verifier: newVerifier() }));
      const right = flow.redeem(held);
      expect(winnersOf([...(await wrong), await right])).toHaveLength(1);
      expect(await flow.isAccepted(tokensOf(await right).access_token)).toBe(true);
    } finally {
      flow.app.store.delayAll(0);
    }
  });
});
