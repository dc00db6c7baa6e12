import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { StorageError } from '../../lib/common/errors.js';
import { randomToken } from '../../lib/crypto/random.js';
import { Sealer } from '../../lib/crypto/sealer.js';
import { SecretRing } from '../../lib/crypto/secret-ring.js';
import { LmdbStore } from '../../lib/storage/lmdb.store.js';
import { RecordStore } from '../../lib/storage/record-collection.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectEachKeyOnce } from '../support/race.js';
import { describeKeyValueStoreContract } from './key-value-store.contract.js';

const FOLDERS: string[] = [];

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lmdb-store-'));
  FOLDERS.push(folder);
  // One that does not exist yet: the store makes it.
  return join(folder, 'made', 'by-the.store');
}

afterAll(async () => {
  for (const folder of FOLDERS) await rm(folder, { recursive: true, force: true });
});

describeKeyValueStoreContract(
  'LmdbStore',
  async ({ clock }) => new LmdbStore({ path: await newFolder(), clock }),
);

describe('LmdbStore', () => {
  let folder: string;
  let clock: ManualClock;
  let store: LmdbStore;

  beforeEach(async () => {
    folder = await newFolder();
    clock = new ManualClock();
    store = new LmdbStore({ path: folder, clock });
  });

  afterEach(async () => {
    await store.close();
  });

  it('makes its folder for its owner alone, when first used', async () => {
    await expect(stat(folder)).rejects.toThrow('ENOENT');
    await store.set('a', '1', 60);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(await readdir(folder)).toContain('data.mdb');
  });

  it('keeps its entries and their times through close and reopen', async () => {
    await store.set('a', '1', 60);
    await store.set('b', '1', 120);
    await store.close();
    clock.advance(60);
    store = new LmdbStore({ path: folder, clock });
    expect(await store.get('a')).toBeUndefined();
    expect(await store.get('b')).toBe('1');
  });

  it('can be closed and opened many times in one process', async () => {
    for (let i = 0; i < 20; i++) {
      const again = new LmdbStore({ path: folder, clock });
      expect(await again.add(`${i}`, '1', 60)).toBe(true);
      expect(await again.get(`${i - 1}`)).toBe(i === 0 ? undefined : '1');
      await Promise.all([again.close(), again.close()]);
    }
  });

  it('finishes what is under way before it closes', async () => {
    const adds = Array.from({ length: 200 }, (_, i) => store.add(`${i}`, '1', 60));
    await store.close();
    expect((await Promise.all(adds)).every(Boolean)).toBe(true);
    store = new LmdbStore({ path: folder, clock });
    expect(await store.get('199')).toBe('1');
  });

  it('refuses to be used after it was closed, whether it was ever used or not', async () => {
    await store.close();
    await expect(store.get('a')).rejects.toThrow(StorageError);
    await expect(store.add('a', '1', 60)).rejects.toThrow('The LmdbStore is closed.');
    await expect(stat(folder)).rejects.toThrow('ENOENT');
  });

  it('shares its folder with another store in the same process', async () => {
    const other = new LmdbStore({ path: `${folder}/../by-the.store/`, clock });
    const stores = [store, other];
    for (let i = 0; i < 50; i++) {
      const [writer, reader] = i % 2 ? [store, other] : [other, store];
      await reader.get('a');
      await writer.set('a', `${i}`, 60);
      expect(await reader.get('a')).toBe(`${i}`);
    }
    const adds = Array.from({ length: 100 }, (_, i) => stores[i % 2]!.add('b', `${i}`, 60));
    expect((await Promise.all(adds)).filter(Boolean)).toHaveLength(1);
    const takes = Array.from({ length: 100 }, (_, i) => stores[i % 2]!.take('b'));
    expect((await Promise.all(takes)).filter((value) => value !== undefined)).toHaveLength(1);
    await other.close();
    expect(await store.get('a')).toBe('49');
    await store.set('a', 'still', 60);
    expect(await store.take('a')).toBe('still');
  });

  it('sees what another store wrote even within one turn of the event loop', async () => {
    const other = new LmdbStore({ path: folder, clock });
    await other.set('a', 'old', 60);
    await store.get('a');
    const read = store.get('a');
    const written = other.set('a', 'new', 60).then(() => store.get('a'));
    expect(await read).toBe('old');
    expect(await written).toBe('new');
    await other.close();
  });

  it('drops expired entries while others are written', async () => {
    for (let i = 0; i < 1000; i++) void store.set(`short:${i}`, `MARK-SHORT`, 10);
    await store.set('long', '1', 1000);
    const before = await countEntries(folder);
    clock.advance(10);
    for (let i = 0; i < 1000; i++) void store.set(`other:${i}`, '1', 1000);
    await store.set('last', '1', 1000);
    await store.close();
    expect(before).toBe(1001);
    expect(await countEntries(folder)).toBe(1002);
    store = new LmdbStore({ path: folder, clock });
    expect(await store.get('long')).toBe('1');
  });

  it('tells a fault as a StorageError, and works once the fault is gone', async () => {
    const file = join(FOLDERS.at(-1)!, 'file');
    await writeFile(file, '');
    const broken = new LmdbStore({ path: join(file, 'folder'), clock });
    const error = await broken.get('a').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StorageError);
    expect((error as StorageError).message).toContain(`The LmdbStore in ${file}/folder failed`);
    expect((error as StorageError).cause).toHaveProperty('code', 'ENOTDIR');
    await expect(broken.take('a')).rejects.toThrow(StorageError);
    await expect(broken.developmentSecret()).rejects.toThrow(StorageError);
    await rm(file);
    await broken.set('a', '1', 60);
    expect(await broken.get('a')).toBe('1');
    await broken.close();
  });
});

