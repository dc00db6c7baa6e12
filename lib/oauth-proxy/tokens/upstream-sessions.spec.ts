import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { eventually } from '../../../test/support/eventually.js';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { StoreSpy } from '../../../test/support/store-spy.js';
import { UpstreamError } from '../../common/errors.js';
import { MultiAuthEvents } from '../../common/events.js';
import { Sealer } from '../../crypto/sealer.js';
import { SecretRing } from '../../crypto/secret-ring.js';
import { MemoryStore } from '../../storage/memory.store.js';
import { RecordStore } from '../../storage/record-collection.js';
import { recordCollections } from '../record-collections.js';
import type { Upstream, UpstreamTokenSet } from '../upstream/upstream.js';
import type { Grant } from './grant.js';
import { UpstreamRevocations } from './upstream-revocations.js';
import { toUpstreamSession, type UpstreamSession } from './upstream-session.js';
import { UpstreamSessions } from './upstream-sessions.js';

const grantId = 'grant-1';
const storeDown = new Error('the store is down');
/** Longer than any lock lives. */
const lockIsOver = 41;
/** A token of five minutes is due by then. */
const untilDue = 250;

/** An upstream that gives out `a1`, `r1`, `a2`, `r2` … and takes each refresh token once. */
class RotatingUpstream {
  readonly refreshes: string[] = [];
  readonly revoked: unknown[] = [];
  readonly #spent = new Set<string>();
  /** Takes a refresh token a second time, as some providers do for a while. */
  forgives = false;
  lifetimeSeconds = 300;
  #issued = 0;
  before: () => Promise<void> | void = () => {};
  after: () => Promise<void> | void = () => {};

  async refresh(refreshToken: string): Promise<UpstreamTokenSet> {
    this.refreshes.push(refreshToken);
    await this.before();
    if (this.#spent.has(refreshToken) && !this.forgives)
      throw new UpstreamError('spent', 'refused');
    this.#spent.add(refreshToken);
    const n = ++this.#issued;
    await this.after();
    const expiresInSeconds = this.lifetimeSeconds;
    return { accessToken: `a${n}`, refreshToken: `r${n}`, expiresInSeconds };
  }

  revoke(tokens: unknown): void {
    this.revoked.push(tokens);
  }
}

let clock: ManualClock;
let shared: MemoryStore;
let upstream: RotatingUpstream;
let failures: string[];
let grant: Grant;

/** One of several instances on one store. */
class Instance {
  readonly store = new StoreSpy(shared);
  readonly records = recordCollections(
    new RecordStore(this.store, new Sealer(ring), clock, 'https://as.test'),
  );
  readonly sessions: UpstreamSessions;

  constructor() {
    const events = new MultiAuthEvents();
    events.on('upstream.failed', ({ kind }) => failures.push(kind));
    const asUpstream = upstream as unknown as Upstream;
    this.sessions = new UpstreamSessions({
      ...this.records,
      upstream: asUpstream,
      revocations: new UpstreamRevocations(asUpstream, events, []),
      clock,
      events,
      refreshMarginSeconds: 60,
      idleSeconds: 86_400,
    });
  }

