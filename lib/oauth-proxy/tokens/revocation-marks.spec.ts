import { beforeEach, describe, expect, it } from '@jest/globals';
import { Gate } from '../../../test/support/gate.js';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { type StoreEntry, StoreSpy } from '../../../test/support/store-spy.js';
import { isPromise } from '../../common/awaitable.js';
import { Sealer } from '../../crypto/sealer.js';
import { SecretRing } from '../../crypto/secret-ring.js';
import { MemoryStore } from '../../storage/memory.store.js';
import { RecordStore } from '../../storage/record-collection.js';
import { recordCollections } from '../record-collections.js';
import { type Granted, RevocationMarks } from './revocation-marks.js';

const ring = new SecretRing(['the-secret-of-the-marks-under-test-4Bt8']);
const absolute = 1_000_000;
let clock: ManualClock;
let shared: MemoryStore;

beforeEach(() => {
  clock = new ManualClock(1_000_000);
  shared = new MemoryStore({ clock });
});

/** While there is a gate, what was read of a mark waits there on its way back. */
class LateStore extends MemoryStore {
  gate: Gate | undefined;

  override async get(key: string): Promise<string | undefined> {
    const value = await super.get(key);
    if (key.startsWith('revocation-mark:')) await this.gate?.pass();
    return value;
  }
}

/** One of several instances on one store. */
function instance() {
  const store = new StoreSpy(shared);
  const records = recordCollections(
    new RecordStore(store, new Sealer(ring), clock, 'https://as.test'),
  );
  return { store, marks: new RevocationMarks({ ...records, clock, seconds: absolute }) };
}

/** What an instance wrote of all marks together. */
function latestOf({ store }: ReturnType<typeof instance>): StoreEntry {
  const found = store.live().find(({ key }) => key.startsWith('latest-'));
  if (!found) throw new Error('Nothing was written.');
  return found;
}

const granted = (changes: Partial<Granted> = {}): Granted => ({
  subject: 'alice',
  clientId: 'app',
  issuedAt: clock.now(),
  ...changes,
});

describe.each(['cover', 'coverLately'] as const)('a mark, asked by %s', (ask) => {
  const covers = async (marks: RevocationMarks, of: Granted) => marks[ask](of);

  it.each([
    ['of the subject', { subject: 'alice' }, [true, true, false, false]],
    ['of the client', { clientId: 'app' }, [true, false, true, false]],
    ['of both', { subject: 'alice', clientId: 'app' }, [true, false, false, false]],
    ['of nobody', undefined, [false, false, false, false]],
  ])('%s covers theirs alone', async (_name, target, expected) => {
    const { marks } = instance();
    if (target) await marks.set(target);
    const all = [{}, { clientId: 'other' }, { subject: 'bob' }, { subject: 'b', clientId: 'c' }];
    const covered = await Promise.all(all.map((changes) => covers(marks, granted(changes))));
    expect(covered).toEqual(expected);
  });

  it('covers what is as old or older, and nothing younger', async () => {
    const { marks } = instance();
    await marks.set({ subject: 'alice' });
    const at = clock.now();
    expect(await covers(marks, granted({ issuedAt: at - 500 }))).toBe(true);
    expect(await covers(marks, granted({ issuedAt: at }))).toBe(true);
    expect(await covers(marks, granted({ issuedAt: at + 1 }))).toBe(false);
  });

  it('does not take a subject for a client, or two names for others', async () => {
    const { marks } = instance();
    await marks.set({ subject: 'app' });
    await marks.set({ clientId: 'alice' });
    await marks.set({ subject: 'alice:app' });
    await marks.set({ subject: ':app' });
    await marks.set({ clientId: ':app' });
    expect(await covers(marks, granted())).toBe(false);
  });

  it('never goes back with the clock of another instance', async () => {
    const { marks } = instance();
    await marks.set({ subject: 'alice' });
    const issuedAt = clock.now();
    clock.advance(-30);
    await marks.set({ subject: 'alice' });
    expect(await covers(marks, granted({ issuedAt }))).toBe(true);
  });

  it('of a clock that was far ahead is corrected by the next — CK-03', async () => {
    const { marks } = instance();
    clock.advance(500);
    await marks.set({ subject: 'alice' });
    clock.advance(-500);
    const before = clock.now();
    clock.advance(1);
    expect(await covers(marks, granted())).toBe(true);
    await marks.set({ subject: 'alice' });
    clock.advance(1);
    expect(await covers(marks, granted())).toBe(false);
    expect(await covers(marks, granted({ issuedAt: before }))).toBe(true);
  });

  it('is there as long as anything can be that it covers', async () => {
    const { marks } = instance();
    await marks.set({ subject: 'alice' });
    const issuedAt = clock.now();
    clock.advance(absolute - 1);
    expect(await covers(marks, granted({ issuedAt }))).toBe(true);
  });
});

