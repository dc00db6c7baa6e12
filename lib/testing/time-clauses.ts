import assert from 'node:assert/strict';
import { StorageError } from '../common/errors.js';
import type { ContractClause } from './contract-case.js';

const BAD_TIMES = [0, -1, 0.5, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53];

/** How long entries live. */
export const TIME_CLAUSES: readonly ContractClause[] = [
  {
    name: 'keeps an entry for its time to live, and no longer',
    async holds({ store, passTime }) {
      await store.set('set', '1', 3);
      await store.add('add', '1', 3);
      await passTime(1);
      assert.deepEqual([await store.get('set'), await store.get('add')], ['1', '1']);
      await passTime(2);
      assert.deepEqual([await store.get('set'), await store.get('add')], [undefined, undefined]);
    },
  },
  {
    name: 'never takes what has expired',
    async holds({ store, passTime }) {
      await store.set('a', '1', 1);
      await store.set('b', '1', 60);
      await passTime(1);
      assert.equal(await store.take('a'), undefined);
      assert.equal(await store.take('b'), '1');
    },
  },
  {
    name: 'adds where something has expired',
    async holds({ store, passTime }) {
      await store.set('a', '1', 1);
      await passTime(1);
      assert.equal(await store.add('a', '2', 60), true);
      assert.equal(await store.get('a'), '2');
    },
  },
  {
    name: 'counts anew from the last set',
    async holds({ store, passTime }) {
      await store.set('longer', '1', 1);
      await store.set('longer', '2', 60);
      await store.set('shorter', '1', 60);
      await store.set('shorter', '2', 1);
      await passTime(1);
      assert.deepEqual([await store.get('longer'), await store.get('shorter')], ['2', undefined]);
    },
  },
  {
    name: 'is not given more time by an add that fails',
    async holds({ store, passTime }) {
      await store.add('a', '1', 1);
      assert.equal(await store.add('a', '2', 60), false);
      await passTime(1);
      assert.equal(await store.get('a'), undefined);
    },
  },
  {
    name: 'knows times to live of years',
    async holds({ store, passTime }) {
      await store.set('a', '1', 10 * 366 * 86_400);
      await passTime(1);
      assert.equal(await store.get('a'), '1');
    },
  },
  ...BAD_TIMES.map(
    (ttl) =>
      ({
        name: `refuses a time to live of ${ttl}`,
        async holds({ store }) {
          await assert.rejects(store.set('a', '1', ttl), StorageError);
          await assert.rejects(store.add('a', '1', ttl), StorageError);
          assert.equal(await store.get('a'), undefined);
        },
      }) satisfies ContractClause,
  ),
];
