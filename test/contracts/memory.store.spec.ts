import { describe, expect, it } from '@jest/globals';
import { MemoryStore } from '../../lib/storage/memory.store.js';
import { DelayedStore } from '../../lib/testing/delayed-store.js';
import { describeKeyValueStoreContract } from './key-value-store.contract.js';

describeKeyValueStoreContract('MemoryStore', async ({ clock }) => new MemoryStore({ clock }));

describe('MemoryStore, from a distance', () => {
  it('gives each of 5000 keys to exactly one of four', async () => {
    const store = new MemoryStore();
    const keys = Array.from({ length: 5000 }, (_, i) => `key:${i}`);
    const four = [1, 2, 3, 4].map((seed) => new DelayedStore(store, seed));
    const added = await Promise.all(
      four.flatMap((each) => keys.map((key) => each.add(key, key, 60))),
    );
    expect(added.filter(Boolean)).toHaveLength(keys.length);
    const taken = await Promise.all(four.flatMap((each) => keys.map((key) => each.take(key))));
    expect(taken.filter((value) => value !== undefined).sort()).toEqual(keys.sort());
  });
});