describe('the marks that an instance remembers', () => {
  it('cost one read a second, however many ask for however many', async () => {
    const { store, marks } = instance();
    const all = [granted(), granted({ subject: 'bob' }), granted({ clientId: 'other' })];
    for (const one of all) await marks.coverLately(one);
    const before = store.counts.get;
    for (const one of all) expect(marks.coverLately(one)).toBe(false);
    expect(store.counts.get).toBe(before);
    clock.advance(1);
    await Promise.all([...all, ...all].map(async (one) => marks.coverLately(one)));
    expect(store.counts.get).toBe(before + 1);
    expect(isPromise(marks.coverLately(granted()))).toBe(false);
  });

  it('are at most a second old on another instance, and new where they are set', async () => {
    const [one, two] = [instance(), instance()];
    const grant = granted();
    expect(await one.marks.coverLately(grant)).toBe(false);
    expect(await two.marks.coverLately(grant)).toBe(false);
    await one.marks.set({ clientId: 'app' });
    expect(await one.marks.coverLately(grant)).toBe(true);
    expect(await two.marks.coverLately(grant)).toBe(false);
    clock.advance(1);
    expect(await two.marks.coverLately(grant)).toBe(true);
    expect(await two.marks.coverLately(grant)).toBe(true);
  });

  it('are read anew after each mark, also after two of the same second', async () => {
    const [one, two] = [instance(), instance()];
    const [alice, bob] = [granted(), granted({ subject: 'bob' })];
    for (const target of [{ subject: 'alice' }, { subject: 'bob' }]) {
      expect(await two.marks.coverLately(bob)).toBe(false);
      await one.marks.set(target);
      clock.advance(1);
    }
    expect(await two.marks.coverLately(alice)).toBe(true);
    expect(await two.marks.coverLately(bob)).toBe(true);
  });

  it('are not those that were read before a mark and came after it', async () => {
    const late = new LateStore({ clock });
    shared = late;
    const [one, two] = [instance(), instance()];
    const grant = granted();
    const gate = new Gate(() => (late.gate = undefined));
    late.gate = gate;
    const early = two.marks.coverLately(grant);
    await gate.arrived(3);
    late.gate = undefined;
    await one.marks.set({ subject: 'alice' });
    clock.advance(1);
    expect(await two.marks.coverLately(granted({ subject: 'bob' }))).toBe(false);
    gate.release();
    expect(await early).toBe(false);
    expect(await two.marks.coverLately(grant)).toBe(true);
  });

  it('are never taken for absent when the store is down', async () => {
    const { store, marks } = instance();
    store.failNext('get');
    await expect((async () => marks.coverLately(granted()))()).rejects.toThrow('the store is down');
    store.failNext('get', undefined, 'revocation-mark:');
    await expect((async () => marks.coverLately(granted()))()).rejects.toThrow('the store is down');
    expect(await marks.coverLately(granted())).toBe(false);
  });

  it('are asked for again at once when the store did not answer', async () => {
    const [one, two] = [instance(), instance()];
    const grant = granted();
    expect(await two.marks.coverLately(grant)).toBe(false);
    await one.marks.set({ subject: 'alice' });
    clock.advance(1);
    two.store.failNext('get');
    await expect((async () => two.marks.coverLately(grant))()).rejects.toThrow('the store is down');
    expect(await two.marks.coverLately(grant)).toBe(true);
  });

  it('are bounded: what is forgotten is read again', async () => {
    const { store, marks } = instance();
    await marks.set({ subject: 'alice' });
    await marks.coverLately(granted());
    clock.advance(61);
    await marks.coverLately(granted({ subject: 'nobody' }));
    const before = store.counts.get;
    expect(await marks.coverLately(granted({ issuedAt: clock.now() - 61 }))).toBe(true);
    expect(store.counts.get).toBe(before + 3);
  });
});

