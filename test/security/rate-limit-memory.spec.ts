// What strangers can make the app and its store remember, and what comes of filling it.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MemoryStore } from '../../lib/index.js';
import { RateLimiter, type RateLimitSlot } from '../../lib/oauth-proxy/limits/rate-limiter.js';
import { Sealer } from '../../lib/crypto/sealer.js';
import { SecretRing } from '../../lib/crypto/secret-ring.js';
import { KeyValueStore } from '../../lib/storage/key-value-store.js';
import { RecordStore } from '../../lib/storage/record-collection.js';
import { platforms } from '../support/app.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectInvariants, expectStoreUntouched } from '../support/outcomes.js';
import { appSecret } from '../support/protected-app.js';
import { type Answer, type ProxyFlow, startFlow } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

/** Keeps only what it is told to be worth it, so that no memory but the app's own grows. */
class ForgetfulStore extends KeyValueStore {
  readonly kept = new Set<string>();
  isKeeping = true;

  async add(key: string): Promise<boolean> {
    if (this.kept.has(key)) return false;
    if (this.isKeeping) this.kept.add(key);
    return true;
  }

  async get(): Promise<undefined> {}
  async set(): Promise<void> {}
  async take(): Promise<undefined> {}
  async delete(): Promise<void> {}
}

function usedMegabytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed / 1024 ** 2;
}

describe('the memory of a limiter', () => {
  it('stays small for whom addresses cost nothing, and lets nobody pass for it — DS-03', async () => {
    const store = new ForgetfulStore();
    const clock = new ManualClock();
    const records = new RecordStore(
      store,
      new Sealer(new SecretRing([appSecret])),
      clock,
      'issuer',
    );
    const slots = records.collection<RateLimitSlot>('rate-limit', 1);
    const limiter = new RateLimiter('test', { max: 1, windowSeconds: 3600 }, { slots, clock });
    expect(await limiter.claim('the first')).toBe(0);
    store.isKeeping = false;
    const fill = async (from: number, count: number): Promise<void> => {
      for (let i = from; i < from + count; i++) await limiter.claim(`2600:1:2:${i}::/64`);
    };
    await fill(0, 10_000);
    const before = usedMegabytes();
    await fill(10_000, 30_000);
    expect(usedMegabytes() - before).toBeLessThan(4);
    expect(await limiter.claim('the first')).toBeUndefined();
  });
});

describe.each(platforms)('a store that is full on %s', (platform) => {
  const clock = new ManualClock();
  let idp: UpstreamIdp;
  let flow: ProxyFlow;

  beforeAll(async () => {
    idp = await UpstreamIdp.start();
    const store = new MemoryStore({ maxEntries: 300, clock });
    flow = await startFlow({ idp, platform, clock, store });
  });

  afterAll(async () => {
    await flow.close();
    await idp.stop();
  });

  it('turns newcomers away, forgets nobody for them, and recovers — DS-03', async () => {
    const client = await flow.register();
    const { access_token } = await flow.tokensFor(client);
    const begin = (): Promise<Answer> => flow.authorize(flow.authorizationRequest(client));
    let full: Answer = await begin();
    for (let i = 0; i < 400 && full.status === 302; i++) full = await begin();
    for (const refused of [full, await expectStoreUntouched(flow, () => flow.tryRegister())]) {
      expectInvariants(refused, { issuer: flow.issuer, serverFault: 503 });
      expect(refused.status).toBe(503);
      expect(refused.headers['retry-after']).toMatch(/^\d+$/);
    }
    expect(await flow.isAccepted(access_token)).toBe(true);
    clock.advance(601);
    expect((await begin()).status).toBe(302);
    expect((await flow.tryRegister()).status).toBe(201);
  });
});
