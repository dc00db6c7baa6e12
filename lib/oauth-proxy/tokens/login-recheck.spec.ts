import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { StoreSpy } from '../../../test/support/store-spy.js';
import { StorageError, UpstreamError } from '../../common/errors.js';
import { Sealer } from '../../crypto/sealer.js';
import { SecretRing } from '../../crypto/secret-ring.js';
import { MemoryStore } from '../../storage/memory.store.js';
import { RecordStore } from '../../storage/record-collection.js';
import { recordCollections } from '../record-collections.js';
import type { Grant } from './grant.js';
import { LoginRecheck, recheckIntervalIssues } from './login-recheck.js';
import { toUpstreamSession, type UpstreamSession } from './upstream-session.js';

const interval = 300;
const ring = new SecretRing(['the-secret-of-the-checks-under-test-1']);
const grant = { subject: 'alice' } as Grant;

let clock: ManualClock;
let shared: MemoryStore;
let session: UpstreamSession | undefined;
/** The grants about which the upstream was asked. */
let asked: string[];
let answer: () => Promise<boolean>;

class Instance {
  readonly store = new StoreSpy(shared);
  sessionReads = 0;
  readonly recheck = new LoginRecheck({
    checks: recordCollections(
      new RecordStore(this.store, new Sealer(ring), clock, 'https://as.test'),
    ).checks,
    life: {
      known: async (grantId) => {
        this.sessionReads++;
        return (
          session && {
            at: session.obtainedAt,
            goesOn: () => {
              asked.push(grantId);
              return answer();
            },
          }
        );
      },
      refreshed: async () => undefined,
    },
    clock,
    intervalSeconds: interval,
  });

  admits(grantId = 'g'): Promise<boolean> {
    return this.recheck.admits(grantId, grant);
  }

  /** What the checks read so far. */
  get reads(): number {
    return this.sessionReads + this.store.total();
  }
}

let one: Instance;
let two: Instance;

beforeEach(() => {
  clock = new ManualClock(1_000_000);
  shared = new MemoryStore({ clock });
  session = toUpstreamSession({ accessToken: 'a', refreshToken: 'r' }, clock.now());
  asked = [];
  answer = async () => true;
  one = new Instance();
  two = new Instance();
});

describe('a re-check', () => {
  it('is not made before the interval after the login has passed', async () => {
    clock.advance(interval - 1);
    expect(await one.admits()).toBe(true);
    expect(asked).toEqual([]);
    clock.advance(1);
    expect(await one.admits()).toBe(true);
    expect(asked).toEqual(['g']);
  });

  it('is made once an interval, whoever comes and on whichever instance — RT-16', async () => {
    for (let second = 0; second < 3 * interval; second += 50) {
      await Promise.all([one.admits(), two.admits(), one.admits()]);
      clock.advance(50);
    }
    expect(asked).toEqual(['g', 'g']);
    clock.advance(10);
    await two.admits();
    expect(asked).toHaveLength(3);
  });

  it('reads nothing between two checks', async () => {
    clock.advance(interval);
    await one.admits();
    await two.admits();
    const before = [one.reads, two.reads];
    clock.advance(interval - 1);
    for (let i = 0; i < 10; i++) await Promise.all([one.admits(), two.admits()]);
    expect([one.reads, two.reads]).toEqual(before);
    clock.advance(1);
    await one.admits();
    expect(one.reads).toBeGreaterThan(before[0] ?? 0);
  });

  it('is one for all who come at the same time', async () => {
    clock.advance(interval);
    answer = async () => false;
    const all = await Promise.all(Array.from({ length: 20 }, () => one.admits()));
    expect(all).toEqual(Array<boolean>(20).fill(false));
    expect(asked).toEqual(['g']);
  });

  it('is due on every instance an interval after the last, wherever that was', async () => {
    clock.advance(interval);
    await one.admits();
    clock.advance(interval - 50);
    await two.admits();
    expect(asked).toHaveLength(1);
    clock.advance(50);
    await two.admits();
    expect(asked).toHaveLength(2);
  });

  it('is of one grant alone', async () => {
    clock.advance(interval);
    await one.admits('g');
    await one.admits('h');
    expect(asked).toEqual(['g', 'h']);
  });

  it('is not needed after a refresh', async () => {
    clock.advance(interval);
    session = toUpstreamSession({ accessToken: 'a2' }, clock.now() - 100);
    await one.admits();
    clock.advance(interval - 101);
    await one.admits();
    expect(asked).toEqual([]);
    clock.advance(1);
    await one.admits();
    expect(asked).toEqual(['g']);
  });
});

