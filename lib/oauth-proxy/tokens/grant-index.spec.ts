import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { StoreSpy } from '../../../test/support/store-spy.js';
import { randomToken } from '../../crypto/random.js';
import { Sealer } from '../../crypto/sealer.js';
import { SecretRing } from '../../crypto/secret-ring.js';
import { MemoryStore } from '../../storage/memory.store.js';
import { RecordStore } from '../../storage/record-collection.js';
import { recordCollections } from '../record-collections.js';
import { GrantIndex, slotsPerSubject } from './grant-index.js';

const ring = new SecretRing(['the-secret-of-the-index-under-test-6Wv1']);
let clock: ManualClock;
let store: StoreSpy;
let index: GrantIndex;

beforeEach(() => {
  clock = new ManualClock();
  store = new StoreSpy(new MemoryStore({ clock }));
  const records = new RecordStore(store, new Sealer(ring), clock, 'https://as.test');
  index = new GrantIndex(recordCollections(records).grantSlots);
});

const listed = async (subject: string) =>
  (await index.list(subject)).map(({ grantId }) => grantId).sort();

describe('the grants of a subject', () => {
  it('are listed, and no others', async () => {
    const ids = Array.from({ length: 30 }, () => randomToken());
    for (const id of ids) expect(await index.claim('alice', id, 60)).toEqual(expect.any(Number));
    await index.claim('bob', randomToken(), 60);
    expect(await listed('alice')).toEqual([...ids].sort());
    expect(await listed('bob')).toHaveLength(1);
    expect(await listed('carol')).toEqual([]);
  });

  it('are all listed when they come at once', async () => {
    const ids = Array.from({ length: slotsPerSubject }, () => randomToken());
    store.delayAll(1);
    const slots = await Promise.all(ids.map((id) => index.claim('alice', id, 60)));
    store.delayAll(0);
    expect(new Set(slots).size).toBe(slotsPerSubject);
    expect(await listed('alice')).toEqual([...ids].sort());
    expect(await index.claim('alice', randomToken(), 60)).toBeUndefined();
    expect(await index.claim('bob', randomToken(), 60)).toEqual(expect.any(Number));
  });

  it('cost one call of the store for the first of them', async () => {
    await index.claim('alice', randomToken(), 60);
    expect(store.total()).toBe(1);
  });

  it('leave their places when their time is over', async () => {
    await index.claim('alice', randomToken(), 60);
    clock.advance(60);
    expect(await listed('alice')).toEqual([]);
  });

  it('give a place back, and not that of another', async () => {
    const [one, two] = [randomToken(), randomToken()];
    const slot = (await index.claim('alice', one, 60)) ?? -1;
    await index.release('alice', { slot, grantId: two });
    expect(await listed('alice')).toEqual([one]);
    await index.release('alice', { slot, grantId: one });
    expect(await listed('alice')).toEqual([]);
  });

  it('keep a place for longer, and do not take that of another', async () => {
    const [one, two] = [randomToken(), randomToken()];
    const slot = (await index.claim('alice', one, 60)) ?? -1;
    expect(await index.put('alice', { slot, grantId: two }, 60)).toBe(false);
    expect(await index.put('alice', { slot, grantId: one }, 90)).toBe(true);
    clock.advance(89);
    expect(await listed('alice')).toEqual([one]);
    clock.advance(1);
    expect(await index.put('alice', { slot, grantId: two }, 60)).toBe(true);
    expect(await listed('alice')).toEqual([two]);
  });

  it('do not mix where one name ends like another', async () => {
    await index.claim('1 alice', randomToken(), 60);
    expect(await listed('alice')).toEqual([]);
  });
});
