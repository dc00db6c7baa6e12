import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { StorageError } from '../../lib/common/errors.js';
import type { KeyValueStore } from '../../lib/storage/key-value-store.js';
import { ManualClock } from '../support/manual-clock.js';

export interface ContractContext {
  /** The clock the store must go by, if it goes by one. */
  readonly clock: ManualClock;
}

export interface ContractOptions {
  /** Lets time pass for the store. @default moves the clock of the context */
  readonly passTime?: (context: ContractContext, seconds: number) => Promise<void> | void;
  /** How many simultaneous callers a race has. @default 50 */
  readonly racers?: number;
}

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

/**
 * What every `KeyValueStore` must do. The factory makes an empty store for each test;
 * the suite closes it.
 */
export function describeKeyValueStoreContract(
  name: string,
  factory: (context: ContractContext) => Promise<KeyValueStore>,
  options: ContractOptions = {},
): void {
  const passTime = options.passTime ?? ((context, seconds) => context.clock.advance(seconds));
  const racers = Array.from({ length: options.racers ?? 50 }, (_, i) => i);

  describe(`${name} keeps the KeyValueStore contract:`, () => {
    let context: ContractContext;
    let store: KeyValueStore;

    beforeEach(async () => {
      context = { clock: new ManualClock() };
      store = await factory(context);
    });

    afterEach(async () => {
      await store.close?.();
    });

    describe('entries', () => {
      it('has nothing at first', async () => {
        expect(await store.get('a')).toBeUndefined();
        expect(await store.take('a')).toBeUndefined();
        await expect(store.delete('a')).resolves.toBeUndefined();
      });

      it('gives back what was set, as often as asked', async () => {
        await store.set('a', '1', 60);
        expect(await store.get('a')).toBe('1');
        expect(await store.get('a')).toBe('1');
      });

      it('replaces by set', async () => {
        await store.set('a', '1', 60);
        await store.set('a', '2', 60);
        expect(await store.get('a')).toBe('2');
      });

      it('adds only where nothing is', async () => {
        expect(await store.add('a', '1', 60)).toBe(true);
        expect(await store.add('a', '2', 60)).toBe(false);
        expect(await store.get('a')).toBe('1');
        await store.set('b', '1', 60);
        expect(await store.add('b', '2', 60)).toBe(false);
        expect(await store.get('b')).toBe('1');
      });

      it('takes once', async () => {
        await store.set('a', '1', 60);
        expect(await store.take('a')).toBe('1');
        expect(await store.take('a')).toBeUndefined();
        expect(await store.get('a')).toBeUndefined();
      });

      it('deletes', async () => {
        await store.set('a', '1', 60);
        await store.delete('a');
        expect(await store.get('a')).toBeUndefined();
        expect(await store.take('a')).toBeUndefined();
      });

      it('adds again after take and after delete', async () => {
        await store.add('a', '1', 60);
        await store.take('a');
        expect(await store.add('a', '2', 60)).toBe(true);
        await store.delete('a');
        expect(await store.add('a', '3', 60)).toBe(true);
        expect(await store.get('a')).toBe('3');
      });

      it('keeps the empty value apart from no value', async () => {
        await store.set('a', '', 60);
        expect(await store.get('a')).toBe('');
        expect(await store.add('a', '1', 60)).toBe(false);
        expect(await store.take('a')).toBe('');
        expect(await store.take('a')).toBeUndefined();
      });
    });

    describe('keys and values', () => {
      it('keeps any well-formed text as a value', async () => {
        for (const value of ODD_TEXTS) {
          await store.set('a', value, 60);
          expect(await store.get('a')).toBe(value);
          expect(await store.take('a')).toBe(value);
        }
      });

      it('keeps any well-formed text as a key, each for itself', async () => {
        const keys = [...ODD_TEXTS, 'a', 'A', 'a ', 'aa', 'x'.repeat(199), 'x'.repeat(200)];
        for (const key of keys)
          expect([key, await store.add(key, `v${key}`, 60)]).toEqual([key, true]);
        for (const key of keys) expect(await store.get(key)).toBe(`v${key}`);
        for (const key of keys) {
          expect(await store.take(key)).toBe(`v${key}`);
          expect(await store.get(key)).toBeUndefined();
        }
      });

      it('leaves all other keys alone', async () => {
        const keys = ['a', 'a:', 'a:b', 'a:b:', 'b'];
        for (const key of keys) await store.set(key, key, 60);
        await store.delete('a');
        await store.take('a:b');
        const left = await Promise.all(keys.map((key) => store.get(key)));
        expect(left).toEqual([undefined, 'a:', undefined, 'a:b:', 'b']);
      });

      it.each([1, 2, 3])('keeps 64 kB of text, of %i-byte characters', async (bytes) => {
        const value = (['a', 'é', '鍵'][bytes - 1] ?? '').repeat(65_536 / bytes);
        await store.set('a', value, 60);
        expect(await store.get('a')).toBe(value);
        expect(await store.add('b', value, 60)).toBe(true);
        expect(await store.take('b')).toBe(value);
      });

      it.each([
        ['empty', ''],
        ['too long', 'x'.repeat(201)],
        ['too long in UTF-8', '鍵'.repeat(67)],
        ['not well-formed', 'a\ud800'],
      ])('refuses a key that is %s', async (_, key) => {
        await expect(store.get(key)).rejects.toThrow(StorageError);
        await expect(store.set(key, '1', 60)).rejects.toThrow(StorageError);
        await expect(store.add(key, '1', 60)).rejects.toThrow(StorageError);
        await expect(store.take(key)).rejects.toThrow(StorageError);
        await expect(store.delete(key)).rejects.toThrow(StorageError);
      });
    });

    describe('time', () => {
      it('keeps an entry for its time to live, and no longer', async () => {
        await store.set('set', '1', 3);
        await store.add('add', '1', 3);
        await passTime(context, 1);
        expect([await store.get('set'), await store.get('add')]).toEqual(['1', '1']);
        await passTime(context, 2);
        expect([await store.get('set'), await store.get('add')]).toEqual([undefined, undefined]);
      });

      it('never takes what has expired', async () => {
        await store.set('a', '1', 1);
        await store.set('b', '1', 60);
        await passTime(context, 1);
        expect(await store.take('a')).toBeUndefined();
        expect(await store.take('b')).toBe('1');
      });

      it('adds where something has expired', async () => {
        await store.set('a', '1', 1);
        await passTime(context, 1);
        expect(await store.add('a', '2', 60)).toBe(true);
        expect(await store.get('a')).toBe('2');
      });

      it('counts anew from the last set', async () => {
        await store.set('longer', '1', 1);
        await store.set('longer', '2', 60);
        await store.set('shorter', '1', 60);
        await store.set('shorter', '2', 1);
        await passTime(context, 1);
        expect([await store.get('longer'), await store.get('shorter')]).toEqual(['2', undefined]);
      });

      it('is not given more time by an add that fails', async () => {
        await store.add('a', '1', 1);
        expect(await store.add('a', '2', 60)).toBe(false);
        await passTime(context, 1);
        expect(await store.get('a')).toBeUndefined();
      });

      it('knows times to live of years', async () => {
        await store.set('a', '1', 10 * 366 * 86_400);
        await passTime(context, 1);
        expect(await store.get('a')).toBe('1');
      });

      it.each([0, -1, 0.5, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])(
        'refuses a time to live of %p',
        async (ttl) => {
          await expect(store.set('a', '1', ttl)).rejects.toThrow(StorageError);
          await expect(store.add('a', '1', ttl)).rejects.toThrow(StorageError);
          expect(await store.get('a')).toBeUndefined();
        },
      );
    });

    describe('races', () => {
      it('lets exactly one of many simultaneous adds succeed', async () => {
        const won = await Promise.all(racers.map((i) => store.add('a', `${i}`, 60)));
        expect(won.filter(Boolean)).toHaveLength(1);
        expect(await store.get('a')).toBe(`${won.indexOf(true)}`);
      });

      it('lets exactly one of many simultaneous takes have the value', async () => {
        await store.set('a', '1', 60);
        const taken = await Promise.all(racers.map(() => store.take('a')));
        expect(taken.filter((value) => value !== undefined)).toEqual(['1']);
      });

      it('lets exactly one of many simultaneous adds replace what has expired', async () => {
        await store.set('a', '1', 1);
        await passTime(context, 1);
        const won = await Promise.all(racers.map((i) => store.add('a', `${i}`, 60)));
        expect(won.filter(Boolean)).toHaveLength(1);
      });

      it('hands every added value to exactly one taker when both race', async () => {
        const added: string[] = [];
        const taken: string[] = [];
        const add = async (i: number): Promise<void> => {
          if (await store.add('a', `${i}`, 60)) added.push(`${i}`);
        };
        const take = async (): Promise<void> => {
          const value = await store.take('a');
          if (value !== undefined) taken.push(value);
        };
        await Promise.all(racers.flatMap((i) => [add(i), take()]));
        await take();
        expect(added.length).toBeGreaterThan(0);
        expect(taken.sort()).toEqual(added.sort());
      });

      it('hands out a set value once at most, and loses the last one never', async () => {
        const taken: string[] = [];
        const operations = racers.flatMap((i) => [
          store.set('a', `${i}`, 60).then(() => undefined),
          store.take('a'),
          store.add('b', `${i}`, 60).then(() => undefined),
        ]);
        for (const value of await Promise.all(operations))
          if (value !== undefined) taken.push(value);
        const left = await store.take('a');
        expect(new Set(taken).size).toBe(taken.length);
        if (left !== undefined) expect(taken).not.toContain(left);
        expect(taken.length + (left === undefined ? 0 : 1)).toBeGreaterThan(0);
        expect(await store.take('a')).toBeUndefined();
      });

      it('does not mix up keys that are written at once', async () => {
        await Promise.all(racers.map((i) => store.set(`k${i}`, `v${i}`, 60)));
        const values = await Promise.all(racers.map((i) => store.take(`k${i}`)));
        expect(values).toEqual(racers.map((i) => `v${i}`));
      });
    });

    describe('the end', () => {
      it('may be closed more than once', async () => {
        await store.set('a', '1', 60);
        await store.close?.();
        await expect(Promise.resolve(store.close?.())).resolves.toBeUndefined();
      });
    });
  });
}
