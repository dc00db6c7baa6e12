import { expect } from '@jest/globals';
import { raceInProcesses } from '../../lib/testing.js';

const typescript = ['--import', new URL('./ts-loader.mjs', import.meta.url).href];

/** Four processes race for the store that the module of `test/contracts` makes: 20,000 attempts each way. */
export async function expectEachKeyOnce(storeModule: string, argument: string): Promise<void> {
  const url = new URL(`../contracts/${storeModule}`, import.meta.url);
  const report = await raceInProcesses({ storeModule: url, argument, execArgv: typescript });
  const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b);
  expect([report.keys, sum(report.added), sum(report.taken)]).toEqual([5000, 5000, 5000]);
  // It was a race: nobody had it for himself.
  expect(report.added.filter((count) => count > 0).length).toBeGreaterThan(1);
}