describe('LmdbStore.developmentSecret', () => {
  it('is one secret a folder, in a file for its owner alone', async () => {
    const folder = await newFolder();
    const [a, b, c] = [1, 2, 3].map(() => new LmdbStore({ path: folder }));
    const secrets = await Promise.all([a, a, b, b, c].map((store) => store!.developmentSecret()));
    expect(new Set(secrets).size).toBe(1);
    expect(SecretRing.issues([secrets[0]], 'secrets')).toEqual([]);
    expect((await stat(join(folder, 'secret'))).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(await readdir(folder)).toEqual(['secret']);
    await Promise.all([a, b, c].map((store) => store!.close()));
    expect(await new LmdbStore({ path: folder }).developmentSecret()).toBe(secrets[0]);
    const other = new LmdbStore({ path: await newFolder() });
    expect(await other.developmentSecret()).not.toBe(secrets[0]);
  });

  it.each(['', 'too short'])('does not use a file that holds %j', async (content) => {
    const folder = await newFolder();
    const store = new LmdbStore({ path: folder });
    await store.developmentSecret();
    await writeFile(join(folder, 'secret'), content);
    await expect(store.developmentSecret()).rejects.toThrow('does not hold a secret');
  });
});

describe('the files of an LmdbStore', () => {
  it('show nothing of what a RecordCollection stores', async () => {
    const folder = await newFolder();
    const store = new LmdbStore({ path: folder });
    const secret = randomToken();
    const sealer = new Sealer(new SecretRing([secret]));
    const records = new RecordStore(store, sealer, new ManualClock(), 'the-namespace');
    const collection = records.collection<{ token: string; mail: string }>('codes', 1);
    const hidden = ['the-namespace', 'the-id-of-it', 'upstream-token', 'jane@example.com', secret];
    for (let i = 0; i < 50; i++) {
      await collection.set(`the-id-of-it:${i}`, { token: 'upstream-token', mail: hidden[3]! }, 60);
    }
    for (let i = 0; i < 25; i++) await collection.take(`the-id-of-it:${i}`);
    await store.set('plain', 'this text is stored as it is', 60);
    await store.close();

    const files = await Promise.all(
      (await readdir(folder)).map((name) => readFile(join(folder, name))),
    );
    const dump = Buffer.concat(files);
    // The positive twin: what is not sealed is found.
    expect(dump.includes('this text is stored as it is')).toBe(true);
    expect(dump.includes('codes:')).toBe(true);
    for (const text of hidden) {
      for (let skip = 0; skip < 3; skip++) {
        const encoded = Buffer.from(text.slice(skip)).toString('base64url').slice(0, -2);
        expect([encoded, dump.includes(encoded)]).toEqual([encoded, false]);
      }
      expect([text, dump.includes(text)]).toEqual([text, false]);
      expect([text, dump.includes(Buffer.from(text).toString('hex'))]).toEqual([text, false]);
    }
  });
});

describe('several processes with one LmdbStore', () => {
  it('get each key exactly once', async () => {
    await expectEachKeyOnce('lmdb.factory.ts', await newFolder());
  });

  it('agree on the development secret', async () => {
    const secrets = await race(await newFolder(), 'secret');
    expect(new Set(secrets).size).toBe(1);
    expect(secrets[0]).toHaveLength(43);
  });
});

describe('a process with an LmdbStore', () => {
  it('loses no resolved write when it is killed', async () => {
    const folder = await newFolder();
    const child = new Child(folder, 'write-until-killed');
    await child.ready();
    child.go();
    while (child.lines.length < 200) await once(child.process.stdout!, 'data');
    child.process.kill('SIGKILL');
    await child.ended;
    const store = new LmdbStore({ path: folder });
    // The last line may be cut.
    const acknowledged = child.lines.slice(1, -1).map(Number);
    expect(acknowledged.length).toBeGreaterThan(100);
    for (const i of acknowledged) expect(await store.get(`key:${i}`)).toBe(`value ${i}`);
    expect(await store.add('after', '1', 60)).toBe(true);
    await store.close();
  });

  it('ends by itself although the store was not closed', async () => {
    const child = new Child(await newFolder(), 'leave-open');
    expect(await child.result()).toBe('written');
  });

  it('is told which package to install when lmdb is missing', async () => {
    const child = new Child(await newFolder(), 'without-lmdb');
    expect(await child.result()).toEqual([
      'ConfigurationError',
      'ERR_MULTI_AUTH_CONFIGURATION',
      expect.stringContaining('npm install lmdb'),
    ]);
  });
});

describe('the declarations of LmdbStore', () => {
  it('do not name the optional package', async () => {
    const out = join(await newFolder(), 'types');
    const compiler = join(import.meta.dirname, '../../node_modules/.bin/tsc');
    const options = ['-p', 'tsconfig.build.json', '--outDir', out, '--emitDeclarationOnly'];
    const cwd = join(import.meta.dirname, '../..');
    const child = spawn(compiler, [...options, '--noEmitOnError', 'false'], { cwd });
    await once(child, 'close');
    const declarations = await readFile(join(out, 'storage/lmdb.store.d.ts'), 'utf8');
    expect(declarations).toContain('class LmdbStore');
    expect(declarations).not.toMatch(/from ['"]lmdb['"]|import\(['"]lmdb['"]\)/);
  });
});

async function countEntries(folder: string): Promise<number> {
  const { open } = await import('lmdb');
  const db = open({ path: folder, encoding: 'string', noSubdir: false });
  const count = db.getKeysCount();
  await db.close();
  return count;
}

/** Starts four processes, lets them go at once when all are ready, and collects their results. */
async function race(folder: string, job: string): Promise<unknown[]> {
  const children = [1, 2, 3, 4].map(() => new Child(folder, job));
  await Promise.all(children.map((child) => child.ready()));
  return Promise.all(children.map((child) => child.result()));
}

class Child {
  readonly process: ChildProcess;
  readonly ended: Promise<unknown>;
  #output = '';
  #errors = '';

  constructor(folder: string, job: string) {
    const loader = join(import.meta.dirname, '../support/ts-loader.mjs');
    const script = join(import.meta.dirname, 'lmdb.store.child.mjs');
    this.process = spawn(process.execPath, ['--import', loader, script, folder, job]);
    this.process.stdout!.on('data', (data: Buffer) => (this.#output += data.toString()));
    this.process.stderr!.on('data', (data: Buffer) => (this.#errors += data.toString()));
    this.ended = once(this.process, 'close');
  }

  get lines(): string[] {
    return this.#output.split('\n');
  }

  async ready(): Promise<void> {
    while (!this.#output.startsWith('ready\n')) {
      const ended = this.ended.then(() => 'ended');
      const which = await Promise.race([once(this.process.stdout!, 'data'), ended]);
      if (which === 'ended') throw new Error(`The child process failed: ${this.#errors}`);
    }
  }

  go(): void {
    this.process.stdin!.write('go\n');
  }

  async result(): Promise<unknown> {
    await this.ready();
    this.go();
    await this.ended;
    if (this.#errors) throw new Error(`The child process failed: ${this.#errors}`);
    return JSON.parse(this.lines[1] ?? '');
  }
}
