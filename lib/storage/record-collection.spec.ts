import { beforeEach, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { StorageError } from '../common/errors.js';
import { hashSecret } from '../crypto/hash.js';
import { randomToken } from '../crypto/random.js';
import { Sealer } from '../crypto/sealer.js';
import { SecretRing } from '../crypto/secret-ring.js';
import { ManualClock } from '../../test/support/manual-clock.js';
import { KeyValueStore } from './key-value-store.js';
import { MemoryStore } from './memory.store.js';
import { RecordStore } from './record-collection.js';
import type { RecordCollection } from './record-collection.js';

interface Code {
  readonly subject: string;
}

/** A store whose content a test can see and change. Its own expiry is switched off. */
class OpenStore extends KeyValueStore {
  readonly entries = new Map<string, string>();
  ttls: number[] = [];

  async get(key: string): Promise<string | undefined> {
    return this.entries.get(key);
  }

  async set(key: string, value: string, ttlSeconds: number): Promise<void> {
    this.ttls.push(ttlSeconds);
    this.entries.set(key, value);
  }

  async add(key: string, value: string, ttlSeconds: number): Promise<boolean> {
    if (this.entries.has(key)) return false;
    await this.set(key, value, ttlSeconds);
    return true;
  }

  async take(key: string): Promise<string | undefined> {
    const value = this.entries.get(key);
    this.entries.delete(key);
    return value;
  }

  async delete(key: string): Promise<void> {
    this.entries.delete(key);
  }

  get only(): readonly [string, string] {
    const [entry, ...more] = this.entries;
    if (!entry || more.length > 0) throw new Error('not exactly one entry');
    return entry;
  }
}

const SECRET = randomToken();
const RECORD: Code = { subject: 'jane' };

function sealerOf(...secrets: string[]): Sealer {
  return new Sealer(new SecretRing(secrets));
}

describe('RecordCollection', () => {
  let store: OpenStore;
  let clock: ManualClock;
  let records: RecordStore;
  let codes: RecordCollection<Code>;

  beforeEach(() => {
    store = new OpenStore();
    clock = new ManualClock();
    records = new RecordStore(store, sealerOf(SECRET), clock, 'namespace');
    codes = records.collection<Code>('codes', 1);
  });

  it('keeps records: set, get, add, take, delete', async () => {
    await codes.set('a', RECORD, 60);
    expect(await codes.get('a')).toEqual(RECORD);
    expect(await codes.add('a', { subject: 'joe' }, 60)).toBe(false);
    expect(await codes.add('b', { subject: 'joe' }, 60)).toBe(true);
    expect(await codes.take('b')).toEqual({ subject: 'joe' });
    expect(await codes.take('b')).toBeUndefined();
    await codes.delete('a');
    expect(await codes.get('a')).toBeUndefined();
    expect(store.entries.size).toBe(0);
  });

  it('lets one of many takers have the record', async () => {
    const racing = new RecordStore(new MemoryStore(), sealerOf(SECRET), clock, 'n');
    const collection = racing.collection<Code>('codes', 1);
    await collection.set('a', RECORD, 60);
    const taken = await Promise.all(Array.from({ length: 50 }, () => collection.take('a')));
    expect(taken.filter((record) => record !== undefined)).toEqual([RECORD]);
  });

  it('gives back any JSON, also names that are special to objects', async () => {
    const json = '{"__proto__":{"admin":true},"constructor":1,"a":{"__proto__":null},"toJSON":2}';
    const odd = JSON.parse(json) as object;
    const collection = records.collection<object>('odd', 1);
    await collection.set('a', odd, 60);
    const back = await collection.get('a');
    expect(JSON.stringify(back)).toBe(json);
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    expect((back as { admin?: unknown }).admin).toBeUndefined();
    expect(({} as { admin?: unknown }).admin).toBeUndefined();

    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()),
        async (record) => {
          await collection.set('a', record, 60);
          expect(JSON.stringify(await collection.get('a'))).toBe(JSON.stringify(record));
        },
      ),
    );
  });

  it('shows the store neither id nor content', async () => {
    await codes.set('the-id', RECORD, 60);
    const [key, value] = store.only;
    expect(key).toMatch(/^codes:[A-Za-z0-9_-]{43}$/);
    expect(key).not.toContain(hashSecret('the-id'));
    expect(Buffer.from(value, 'base64url').includes('jane')).toBe(false);
    expect(`${key}${value}`).not.toMatch(/the-id|namespace|jane/);
  });

  it('keeps namespaces, collections and ids apart', async () => {
    const other = (namespace: string): RecordStore =>
      new RecordStore(store, sealerOf(SECRET), clock, namespace);
    const all = [
      codes,
      records.collection<Code>('code', 1),
      other('namespac').collection<Code>('codes', 1),
      other('').collection<Code>('codes', 1),
    ];
    const ids = ['', 'a', 'ea', 'namespacea', ':', '\ud800', '\ufffd'];
    for (const [i, collection] of all.entries()) {
      for (const id of ids) await collection.set(id, { subject: `${i}${id}` }, 60);
    }
    expect(store.entries.size).toBe(all.length * ids.length);
    for (const [i, collection] of all.entries()) {
      for (const id of ids) expect(await collection.get(id)).toEqual({ subject: `${i}${id}` });
    }
  });

  it('does not accept a record that was moved to another key, collection or namespace', async () => {
    await codes.set('a', RECORD, 60);
    const [, sealed] = store.only;
    await codes.set('b', RECORD, 60);
    const keyOfB = [...store.entries.keys()][1]!;
    store.entries.set(keyOfB, sealed);
    expect(await codes.get('b')).toBeUndefined();
    expect(await codes.get('a')).toEqual(RECORD);

    const others = [
      records.collection<Code>('tokens', 1),
      new RecordStore(store, sealerOf(SECRET), clock, 'other').collection<Code>('codes', 1),
    ];
    for (const other of others) {
      store.entries.clear();
      await other.set('a', RECORD, 60);
      store.entries.set(store.only[0], sealed);
      expect(await other.get('a')).toBeUndefined();
    }
  });

  it('does not accept a record of another namespace or collection under its own key', async () => {
    // As if the store's keys could be chosen: the seal alone tells them apart.
    await codes.set('a', RECORD, 60);
    const [key, sealed] = store.only;
    const sealer = sealerOf(SECRET);
    const same = (namespace: string, name: string): string =>
      [namespace, name, key].map((part) => `${part.length}:${JSON.stringify(part)}`).join('');
    expect(sealer.open(sealed, same('namespace', 'codes'))).toContain('jane');
    expect(sealer.open(sealed, same('namespace', 'code'))).toBeNull();
    expect(sealer.open(sealed, same('other', 'codes'))).toBeNull();
  });

  it.each(['altered', 'cut', 'plain JSON', 'empty'])('takes for absent what is %s', async (how) => {
    await codes.set('a', RECORD, 60);
    const [key, sealed] = store.only;
    const forged = {
      altered: `${sealed.slice(0, -5)}${sealed.at(-5) === 'A' ? 'B' : 'A'}${sealed.slice(-4)}`,
      cut: sealed.slice(0, -4),
      'plain JSON': JSON.stringify({ v: 1, e: clock.now() + 60, r: RECORD }),
      empty: '',
    }[how]!;
    store.entries.set(key, forged);
    expect(await codes.get('a')).toBeUndefined();
    expect(await codes.add('a', RECORD, 60)).toBe(false);
    expect(await codes.take('a')).toBeUndefined();
    expect(store.entries.size).toBe(0);
    expect(await codes.add('a', RECORD, 60)).toBe(true);
    expect(await codes.get('a')).toEqual(RECORD);
  });

  it.each([
    ['not JSON', '{'],
    ['no object', '"x"'],
    ['null', 'null'],
    ['without record', '{"v":1,"e":9999999999}'],
    ['with a record that is null', '{"v":1,"e":9999999999,"r":null}'],
    ['with a record that is text', '{"v":1,"e":9999999999,"r":"x"}'],
    ['without expiry', '{"v":1,"r":{}}'],
    ['with an expiry that is text', '{"v":1,"e":"9999999999","r":{}}'],
    ['without version', '{"e":9999999999,"r":{}}'],
    ['with all in the prototype', '{"__proto__":{"v":1,"e":9999999999,"r":{}}}'],
  ])('takes for absent a genuine seal of what is %s', async (_, text) => {
    await codes.set('a', RECORD, 60);
    const [key] = store.only;
    const data = ['namespace', 'codes', key]
      .map((part) => `${part.length}:${JSON.stringify(part)}`)
      .join('');
    store.entries.set(key, sealerOf(SECRET).seal(text, data));
    expect(await codes.get('a')).toBeUndefined();
    const good = '{"v":1,"e":9999999999,"r":{"subject":"x"}}';
    store.entries.set(key, sealerOf(SECRET).seal(good, data));
    expect(await codes.get('a')).toEqual({ subject: 'x' });
  });

  it('takes for absent a record of another version', async () => {
    await codes.set('a', RECORD, 60);
    expect(await records.collection<Code>('codes', 2).get('a')).toBeUndefined();
    expect(await records.collection<Code>('codes', 2).take('a')).toBeUndefined();
    await records.collection<Code>('codes', 2).set('a', RECORD, 60);
    expect(await codes.get('a')).toBeUndefined();
    expect(await records.collection<Code>('codes', 2).get('a')).toEqual(RECORD);
  });

  it('reads what an old secret sealed, and nothing of a forgotten one', async () => {
    await codes.set('a', RECORD, 60);
    const next = randomToken();
    const read = (sealer: Sealer): Promise<Code | undefined> =>
      new RecordStore(store, sealer, clock, 'namespace').collection<Code>('codes', 1).get('a');
    expect(await read(sealerOf(next, SECRET))).toEqual(RECORD);
    expect(await read(sealerOf(next))).toBeUndefined();
  });

  it('goes by its own expiry, even if the store keeps the entry longer', async () => {
    await codes.set('a', RECORD, 60);
    await codes.set('b', RECORD, 60);
    clock.advance(59);
    expect(await codes.get('a')).toEqual(RECORD);
    clock.advance(1);
    expect(await codes.get('a')).toBeUndefined();
    expect(await codes.take('b')).toBeUndefined();
  });

  it('rounds a time to live down, to one second at least', async () => {
    for (const ttl of [60.9, 1.5, 1, 0.2]) await codes.set('a', RECORD, ttl);
    expect(await codes.add('b', RECORD, 60.9)).toBe(true);
    expect(store.ttls).toEqual([60, 1, 1, 1, 60]);
    clock.advance(60);
    expect(await codes.get('b')).toBeUndefined();
  });

  it.each([0, -0.5, -60])('stores nothing when the time left is %p', async (ttl) => {
    await codes.set('a', RECORD, 60);
    expect(await codes.add('b', RECORD, ttl)).toBe(false);
    expect(await codes.get('b')).toBeUndefined();
    await codes.set('a', RECORD, ttl);
    expect(store.entries.size).toBe(0);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'refuses a time to live of %p',
    async (ttl) => {
      await expect(codes.set('a', RECORD, ttl)).rejects.toThrow(StorageError);
      await expect(codes.add('a', RECORD, ttl)).rejects.toThrow(StorageError);
      expect(store.entries.size).toBe(0);
    },
  );

  it('stores nothing of more than 256 kB', async () => {
    const fits = { subject: 'x'.repeat(190_000) };
    await codes.set('a', fits, 60);
    expect(await codes.get('a')).toEqual(fits);
    const tooLarge = { subject: 'x'.repeat(200_000) };
    await expect(codes.set('a', tooLarge, 60)).rejects.toThrow(StorageError);
    await expect(codes.add('b', tooLarge, 60)).rejects.toThrow('A record of codes has 26');
    expect(await codes.get('a')).toEqual(fits);
    expect(store.entries.size).toBe(1);
  });

  it('throws when the store fails, and never answers that nothing is there', async () => {
    class BrokenStore extends OpenStore {
      override async get(): Promise<string | undefined> {
        throw new StorageError('down');
      }

      override async take(): Promise<string | undefined> {
        throw new StorageError('down');
      }
    }
    const broken = new RecordStore(new BrokenStore(), sealerOf(SECRET), clock, 'namespace');
    const collection = broken.collection<Code>('codes', 1);
    await expect(collection.get('a')).rejects.toThrow('down');
    await expect(collection.take('a')).rejects.toThrow('down');
  });

  it('calls it a StorageError whatever the store throws', async () => {
    class OddStore extends OpenStore {
      override async get(): Promise<string | undefined> {
        throw new TypeError('connection lost');
      }

      override async set(): Promise<void> {
        throw new TypeError('connection lost');
      }

      override async add(): Promise<boolean> {
        throw new TypeError('connection lost');
      }

      override async take(): Promise<string | undefined> {
        throw new TypeError('connection lost');
      }

      override async delete(): Promise<void> {
        throw new TypeError('connection lost');
      }
    }
    const odd = new RecordStore(new OddStore(), sealerOf(SECRET), clock, 'namespace');
    const collection = odd.collection<Code>('codes', 1);
    for (const call of [
      () => collection.get('a'),
      () => collection.set('a', RECORD, 10),
      () => collection.add('a', RECORD, 10),
      () => collection.take('a'),
      () => collection.delete('a'),
    ]) {
      await expect(call()).rejects.toThrow('The store failed: connection lost');
      await expect(call()).rejects.toBeInstanceOf(StorageError);
    }
  });
});
