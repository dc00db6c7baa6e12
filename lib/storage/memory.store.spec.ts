import { describe, expect, it, jest } from '@jest/globals';
import { ConfigurationError, StorageError } from '../common/errors.js';
import { randomToken } from '../crypto/random.js';
import { SecretRing } from '../crypto/secret-ring.js';
import { ManualClock } from '../../test/support/manual-clock.js';
import { MemoryStore } from './memory.store.js';

async function fill(store: MemoryStore, count: number, ttlSeconds: number): Promise<void> {
  for (let i = 0; i < count; i++) await store.set(`${ttlSeconds}:${i}`, 'value', ttlSeconds);
}

/** Fills the store up with lasting entries and tells how many it took. */
async function roomIn(store: MemoryStore): Promise<number> {
  for (let room = 0; ; room++) {
    const added = await store.add(randomToken(8), '', 1_000_000).catch(() => false);
    if (!added) return room;
  }
}

describe('MemoryStore', () => {
  it('holds as many entries as allowed and refuses one more, forgetting none', async () => {
    const store = new MemoryStore({ maxEntries: 100 });
    await fill(store, 100, 60);
    await expect(store.set('more', '1', 60)).rejects.toThrow(StorageError);
    await expect(store.add('more', '1', 60)).rejects.toThrow('holds 100 live entries');
    for (let i = 0; i < 100; i++) expect(await store.get(`60:${i}`)).toBe('value');
    expect(await store.get('more')).toBeUndefined();
  });

  it('still replaces, refuses to add and takes when it is full', async () => {
    const store = new MemoryStore({ maxEntries: 2 });
    await fill(store, 2, 60);
    await store.set('60:0', 'new', 60);
    expect(await store.add('60:0', 'newer', 60)).toBe(false);
    expect(await store.take('60:0')).toBe('new');
    expect(await store.add('other', '1', 60)).toBe(true);
  });

  it('makes room of all that expired, wherever it stands', async () => {
    const clock = new ManualClock();
    const store = new MemoryStore({ maxEntries: 100, clock });
    await fill(store, 50, 60);
    await fill(store, 50, 5);
    await expect(store.set('more', '1', 60)).rejects.toThrow(StorageError);
    clock.advance(5);
    expect(await roomIn(store)).toBe(50);
    clock.advance(55);
    expect(await roomIn(store)).toBe(50);
  });

  it('looks for expired entries with every write, so that they do not pile up', async () => {
    const clock = new ManualClock();
    const store = new MemoryStore({ maxEntries: 1000, clock });
    const purges = jest.spyOn(Map.prototype, Symbol.iterator);
    for (let i = 0; i < 20_000; i++) {
      if (i % 100 === 0) clock.advance(1);
      await store.set(`${i}`, '', 1);
    }
    // Of 20 000 entries 100 are live at a time; it never even seemed full.
    expect(purges).not.toHaveBeenCalled();
    purges.mockRestore();
  });

  it('does not search everything again for each write that it refuses', async () => {
    const clock = new ManualClock();
    const store = new MemoryStore({ maxEntries: 100, clock });
    await fill(store, 100, 60);
    const purges = jest.spyOn(Map.prototype, Symbol.iterator);
    for (let i = 0; i < 100; i++) await store.add(`more:${i}`, '', 60).catch(() => undefined);
    expect(purges).toHaveBeenCalledTimes(1);
    clock.advance(1);
    await expect(store.add('more', '', 60)).rejects.toThrow(StorageError);
    expect(purges).toHaveBeenCalledTimes(2);
    purges.mockRestore();
  });

  it('forgets an expired entry when it is asked for', async () => {
    const clock = new ManualClock();
    const store = new MemoryStore({ clock });
    await store.set('a', '1', 1);
    clock.advance(1);
    expect(await store.get('a')).toBeUndefined();
    // Even a clock that is put back does not bring it back.
    clock.advance(-1);
    expect(await store.get('a')).toBeUndefined();
  });

  it('has a development secret of its own', async () => {
    const [a, b] = [new MemoryStore(), new MemoryStore()];
    const secret = await a.developmentSecret();
    expect(await a.developmentSecret()).toBe(secret);
    expect(await b.developmentSecret()).not.toBe(secret);
    expect(SecretRing.issues([secret], 'secrets')).toEqual([]);
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses maxEntries of %p', (max) => {
    expect(() => new MemoryStore({ maxEntries: max })).toThrow(ConfigurationError);
    expect(() => new MemoryStore({ maxEntries: 1 })).not.toThrow();
  });
});
