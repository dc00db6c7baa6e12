import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { propertyRuns } from '../../../test/support/property-runs.js';
import { StoreSpy } from '../../../test/support/store-spy.js';
import { StorageError } from '../../common/errors.js';
import { Sealer } from '../../crypto/sealer.js';
import { SecretRing } from '../../crypto/secret-ring.js';
import { MemoryStore } from '../../storage/memory.store.js';
import { RecordStore } from '../../storage/record-collection.js';
import { RateLimiter, type RateLimitSlot } from './rate-limiter.js';

const secret = 'the-secret-of-the-rate-limiter-spec-9tZ';
const nextSecret = 'another-secret-of-the-rate-limiter-spec-4kQ';

/** Instances of an app that share a store. */
class Instances {
  readonly clock = new ManualClock(1_700_000_100);
  readonly store = new StoreSpy(new MemoryStore({ clock: this.clock, maxEntries: 1_000_000 }));

  constructor(
    private readonly max: number,
    private readonly windowSeconds = 100,
  ) {}

  next(name = 'test', secrets = secret): RateLimiter {
    const sealer = new Sealer(new SecretRing([secrets]));
    const records = new RecordStore(this.store, sealer, this.clock, 'issuer');
    const slots = records.collection<RateLimitSlot>('rate-limit', 1);
    const { max, windowSeconds, clock } = this;
    return new RateLimiter(name, { max, windowSeconds }, { slots, clock });
  }

  /** How many calls of the store the action makes. */
  async calls(action: () => Promise<unknown>): Promise<number> {
    const before = this.store.total();
    await action();
    return this.store.total() - before;
  }
}

async function passing(limiter: RateLimiter, subject: string, attempts: number): Promise<number> {
  let passed = 0;
  for (let i = 0; i < attempts; i++) if ((await limiter.claim(subject)) !== undefined) passed++;
  return passed;
}

