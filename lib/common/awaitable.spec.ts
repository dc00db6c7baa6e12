import { describe, expect, it } from '@jest/globals';
import { isPromise } from './awaitable.js';

class OtherPromise extends Promise<number> {}

describe('isPromise', () => {
  it.each<[string, unknown]>([
    ['a promise', Promise.resolve(1)],
    ['a promise of another class', new OtherPromise((resolve) => resolve(1))],
  ])('knows %s', (_what, value) => {
    expect(isPromise(value)).toBe(true);
  });

  it.each([undefined, null, 0, 'then', {}, () => undefined])('takes %p for a value', (value) => {
    expect(isPromise(value)).toBe(false);
  });
});