  live(): Promise<UpstreamSession | undefined> {
    return this.sessions.live(grantId, grant);
  }
}

const ring = new SecretRing(['the-secret-of-the-sessions-under-test']);

/** The kinds of what is stored, without the grant. */
function stored(...instances: Instance[]): string[] {
  const live = instances.flatMap(({ store }) => store.live().map(({ key }) => key));
  return [...new Set(live.map((key) => key.split(':')[0] ?? ''))].filter((k) => k !== 'grant');
}

async function login(instance: Instance, tokens: Partial<UpstreamTokenSet> = {}): Promise<void> {
  const given = { accessToken: 'a0', refreshToken: 'r0', expiresInSeconds: 300, ...tokens };
  await instance.sessions.save(grantId, grant, toUpstreamSession(given, clock.now()));
  await instance.records.grants.set(grantId, grant, 86_400);
}

let one: Instance;
let two: Instance;

beforeEach(async () => {
  clock = new ManualClock(1_000_000);
  shared = new MemoryStore({ clock });
  upstream = new RotatingUpstream();
  failures = [];
  grant = {
    clientId: 'client',
    redirectUri: 'https://app.test/cb',
    subject: 'alice',
    claims: {},
    scopes: [],
    resource: 'https://mcp.test',
    issuedAt: clock.now(),
    expiresAt: clock.now() + 30 * 86_400,
    slot: 0,
    term: { id: 'term', since: clock.now() },
  };
  one = new Instance();
  two = new Instance();
  await login(one);
});

describe('a session', () => {
  it('is left alone until it is due, and then refreshed', async () => {
    clock.advance(239);
    expect(await one.live()).toMatchObject({ accessToken: 'a0', generation: 0 });
    clock.advance(1);
    expect(await one.live()).toMatchObject({ accessToken: 'a1', refreshToken: 'r1' });
    expect(await two.live()).toMatchObject({ accessToken: 'a1', generation: 1 });
    expect(upstream.refreshes).toEqual(['r0']);
  });

  it('is refreshed once for forty uses at the same time on two instances — RT-14', async () => {
    clock.advance(untilDue);
    const uses = Array.from({ length: 20 }, () => [one.live(), two.live()]).flat();
    for (const session of await Promise.all(uses)) expect(session?.accessToken).toBe('a1');
    expect(upstream.refreshes).toEqual(['r0']);
  });

  it('costs those who wait in one process nothing', async () => {
    clock.advance(untilDue);
    await Promise.all(Array.from({ length: 20 }, () => one.live()));
    // The lock and the commit.
    expect(one.store.counts.add).toBe(2);
  });

  it('keeps a record more once it was refreshed, however often', async () => {
    for (const _ of [1, 2, 3]) {
      clock.advance(untilDue);
      await one.live();
    }
    const keys = one.store.live().map(({ key }) => key);
    expect(keys.filter((key) => key.startsWith('upstream-session:'))).toHaveLength(1);
    expect(keys.filter((key) => key.startsWith('upstream-successor:'))).toHaveLength(1);
    expect(keys.filter((key) => key.startsWith('refresh-lock:'))).toHaveLength(0);
  });

  it('is refreshed early where that is asked for, and only from the one that is known', async () => {
    const known = await one.live();
    if (!known) throw new Error('no session');
    expect(await one.sessions.renewed(grantId, grant, known)).toMatchObject({ accessToken: 'a1' });
    expect(await two.sessions.renewed(grantId, grant, known)).toMatchObject({ accessToken: 'a1' });
    expect(upstream.refreshes).toEqual(['r0']);
  });

  it('without a refresh token stays as it is', async () => {
    await login(one, { refreshToken: undefined });
    clock.advance(untilDue);
    const known = await one.live();
    if (!known) throw new Error('no session');
    expect(await one.sessions.renewed(grantId, grant, known)).toEqual(known);
    expect(upstream.refreshes).toEqual([]);
  });

  it('is not put back by whoever saves an older one', async () => {
    const old = await one.live();
    for (const _ of [1, 2]) {
      clock.advance(untilDue);
      await one.live();
    }
    if (old) await two.sessions.save(grantId, grant, old);
    expect(await two.live()).toMatchObject({ accessToken: 'a2' });
    expect(upstream.refreshes).toEqual(['r0', 'r1']);
  });

  it('that is gone is not refreshed', async () => {
    await one.sessions.take(grantId);
    clock.advance(untilDue);
    expect(await one.live()).toBeUndefined();
    expect(upstream.refreshes).toEqual([]);
  });
});

describe('an upstream that fails', () => {
  const down = new UpstreamError('down', 'transient');
  const throwing = (error: Error) => (): void => {
    throw error;
  };

  it('is no reason to refuse what is left of the token', async () => {
    upstream.before = throwing(down);
    clock.advance(untilDue);
    expect(await one.live()).toMatchObject({ accessToken: 'a0' });
    expect(failures).toEqual(['transient']);
    clock.advance(50);
    await expect(one.live()).rejects.toBe(down);
  });

  it('costs nothing: the next use asks again', async () => {
    upstream.before = throwing(down);
    clock.advance(301);
    await expect(one.live()).rejects.toBe(down);
    upstream.before = () => {};
    expect(await one.live()).toMatchObject({ accessToken: 'a1' });
  });

  it('to answer in time is believed later', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    try {
      clock.advance(301);
      let go = (): void => {};
      upstream.before = () => new Promise((resolve) => (go = resolve));
      const refused = expect(one.live()).rejects.toMatchObject({ kind: 'transient' });
      await jest.advanceTimersByTimeAsync(40_000);
      await refused;
      go();
      jest.useRealTimers();
      const committed = () => one.store.live().some((e) => e.key.startsWith('upstream-successor:'));
      await eventually(committed, 'what came late is kept');
      expect(await two.live()).toMatchObject({ accessToken: 'a1', refreshToken: 'r1' });
    } finally {
      jest.useRealTimers();
    }
  });

  it('says so of a refusal, even early', async () => {
    upstream.before = throwing(new UpstreamError('over', 'refused'));
    clock.advance(untilDue);
    await expect(one.live()).rejects.toThrow('over');
  });
});

