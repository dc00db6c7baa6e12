import assert from 'node:assert/strict';
import { RACERS } from './contract-case.js';
import type { ContractClause } from './contract-case.js';

/** What happens when many act at once. */
export const RACE_CLAUSES: readonly ContractClause[] = [
  {
    name: 'lets exactly one of many simultaneous adds succeed',
    async holds({ store }) {
      const won = await Promise.all(RACERS.map((i) => store.add('a', `${i}`, 60)));
      assert.equal(won.filter(Boolean).length, 1);
      assert.equal(await store.get('a'), `${won.indexOf(true)}`);
    },
  },
  {
    name: 'lets exactly one of many simultaneous takes have the value',
    async holds({ store }) {
      await store.set('a', '1', 60);
      const taken = await Promise.all(RACERS.map(() => store.take('a')));
      assert.deepEqual(taken.filter(isThere), ['1']);
    },
  },
  {
    name: 'lets exactly one of many simultaneous adds replace what has expired',
    async holds({ store, passTime }) {
      await store.set('a', '1', 1);
      await passTime(1);
      const won = await Promise.all(RACERS.map((i) => store.add('a', `${i}`, 60)));
      assert.equal(won.filter(Boolean).length, 1);
    },
  },
  {
    name: 'hands every added value to exactly one taker when both race',
    async holds({ store }) {
      const added: string[] = [];
      const taken: string[] = [];
      const add = async (i: number): Promise<void> => {
        if (await store.add('a', `${i}`, 60)) added.push(`${i}`);
      };
      const take = async (): Promise<void> => {
        const value = await store.take('a');
        if (value !== undefined) taken.push(value);
      };
      await Promise.all(RACERS.flatMap((i) => [add(i), take()]));
      await take();
      assert.ok(added.length > 0);
      assert.deepEqual(taken.sort(), added.sort());
    },
  },
  {
    name: 'hands out a set value once at most, and loses the last one never',
    async holds({ store }) {
      const operations = RACERS.flatMap((i) => [
        store.set('a', `${i}`, 60).then(() => undefined),
        store.take('a'),
        store.add('b', `${i}`, 60).then(() => undefined),
      ]);
      const taken = (await Promise.all(operations)).filter(isThere);
      const left = await store.take('a');
      const all = left === undefined ? taken : [...taken, left];
      assert.ok(all.length > 0);
      assert.equal(new Set(all).size, all.length);
      assert.equal(await store.take('a'), undefined);
    },
  },
  {
    name: 'does not mix up keys that are written at once',
    async holds({ store }) {
      await Promise.all(RACERS.map((i) => store.set(`k${i}`, `v${i}`, 60)));
      const values = await Promise.all(RACERS.map((i) => store.take(`k${i}`)));
      assert.deepEqual(
        values,
        RACERS.map((i) => `v${i}`),
      );
    },
  },
];

function isThere(value: string | undefined): value is string {
  return value !== undefined;
}
