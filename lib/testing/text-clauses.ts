import assert from 'node:assert/strict';
import { StorageError } from '../common/errors.js';
import type { ContractClause } from './contract-case.js';

const ODD_TEXTS = [
  ' ',
  '\0',
  'a\0b',
  '\n\r\t',
  '"',
  "'; DROP TABLE entries; --",
  '`$(id)`',
  '{"a":1}',
  'a:b:c',
  '*',
  'a?[b-c]',
  '{tag}',
  '../../etc/passwd',
  '/',
  '\\',
  '%2e%2e%2f',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'undefined',
  '0',
  'é',
  'e\u0301',
  'ключ',
  '鍵',
  '🔑',
  '\ufeffbom',
  '\u202eright to left',
];

const LONG_TEXTS = ['a', 'é', '鍵'].map((text) => ({ text, bytes: Buffer.byteLength(text) }));

const BAD_KEYS = {
  empty: '',
  'too long': 'x'.repeat(201),
  'too long in UTF-8': '鍵'.repeat(67),
  'not well-formed': 'a\ud800',
};

/** Which texts may be keys and values. */
export const TEXT_CLAUSES: readonly ContractClause[] = [
  {
    name: 'keeps any well-formed text as a value',
    async holds({ store }) {
      for (const value of ODD_TEXTS) {
        await store.set('a', value, 60);
        assert.equal(await store.get('a'), value);
        assert.equal(await store.take('a'), value);
      }
    },
  },
  {
    name: 'keeps any well-formed text as a key, each for itself',
    async holds({ store }) {
      const keys = [...ODD_TEXTS, 'a', 'A', 'a ', 'aa', 'x'.repeat(199), 'x'.repeat(200)];
      for (const key of keys) assert.ok(await store.add(key, `v${key}`, 60), JSON.stringify(key));
      for (const key of keys) assert.equal(await store.get(key), `v${key}`);
      for (const key of keys) {
        assert.equal(await store.take(key), `v${key}`);
        assert.equal(await store.get(key), undefined);
      }
    },
  },
  {
    name: 'leaves all other keys alone',
    async holds({ store }) {
      const keys = ['a', 'a:', 'a:b', 'a:b:', 'b'];
      for (const key of keys) await store.set(key, key, 60);
      await store.delete('a');
      await store.take('a:b');
      const left = await Promise.all(keys.map((key) => store.get(key)));
      assert.deepEqual(left, [undefined, 'a:', undefined, 'a:b:', 'b']);
    },
  },
  ...LONG_TEXTS.map(
    ({ text, bytes }) =>
      ({
        name: `keeps 64 kB of text, of ${bytes}-byte characters`,
        async holds({ store }) {
          const value = text.repeat(65_536 / bytes);
          await store.set('a', value, 60);
          assert.equal(await store.get('a'), value);
          assert.equal(await store.add('b', value, 60), true);
          assert.equal(await store.take('b'), value);
        },
      }) satisfies ContractClause,
  ),
  ...Object.entries(BAD_KEYS).map(
    ([fault, key]) =>
      ({
        name: `refuses a key that is ${fault}`,
        async holds({ store }) {
          await assert.rejects(store.get(key), StorageError);
          await assert.rejects(store.set(key, '1', 60), StorageError);
          await assert.rejects(store.add(key, '1', 60), StorageError);
          await assert.rejects(store.take(key), StorageError);
          await assert.rejects(store.delete(key), StorageError);
        },
      }) satisfies ContractClause,
  ),
];