describe('a login that is over', () => {
  it('is not admitted — RT-16', async () => {
    clock.advance(interval);
    answer = async () => false;
    expect(await one.admits()).toBe(false);
  });

  it('is that of a session that is gone', async () => {
    session = undefined;
    expect(await one.admits()).toBe(false);
    expect(asked).toEqual([]);
  });
});

describe('an upstream that cannot be asked', () => {
  it('holds nobody up, and is asked again after the interval', async () => {
    clock.advance(interval);
    answer = () => Promise.reject(new UpstreamError('503', 'transient'));
    expect(await one.admits()).toBe(true);
    expect(await two.admits()).toBe(true);
    clock.advance(interval - 1);
    expect(await one.admits()).toBe(true);
    expect(asked).toHaveLength(1);
    clock.advance(1);
    answer = async () => false;
    expect(await two.admits()).toBe(false);
  });

  it('is not what a failing store is', async () => {
    clock.advance(interval);
    one.store.failNext('add');
    await expect(one.admits()).rejects.toBeInstanceOf(StorageError);
    expect(await one.admits()).toBe(true);
    expect(asked).toHaveLength(1);
    clock.advance(interval);
    answer = () => Promise.reject(new StorageError('down'));
    await expect(one.admits()).rejects.toBeInstanceOf(StorageError);
  });

  it.each([
    ['on every instance', false],
    ['here, if the store still fails then', true],
  ])('is asked again at once after such a failure, %s', async (_where, staysDown) => {
    clock.advance(interval);
    answer = () => Promise.reject(new StorageError('down'));
    if (staysDown) one.store.failNext('delete');
    await expect(one.admits()).rejects.toBeInstanceOf(StorageError);
    answer = async () => false;
    expect(await (staysDown ? one : two).admits()).toBe(false);
    expect(asked).toHaveLength(2);
  });

  it('and never answers is asked again after the interval, like any other', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    try {
      clock.advance(interval);
      answer = () => new Promise(() => {});
      const admitted = one.admits();
      await jest.advanceTimersByTimeAsync(4000);
      expect(await admitted).toBe(true);
      await jest.advanceTimersByTimeAsync(26_000);
      clock.advance(interval);
      answer = async () => false;
      expect(await one.admits()).toBe(false);
    } finally {
      jest.useRealTimers();
    }
  });

  it('is waited for when the app closes', async () => {
    clock.advance(interval);
    let reply: (alive: boolean) => void = () => {};
    answer = () => new Promise((resolve) => (reply = resolve));
    const admitted = one.admits();
    await new Promise((resolve) => setImmediate(resolve));
    let isSettled = false;
    const settled = one.recheck.settled().then(() => (isSettled = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(isSettled).toBe(false);
    reply(false);
    await settled;
    expect(await admitted).toBe(false);
  });
});

describe('the interval', () => {
  it.each([undefined, 10, 300, 86_400])('may be %p', (seconds) => {
    expect(recheckIntervalIssues(seconds, 'p')).toEqual([]);
  });

  it.each([0, -1, 9, 86_401, 60.5, NaN, Infinity, '300', null])('must not be %p', (seconds) => {
    expect(recheckIntervalIssues(seconds, 'p')).toEqual([
      { path: 'p', problem: 'must be whole seconds, 10 to 86400' },
    ]);
  });
});
