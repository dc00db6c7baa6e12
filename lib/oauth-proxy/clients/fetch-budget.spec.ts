import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { FetchBudget, FetchBudgetExceeded } from './fetch-budget.js';

const clock = new ManualClock();
const fails = (): Promise<never> => Promise.reject(new Error('no'));

/** Fetches that end when they are told to. */
function running(budget: FetchBudget, origins: readonly string[]) {
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const all = Promise.all(origins.map((origin) => budget.spend(origin, () => ended)));
  return async (): Promise<void> => {
    end();
    await all;
  };
}

describe('FetchBudget', () => {
  it('gives what the fetch gives', async () => {
    const budget = new FetchBudget(clock);
    await expect(budget.spend('a', () => Promise.resolve(1))).resolves.toBe(1);
    await expect(budget.spend('a', fails)).rejects.toThrow('no');
  });

  it('lets four of an origin run at a time', async () => {
    const budget = new FetchBudget(clock);
    const end = running(budget, ['a', 'a', 'a', 'a']);
    await expect(budget.spend('a', fails)).rejects.toThrow(FetchBudgetExceeded);
    await expect(budget.spend('b', async () => 1)).resolves.toBe(1);
    await end();
    await expect(budget.spend('a', async () => 1)).resolves.toBe(1);
  });

  it('lets twenty run at a time', async () => {
    const budget = new FetchBudget(clock);
    const origins = Array.from({ length: 20 }, (_, i) => `o${i % 5}`);
    const end = running(budget, origins);
    await expect(budget.spend('other', fails)).rejects.toThrow(FetchBudgetExceeded);
    await end();
    await expect(budget.spend('other', async () => 1)).resolves.toBe(1);
  });

  it('gives back what a failed fetch took', async () => {
    const budget = new FetchBudget(clock);
    for (let i = 0; i < 25; i++) await expect(budget.spend('a', fails)).rejects.toThrow('no');
    await running(budget, ['a', 'a', 'a', 'a'])();
  });

  it('leaves an origin alone after thirty failures in a minute, and no other', async () => {
    const budget = new FetchBudget(clock);
    for (let i = 0; i < 30; i++) {
      await expect(budget.spend('a', fails)).rejects.toThrow('no');
      await expect(budget.spend('good', async () => 1)).resolves.toBe(1);
      clock.advance(1);
    }
    await expect(budget.spend('a', async () => 1)).rejects.toThrow(FetchBudgetExceeded);
    await expect(budget.spend('good', async () => 1)).resolves.toBe(1);
    // The minute began with the first failure.
    clock.advance(29);
    await expect(budget.spend('a', async () => 1)).rejects.toThrow(FetchBudgetExceeded);
    clock.advance(1);
    await expect(budget.spend('a', async () => 1)).resolves.toBe(1);
  });
});
