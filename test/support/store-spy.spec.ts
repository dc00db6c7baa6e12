import { describe, expect, it } from '@jest/globals';
import { KeyValueStore } from '../../lib/storage/key-value-store.js';
import { ManualClock } from './manual-clock.js';
import { StoreSpy } from './store-spy.js';

class MapStore extends KeyValueStore {
  readonly entries = new Map<string, string>();

  async get(key: string): Promise<string | undefined> {
    return this.entries.get(key);
  }

  async set(key: string, value: string): Promise<void> {
    this.entries.set(key, value);
  }

  async add(key: string, value: string): Promise<boolean> {
    const isNew = !this.entries.has(key);
    if (isNew) this.entries.set(key, value);
    return isNew;
  }

  async take(key: string): Promise<string | undefined> {
    const value = this.entries.get(key);
    this.entries.delete(key);
    return value;
  }

  async delete(key: string): Promise<void> {
    this.entries.delete(key);
  }
}

describe('StoreSpy', () => {
  it('passes everything on and remembers what was written', async () => {
    const spy = new StoreSpy(new MapStore());
    await spy.set('a', 'secret-value', 5);
    expect(await spy.add('a', 'other', 5)).toBe(false);
    expect(await spy.add('b', 'x', 5)).toBe(true);
    const before = spy.snapshot();
    expect(await spy.get('a')).toBe('secret-value');
    expect(spy.snapshot()).toBe(before);
    expect(await spy.take('a')).toBe('secret-value');
    expect(await spy.take('a')).toBeUndefined();
    expect(spy.snapshot()).not.toBe(before);
    expect(spy.live()).toEqual([{ key: 'b', value: 'x', ttlSeconds: 5 }]);
    expect(spy.dump().map(({ key }) => key)).toEqual(['a', 'b']);
    expect(spy.contains('secret-value')).toBe(true);
    expect(spy.contains('other')).toBe(false);
    expect(spy.counts).toEqual({ get: 1, set: 1, add: 2, take: 2, delete: 0 });
  });

  it('fails once for each failure that was ordered', async () => {
    const spy = new StoreSpy(new MapStore());
    spy.failNext('get');
    spy.failNext('take', new Error('special'));
    await expect(spy.get('a')).rejects.toThrow('the store is down');
    await expect(spy.get('a')).resolves.toBeUndefined();
    await expect(spy.take('a')).rejects.toThrow('special');
  });

  it('holds calls until they are released, before the inner store sees them', async () => {
    const inner = new MapStore();
    const spy = new StoreSpy(inner);
    await spy.set('a', '1', 5);
    const held = spy.hold('take');
    const racers = Promise.all([spy.take('a'), spy.take('a')]);
    await held.arrived(2);
    expect(inner.entries.has('a')).toBe(true);
    held.release();
    expect((await racers).filter((value) => value !== undefined)).toEqual(['1']);
    await expect(spy.take('a')).resolves.toBeUndefined();
  });

  it('fails and holds calls for some keys alone', async () => {
    const spy = new StoreSpy(new MapStore());
    spy.failNext('set', undefined, 'code:');
    await spy.set('grant:1', 'x', 5);
    await expect(spy.set('code:1', 'x', 5)).rejects.toThrow('the store is down');
    const held = spy.hold('get', 'code:');
    const waiting = spy.get('code:1');
    expect(await spy.get('grant:1')).toBe('x');
    await held.arrived(1);
    held.release();
    expect(await waiting).toBeUndefined();
  });
});

describe('ManualClock', () => {
  it('moves only when it is told to', () => {
    const clock = new ManualClock(100);
    clock.advance(5);
    expect(clock.now()).toBe(105);
    clock.set(7);
    expect(clock.now()).toBe(7);
  });
});
