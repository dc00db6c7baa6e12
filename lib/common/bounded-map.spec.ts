import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../test/support/manual-clock.js';
import { BoundedMap } from './bounded-map.js';

describe('BoundedMap', () => {
  const clock = new ManualClock();
  const newMap = (): BoundedMap<string, number> =>
    new BoundedMap({ maxEntries: 2, ttlSeconds: 10, clock });

  it('gives back what was set, the last of a key', () => {
    const map = newMap();
    map.set('a', 1);
    map.set('a', 2);
    expect([map.get('a'), map.get('b')]).toEqual([2, undefined]);
  });

  it('forgets the entry that was not used for longest when it is full', () => {
    const map = newMap();
    map.set('a', 1);
    map.set('b', 2);
    map.get('a');
    map.set('c', 3);
    expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([1, undefined, 3]);
  });

  it('replaces an entry without forgetting another', () => {
    const map = newMap();
    map.set('a', 1);
    map.set('b', 2);
    map.set('b', 3);
    expect([map.get('a'), map.get('b')]).toEqual([1, 3]);
  });

  it('ends an entry in its time, used or not', () => {
    const map = newMap();
    map.set('a', 1);
    clock.advance(9);
    expect(map.get('a')).toBe(1);
    clock.advance(1);
    expect(map.get('a')).toBeUndefined();
  });
});
