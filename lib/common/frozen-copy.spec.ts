import { describe, expect, it } from '@jest/globals';
import { frozenCopy, frozenOptions } from './frozen-copy.js';

describe('frozenCopy', () => {
  it('copies all the way down, so that the original may change', () => {
    const original = { list: [{ name: 'a' }], text: 'b', nothing: null };
    const copy = frozenCopy(original);
    expect(copy).toEqual({ list: [{ name: 'a' }], text: 'b', nothing: null });
    original.list[0] = { name: 'changed' };
    original.list.push({ name: 'added' });
    expect(copy.list).toEqual([{ name: 'a' }]);
  });

  it('freezes all the way down', () => {
    const copy = frozenCopy({ list: [{ name: 'a' }] });
    expect(() => copy.list.push({ name: 'b' })).toThrow(TypeError);
    expect(() => Object.assign(copy.list[0] ?? {}, { name: 'b' })).toThrow(TypeError);
    expect(() => Object.assign(copy, { more: 1 })).toThrow(TypeError);
  });

  it('keeps a member called __proto__ a member', () => {
    const copy = frozenCopy(JSON.parse('{"__proto__": {"admin": true}}') as { admin?: boolean });
    expect(copy.admin).toBeUndefined();
    expect(Object.keys(copy)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
  });

  it.each(['text', 1, true, null, undefined])('hands %p back', (value) => {
    expect(frozenCopy(value)).toBe(value);
  });
});

describe('frozenOptions', () => {
  it('copies lists and plain objects, and keeps what has a class', () => {
    class Store {
      open = true;
    }
    const call = (): void => {};
    const given = { list: ['a', { b: 1 }], map: { a: ['b'] }, store: new Store(), call, text: 't' };
    const kept = frozenOptions(given);
    expect(kept).toEqual(given);
    expect(kept.store).toBe(given.store);
    expect(kept.call).toBe(call);
    given.list.push('c');
    given.map.a.push('c');
    given.text = 'u';
    given.store.open = false;
    expect(kept).toMatchObject({ list: ['a', { b: 1 }], map: { a: ['b'] }, text: 't' });
    expect(kept.store.open).toBe(false);
  });
});
