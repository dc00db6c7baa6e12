import { describe, expect, it } from '@jest/globals';
import { FetchBudget, FetchBudgetExceeded, strangersBudget, usersBudget } from './fetch-budget.js';

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
    const budget = new FetchBudget(strangersBudget);
    await expect(budget.spend('a', () => Promise.resolve(1))).resolves.toBe(1);
    await expect(budget.spend('a', fails)).rejects.toThrow('no');
  });

  it('lets four of an origin run at a time', async () => {
    const budget = new FetchBudget(strangersBudget);
    const end = running(budget, ['a', 'a', 'a', 'a']);
    await expect(budget.spend('a', fails)).rejects.toThrow(FetchBudgetExceeded);
    await expect(budget.spend('b', async () => 1)).resolves.toBe(1);
    await end();
    await expect(budget.spend('a', async () => 1)).resolves.toBe(1);
  });

  it('lets twenty run at a time', async () => {
    const budget = new FetchBudget(strangersBudget);
    const origins = Array.from({ length: 20 }, (_, i) => `o${i % 5}`);
    const end = running(budget, origins);
    await expect(budget.spend('other', fails)).rejects.toThrow(FetchBudgetExceeded);
    await end();
    await expect(budget.spend('other', async () => 1)).resolves.toBe(1);
  });

  it('lets fifty run at a time for clients that are used, and four of an origin', async () => {
    const budget = new FetchBudget(usersBudget);
    const origins = Array.from({ length: 50 }, (_, i) => `o${i % 13}`);
    const end = running(budget, origins);
    await expect(budget.spend('o0', fails)).rejects.toThrow(FetchBudgetExceeded);
    await expect(budget.spend('other', fails)).rejects.toThrow(FetchBudgetExceeded);
    await end();
    await expect(budget.spend('o0', async () => 1)).resolves.toBe(1);
  });

  it('gives back what a failed fetch took, and holds nothing against its origin', async () => {
    const budget = new FetchBudget(strangersBudget);
    for (let i = 0; i < 100; i++) await expect(budget.spend('a', fails)).rejects.toThrow('no');
    await running(budget, ['a', 'a', 'a', 'a'])();
  });
});
