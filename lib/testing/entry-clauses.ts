import assert from 'node:assert/strict';
import type { ContractClause } from './contract-case.js';

/** What becomes of entries that are set, added, taken and deleted. */
export const ENTRY_CLAUSES: readonly ContractClause[] = [
  {
    name: 'has nothing at first',
    async holds({ store }) {
      assert.equal(await store.get('a'), undefined);
      assert.equal(await store.take('a'), undefined);
      assert.equal(await store.delete('a'), undefined);
    },
  },
  {
    name: 'gives back what was set, as often as asked',
    async holds({ store }) {
      await store.set('a', '1', 60);
      assert.equal(await store.get('a'), '1');
      assert.equal(await store.get('a'), '1');
    },
  },
  {
    name: 'replaces by set',
    async holds({ store }) {
      await store.set('a', '1', 60);
      await store.set('a', '2', 60);
      assert.equal(await store.get('a'), '2');
    },
  },
  {
    name: 'adds only where nothing is',
    async holds({ store }) {
      assert.equal(await store.add('a', '1', 60), true);
      assert.equal(await store.add('a', '2', 60), false);
      assert.equal(await store.get('a'), '1');
      await store.set('b', '1', 60);
      assert.equal(await store.add('b', '2', 60), false);
      assert.equal(await store.get('b'), '1');
    },
  },
  {
    name: 'takes once',
    async holds({ store }) {
      await store.set('a', '1', 60);
      assert.equal(await store.take('a'), '1');
      assert.equal(await store.take('a'), undefined);
      assert.equal(await store.get('a'), undefined);
    },
  },
  {
    name: 'deletes',
    async holds({ store }) {
      await store.set('a', '1', 60);
      await store.delete('a');
      assert.equal(await store.get('a'), undefined);
      assert.equal(await store.take('a'), undefined);
    },
  },
  {
    name: 'adds again after take and after delete',
    async holds({ store }) {
      await store.add('a', '1', 60);
      await store.take('a');
      assert.equal(await store.add('a', '2', 60), true);
      await store.delete('a');
      assert.equal(await store.add('a', '3', 60), true);
      assert.equal(await store.get('a'), '3');
    },
  },
  {
    name: 'keeps the empty value apart from no value',
    async holds({ store }) {
      await store.set('a', '', 60);
      assert.equal(await store.get('a'), '');
      assert.equal(await store.add('a', '1', 60), false);
      assert.equal(await store.take('a'), '');
      assert.equal(await store.take('a'), undefined);
    },
  },
  {
    name: 'may be closed more than once',
    async holds({ store }) {
      await store.set('a', '1', 60);
      await store.close?.();
      assert.equal(await store.close?.(), undefined);
    },
  },
];