describe('a holder of the lock', () => {
  it('that dies before it asked is replaced when its lock has run out — RT-14', async () => {
    clock.advance(untilDue);
    // The process ends here: nobody ever releases it.
    const dead = one.store.hold('get', 'upstream-successor:');
    const abandoned = one.live();
    await dead.arrived(1);
    dead.release();
    const gone = one.store.hold('get', 'upstream-successor:');
    await gone.arrived(1);
    const waiting = two.live();
    await eventually(() => two.store.counts.add >= 2, 'the second instance waits for the lock');
    expect(upstream.refreshes).toEqual([]);
    clock.advance(lockIsOver);
    expect(await waiting).toMatchObject({ accessToken: 'a1' });
    expect(upstream.refreshes).toEqual(['r0']);
    gone.release();
    expect(await abandoned).toMatchObject({ accessToken: 'a1' });
  });

  it('that dies after its commit has lost nothing — RT-14', async () => {
    clock.advance(untilDue);
    const dead = one.store.hold('set', 'upstream-session:');
    const abandoned = one.live();
    await dead.arrived(1);
    clock.advance(lockIsOver);
    expect(await two.live()).toMatchObject({ accessToken: 'a1', refreshToken: 'r1' });
    expect(upstream.refreshes).toEqual(['r0']);
    clock.advance(untilDue);
    expect(await two.live()).toMatchObject({ accessToken: 'a2', refreshToken: 'r2' });
    dead.release();
    await abandoned;
  });

  it('that wakes after another refreshed does not overwrite the newer session', async () => {
    upstream.forgives = true;
    clock.advance(untilDue);
    const asleep = one.store.hold('add', 'upstream-successor:');
    const late = one.live();
    await asleep.arrived(1);
    clock.advance(lockIsOver);
    const newer = await two.live();
    expect(newer).toMatchObject({ refreshToken: 'r2', generation: 1 });
    asleep.release();
    expect(await late).toEqual(newer);
    expect(await two.sessions.find(grantId)).toEqual(newer);
    clock.advance(untilDue);
    await two.live();
    expect(upstream.refreshes.at(-1)).toBe('r2');
  });

  it('that wakes in the middle of writing does not bring an older session back', async () => {
    clock.advance(untilDue);
    const asleep = one.store.hold('set', 'upstream-session:');
    const late = one.live();
    await asleep.arrived(1);
    clock.advance(untilDue);
    expect(await two.live()).toMatchObject({ refreshToken: 'r2', generation: 2 });
    asleep.release();
    await late;
    expect(await two.live()).toMatchObject({ refreshToken: 'r2', generation: 2 });
    clock.advance(untilDue);
    await two.live();
    expect(upstream.refreshes).toEqual(['r0', 'r1', 'r2']);
  });

  it('that is slow is believed when the upstream takes its successor for a thief', async () => {
    clock.advance(untilDue);
    const slow = one.store.hold('add', 'upstream-successor:');
    const first = one.live();
    await slow.arrived(1);
    clock.advance(lockIsOver);
    upstream.before = async () => {
      slow.release();
      await first;
    };
    expect(await two.live()).toMatchObject({ accessToken: 'a1', refreshToken: 'r1' });
    expect(upstream.refreshes).toEqual(['r0', 'r0']);
  });

  it.each([
    ['long after its lock was another one’s', lockIsOver],
    ['although it believes the lock its own', 0],
  ])('that wakes two refreshes later writes nothing: %s', async (_name, seconds) => {
    upstream.lifetimeSeconds = 8;
    clock.advance(untilDue);
    const commit = one.store.hold('add', 'upstream-successor:');
    const late = one.live();
    await commit.arrived(1);
    const asleep = one.store.hold('get', 'upstream-session:');
    commit.release();
    await asleep.arrived(1);
    if (seconds === 0) await two.records.locks.delete(grantId);
    clock.advance(seconds);
    for (const generation of [2, 3]) {
      clock.advance(7);
      expect(await two.live()).toMatchObject({ generation });
    }
    asleep.release();
    await late;
    expect(await two.sessions.find(grantId)).toMatchObject({ refreshToken: 'r3' });
    clock.advance(7);
    await two.live();
    expect(upstream.refreshes).toEqual(['r0', 'r1', 'r2', 'r3']);
  });

  it('that is late leaves the head to whoever comes next', async () => {
    clock.advance(untilDue);
    const commit = one.store.hold('add', 'upstream-successor:');
    const late = one.live();
    await commit.arrived(1);
    clock.advance(36);
    commit.release();
    expect(await late).toMatchObject({ generation: 1 });
    expect(await one.records.sessions.get(grantId)).toMatchObject({ generation: 0 });
    expect(await two.live()).toMatchObject({ generation: 1 });
  });

  it('frees it when it is done', async () => {
    clock.advance(untilDue);
    await one.live();
    expect(await two.records.locks.get(grantId)).toBeUndefined();
  });

  it.each([
    ['another one’s', { owner: 'two' }, 0],
    ['its own, and about to run out', undefined, 36],
  ])('leaves a lock alone that is %s', async (_name, others, seconds) => {
    clock.advance(untilDue);
    const commit = one.store.hold('add', 'upstream-successor:');
    const late = one.live();
    await commit.arrived(1);
    clock.advance(seconds);
    if (others) await two.records.locks.set(grantId, others, 40);
    commit.release();
    await late;
    const left = await two.records.locks.get(grantId);
    expect(left).toEqual(others ?? { owner: expect.any(String) });
  });
});

