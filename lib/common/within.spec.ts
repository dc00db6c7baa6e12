import { describe, expect, it } from '@jest/globals';
import { late, within } from './within.js';

const never = new Promise<never>(() => {});

describe('within', () => {
  it('answers with what comes in time', async () => {
    expect(await within(Promise.resolve(7), 10)).toBe(7);
    await expect(within(Promise.reject(new Error('no')), 10)).rejects.toThrow('no');
  });

  it('does not wait longer', async () => {
    expect(await within(never, 0)).toBe(late);
  });

  it('leaves no rejection behind that comes too late', async () => {
    let fail: (error: Error) => void = () => {};
    const failing = new Promise<never>((_resolve, reject) => (fail = reject));
    expect(await within(failing, 0)).toBe(late);
    fail(new Error('too late'));
    // An unhandled rejection would end the process here.
    await new Promise((resolve) => setImmediate(resolve));
  });
});