describe('where it is known that there is no later mark', () => {
  const until = 30;

  it('nobody looks for one, until there is one', async () => {
    const [one, two] = [instance(), instance()];
    await one.marks.begin();
    clock.advance(until + 1);
    const all = ['alice', 'bob', 'carol'].map((subject) => granted({ subject }));
    for (const grant of all) expect(await two.marks.coverLately(grant)).toBe(false);
    expect(two.store.counts.get).toBe(1);
    await one.marks.set({ subject: 'bob' });
    clock.advance(1);
    const covered = await Promise.all(all.map(async (grant) => two.marks.coverLately(grant)));
    expect(covered).toEqual([false, true, false]);
  });

  it('what is older is looked up', async () => {
    const { store, marks } = instance();
    const grant = granted();
    clock.advance(-1);
    await marks.set({ subject: 'alice' });
    await marks.set({ subject: 'bob' });
    clock.advance(1);
    expect(await marks.coverLately({ ...grant, issuedAt: clock.now() - 1 })).toBe(true);
    expect(store.counts.get).toBeGreaterThan(3);
  });

  it('no instance forgets the marks that were there when it began', async () => {
    const [one, two] = [instance(), instance()];
    await one.marks.set({ subject: 'alice' });
    const grant = granted();
    // As when a store lost it, or an older version of this library wrote the mark.
    const [lost] = one.store.live().filter(({ key }) => key.startsWith('latest-'));
    await shared.delete(lost?.key ?? '');
    expect(await instance().marks.coverLately(grant)).toBe(true);
    clock.advance(100);
    await two.marks.begin();
    expect(await two.marks.coverLately(grant)).toBe(true);
  });

  it('the latest may have been written by one whose clock is half a minute behind', async () => {
    const [ahead, behind] = [instance(), instance()];
    await behind.marks.set({ subject: 'bob' });
    const written = behind.store.live().find(({ key }) => key.startsWith('latest-'));
    clock.advance(until);
    const grant = granted();
    await ahead.marks.set({ subject: 'alice' });
    // Both wrote at once, and this one last.
    await shared.set(written?.key ?? '', written?.value ?? '', 100);
    expect(await instance().marks.coverLately(grant)).toBe(true);
  });

  it('the latest never goes back, however far ahead a clock was', async () => {
    const { marks } = instance();
    clock.advance(2 * until);
    const grant = granted();
    await marks.set({ subject: 'alice' });
    clock.advance(-2 * until);
    await marks.set({ subject: 'bob' });
    expect(await marks.coverLately(grant)).toBe(true);
  });

  it('a mark that the store carries out late hides no newer one', async () => {
    const late = instance();
    await late.marks.set({ subject: 'bob' });
    const written = latestOf(late);
    clock.advance(3000);
    const grant = granted();
    await instance().marks.set({ subject: 'alice' });
    // In its place, and nobody has seen that one.
    await shared.set(written.key, written.value, absolute);
    expect(await instance().marks.coverLately(grant)).toBe(true);
    clock.advance(3700);
    expect(await instance().marks.coverLately(granted())).toBe(false);
  });

  it('who has seen the newer one is told nothing else, however late the other comes', async () => {
    const late = instance();
    await late.marks.set({ subject: 'bob' });
    const written = latestOf(late);
    clock.advance(100_000);
    const grant = granted();
    const [setter, reader] = [instance(), instance()];
    await setter.marks.set({ subject: 'alice' });
    for (const { marks } of [setter, reader]) await marks.coverLately(granted());
    await shared.set(written.key, written.value, absolute);
    clock.advance(1);
    expect(await reader.marks.coverLately(grant)).toBe(true);
    expect(await setter.marks.coverLately(grant)).toBe(true);
  });

  it.each([
    [1, false],
    [2, false],
    [3, true],
  ])('a mark is never there without it: write %i fails', async (nth, isMarked) => {
    const { store, marks } = instance();
    await marks.begin();
    clock.advance(100);
    const grant = granted();
    const failure = store.failNth('set', nth);
    await expect(marks.set({ subject: 'alice' })).rejects.toThrow('the store is down');
    expect(failure.struck).toBe(true);
    expect(await instance().marks.cover(grant)).toBe(isMarked);
    expect(await instance().marks.coverLately(grant)).toBe(isMarked);
  });

  it('a store that is down keeps nobody from beginning', async () => {
    const { store, marks } = instance();
    store.failNext('add');
    await marks.begin();
    await marks.set({ subject: 'alice' });
    expect(await marks.coverLately(granted())).toBe(true);
  });
});

describe('a mark that could not be stored', () => {
  it.each(['revocation-mark:', 'latest-revocation-mark:'])('is an error: %s', async (kind) => {
    const { store, marks } = instance();
    store.failNext('set', undefined, kind);
    await expect(marks.set({ subject: 'alice' })).rejects.toThrow('the store is down');
  });
});