describe('a store that fails', () => {
  it.each([1, 2, 3])('%i times to keep a refreshed session loses nothing', async (times) => {
    clock.advance(untilDue);
    for (let i = 0; i < times; i++) one.store.failNext('add', storeDown, 'upstream-successor:');
    expect(await one.live()).toMatchObject({ refreshToken: 'r1' });
    expect(await two.live()).toMatchObject({ refreshToken: 'r1' });
  });

  it('to write the head costs nobody the session', async () => {
    clock.advance(untilDue);
    one.store.failNext('set', storeDown, 'upstream-session:');
    expect(await one.live()).toMatchObject({ refreshToken: 'r1' });
    expect(await two.live()).toMatchObject({ refreshToken: 'r1' });
    clock.advance(untilDue);
    expect(await two.live()).toMatchObject({ refreshToken: 'r2' });
    expect(upstream.refreshes).toEqual(['r0', 'r1']);
  });
});

describe('the end of a grant', () => {
  it('takes the newest session, and leaves no record of any', async () => {
    clock.advance(untilDue);
    await one.live();
    clock.advance(untilDue);
    one.store.failNext('set', storeDown, 'upstream-session:');
    await one.live();
    expect(await one.sessions.take(grantId)).toMatchObject({ refreshToken: 'r2' });
    expect(await one.sessions.take(grantId)).toBeUndefined();
    expect(stored(one)).toEqual([]);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['grant', () => two.records.grants.delete(grantId)],
    ['session', () => two.sessions.take(grantId)],
    [
      'grant and session',
      async () => {
        await two.records.grants.delete(grantId);
        await two.sessions.take(grantId);
      },
    ],
  ])('gives back what the upstream answers afterwards: no %s', async (_name, end) => {
    clock.advance(untilDue);
    upstream.after = async () => {
      await end();
    };
    expect(await one.live()).toBeUndefined();
    expect(upstream.revoked).toMatchObject([{ accessToken: 'a1', refreshToken: 'r1' }]);
    expect(stored(one)).toEqual([]);
  });
});

describe('the close of the app', () => {
  it('waits for a refresh that was begun', async () => {
    clock.advance(untilDue);
    const commit = one.store.hold('add', 'upstream-successor:');
    const refresh = one.live();
    await commit.arrived(1);
    let isSettled = false;
    const settled = one.sessions.settled().then(() => (isSettled = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(isSettled).toBe(false);
    commit.release();
    await settled;
    expect(await refresh).toMatchObject({ accessToken: 'a1' });
  });
});