describe('RateLimiter', () => {
  it('lets max requests pass and says how many are left', async () => {
    const limiter = new Instances(3).next();
    const left = [];
    for (let i = 0; i < 5; i++) left.push(await limiter.claim('a'));
    expect(left).toEqual([2, 1, 0, undefined, undefined]);
    expect(await limiter.claim('b')).toBe(2);
  });

  it('begins anew with each window', async () => {
    const instances = new Instances(2);
    const limiter = instances.next();
    expect(await passing(limiter, 'a', 5)).toBe(2);
    instances.clock.advance(limiter.secondsLeft() - 1);
    expect(await passing(limiter, 'a', 5)).toBe(0);
    expect(limiter.secondsLeft()).toBe(1);
    instances.clock.advance(1);
    expect(limiter.secondsLeft()).toBe(100);
    expect(await passing(limiter, 'a', 5)).toBe(2);
  });

  it('recovers from a clock that jumps ahead and back', async () => {
    const instances = new Instances(2);
    const limiter = instances.next();
    expect(await passing(limiter, 'a', 3)).toBe(2);
    instances.clock.advance(1_000_000);
    expect(await passing(limiter, 'a', 3)).toBe(2);
    instances.clock.advance(-1_000_000);
    expect(await passing(limiter, 'a', 3)).toBeLessThanOrEqual(2);
    instances.clock.advance(100);
    expect(await passing(limiter, 'a', 3)).toBe(2);
  });

  it('gives more to whom more is due', async () => {
    const limiter = new Instances(2).next();
    let passed = 0;
    for (let i = 0; i < 200; i++) if ((await limiter.claim('a', 50)) !== undefined) passed++;
    expect(passed).toBe(100);
  });

  it('asks the store once for who passes, and not at all for who is known not to', async () => {
    const instances = new Instances(50);
    const limiter = instances.next();
    expect(await instances.calls(() => passing(limiter, 'a', 50))).toBe(50);
    expect(await instances.calls(() => limiter.claim('a'))).toBe(0);
    expect(await instances.calls(() => limiter.isExhausted('a'))).toBe(0);
  });

  it('finds out with few calls what other instances let pass', async () => {
    const instances = new Instances(30_000);
    await passing(instances.next(), 'a', 3000);
    const other = instances.next();
    expect(await instances.calls(() => other.claim('a'))).toBeLessThan(30);
    expect(await other.claim('a')).toBe(30_000 - 3002);
  });

  it('gets past the slots of a secret that was removed with few calls', async () => {
    const instances = new Instances(30_000);
    await passing(instances.next(), 'a', 3000);
    const other = instances.next('test', nextSecret);
    expect(await instances.calls(() => other.claim('a'))).toBeLessThan(60);
    expect(await instances.calls(() => other.claim('a'))).toBe(1);
    // A row that is full of them lets nobody pass in that window.
    const full = new Instances(100);
    await passing(full.next(), 'a', 100);
    expect(await full.next('test', nextSecret).claim('a')).toBeUndefined();
  });

  it('does not let requests side by side get in each other’s way', async () => {
    const instances = new Instances(30_000);
    await passing(instances.next(), 'a', 100);
    const other = instances.next();
    const together = (): Promise<unknown> =>
      Promise.all(Array.from({ length: 100 }, () => other.claim('a')));
    // The first hundred find out what is taken, all at once; the others know.
    expect(await instances.calls(together)).toBeLessThan(100 * 20);
    expect(await instances.calls(together)).toBe(100);
  });

  it('counts different limits and subjects apart', async () => {
    const instances = new Instances(1);
    const [one, two] = [instances.next('one'), instances.next('two')];
    const claims = [one.claim('a'), one.claim('a 1'), two.claim('a'), one.claim('1 a')];
    expect(await Promise.all(claims)).toEqual([0, 0, 0, 0]);
  });

  it('never lets more pass than max, whatever instances and requests race', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 40 }),
        fc.scheduler(),
        async (max, turns, scheduler) => {
          const instances = new Instances(max);
          const { store } = instances;
          for (const name of ['get', 'add'] as const) {
            const call = store[name].bind(store) as (...args: unknown[]) => Promise<unknown>;
            Object.assign(store, { [name]: scheduler.scheduleFunction(call) });
          }
          const limiters = [instances.next(), instances.next(), instances.next()];
          const claims = turns.map(async (i) => limiters[i]?.claim('a'));
          await scheduler.waitFor(Promise.all(claims));
          const left = await Promise.all(claims);
          const passed = left.filter((slots) => slots !== undefined);
          expect(passed).toHaveLength(Math.min(max, turns.length));
          expect(new Set(passed).size).toBe(passed.length);
        },
      ),
      { numRuns: Math.min(propertyRuns() / 5, 2000) },
    );
  });

  it('says that it is exhausted when it is, also to who did not count', async () => {
    const instances = new Instances(3);
    const [one, two] = [instances.next(), instances.next()];
    await passing(one, 'a', 2);
    expect([await one.isExhausted('a'), await two.isExhausted('a')]).toEqual([false, false]);
    await one.claim('a');
    expect([await one.isExhausted('a'), await two.isExhausted('a')]).toEqual([true, true]);
    expect(await instances.next().isExhausted('b')).toBe(false);
  });

  it('loses no slot to a store that is down', async () => {
    const instances = new Instances(3);
    const limiter = instances.next();
    for (let i = 0; i < 5; i++) {
      instances.store.failNext('add');
      await expect(limiter.claim('a')).rejects.toBeInstanceOf(StorageError);
    }
    expect(await passing(limiter, 'a', 5)).toBe(3);
  });

  it('holds with what it forgot: no more pass for it', async () => {
    const instances = new Instances(1);
    const limiter = instances.next();
    expect(await limiter.claim('first')).toBe(0);
    for (let i = 0; i < 10_001; i++) await limiter.claim(`other ${i}`);
    // Not remembered any more, and found again in the store.
    expect(await instances.calls(() => limiter.claim('first'))).toBeGreaterThan(0);
    expect(await limiter.claim('first')).toBeUndefined();
  }, 60_000);

  it('shows the store no subject, and keeps nothing beyond the window', async () => {
    const instances = new Instances(2);
    await instances.next().claim('8.8.8.8 client');
    expect(instances.store.contains('8.8.8.8')).toBe(false);
    expect(instances.store.dump().map(({ ttlSeconds }) => ttlSeconds)).toEqual([100]);
  });
});
