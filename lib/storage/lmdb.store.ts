import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { RootDatabase } from 'lmdb';
import type { Awaitable } from '../common/awaitable.js';
import { SystemClock } from '../common/clock.js';
import type { Clock } from '../common/clock.js';
import {
  ConfigurationError,
  MultiAuthError,
  StorageError,
  describeError,
} from '../common/errors.js';
import { assertEntryKey, assertTtlSeconds } from './entry-rules.js';
import { KeyValueStore } from './key-value-store.js';
import { readOrCreateSecret } from './secret-file.js';

/** The options of `LmdbStore`. */
export interface LmdbStoreOptions {
  /** The folder of the database, made when it does not exist. @default '.mcp-auth' */
  readonly path?: string | undefined;
  /** @default the machine's clock */
  readonly clock?: Clock | undefined;
}

type Database = RootDatabase<string, string>;

/** Each write pays for looking at this many entries, so that a sweep outruns what is added. */
const SWEPT_PER_WRITE = 4;
const WRITES_PER_SWEEP = 64;

/**
 * Keeps records in a folder, by the optional package `lmdb`: they outlive the process, and several
 * processes of one machine may share them. The folder must be on a local disk.
 *
 * What a resolved write stored survives the death of the process; a power cut may cost the last
 * moments before it.
 */
export class LmdbStore extends KeyValueStore {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #running = new Set<Promise<unknown>>();
  #opening: Promise<Database> | undefined;
  #closing: Promise<void> | undefined;
  #writesUntilSweep = WRITES_PER_SWEEP;
  #sweptUpTo: string | undefined;

  constructor(options: LmdbStoreOptions = {}) {
    super();
    this.#folder = resolve(options.path ?? '.mcp-auth');
    this.#clock = options.clock ?? new SystemClock();
  }

  async get(key: string): Promise<string | undefined> {
    assertEntryKey(key);
    return this.#run((db) => {
      // Without it a read may see the snapshot of an earlier one, before another instance's write.
      db.resetReadTxn();
      return readLive(db, key, this.#clock.now());
    });
  }

  async set(key: string, value: string, ttlSeconds: number): Promise<void> {
    assertEntryKey(key);
    assertTtlSeconds(ttlSeconds);
    await this.#write((db, now) => db.putSync(key, renderEntry(value, now + ttlSeconds)));
  }

  async add(key: string, value: string, ttlSeconds: number): Promise<boolean> {
    assertEntryKey(key);
    assertTtlSeconds(ttlSeconds);
    return this.#write((db, now) => {
      if (readLive(db, key, now) !== undefined) return false;
      db.putSync(key, renderEntry(value, now + ttlSeconds));
      return true;
    });
  }

  async take(key: string): Promise<string | undefined> {
    assertEntryKey(key);
    return this.#write((db, now) => {
      const value = readLive(db, key, now);
      db.removeSync(key);
      return value;
    });
  }

  async delete(key: string): Promise<void> {
    assertEntryKey(key);
    await this.#write((db) => db.removeSync(key));
  }

  /** Opens the database: a folder that cannot be written must stop the start. */
  override async check(): Promise<readonly string[]> {
    await this.get('check');
    return [];
  }

  /** Waits for what is under way and closes the database. The store cannot be used again. */
  override close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  override developmentSecret(): Promise<string> {
    return this.#guarded(() => readOrCreateSecret(this.#folder));
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#running);
    const db = await this.#opening?.catch(() => undefined);
    await db?.close();
  }

  /** Runs the work in a write transaction: of all processes, one at a time is in one. */
  #write<T>(work: (db: Database, now: number) => T): Promise<T> {
    return this.#run(async (db) => {
      const result = await db.transaction(() => work(db, this.#clock.now()));
      if (--this.#writesUntilSweep <= 0) this.#startSweep();
      return result;
    });
  }

  #startSweep(): void {
    this.#writesUntilSweep = WRITES_PER_SWEEP;
    if (this.#closing) return;
    this.#run((db) => db.transaction(() => this.#sweep(db, this.#clock.now()))).catch(() => {
      // Nobody waits for the sweep. What hinders it hinders the next write too, and that one tells.
    });
  }

  #sweep(db: Database, now: number): void {
    const limit = WRITES_PER_SWEEP * SWEPT_PER_WRITE;
    const start = this.#sweptUpTo;
    const range = [...db.getRange(start === undefined ? { limit } : { start, limit })];
    for (const { key, value } of range) if (!isLive(value, now)) db.removeSync(key);
    this.#sweptUpTo = range.length < limit ? undefined : range.at(-1)?.key;
  }

  async #run<T>(work: (db: Database) => Awaitable<T>): Promise<T> {
    if (this.#closing) throw new StorageError('The LmdbStore is closed.');
    const running = this.#guarded(async () => work(await this.#open()));
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      if (thrown instanceof MultiAuthError) throw thrown;
      const message = `The LmdbStore in ${this.#folder} failed: ${describeError(thrown)}`;
      throw new StorageError(message, { cause: thrown });
    }
  }

  #open(): Promise<Database> {
    this.#opening ??= openDatabase(this.#folder).catch((error: unknown) => {
      // What failed once may work later, as when a disk was full.
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }
}

async function openDatabase(folder: string): Promise<Database> {
  const { open } = await importLmdb();
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return open<string, string>({ path: folder, encoding: 'string', noSubdir: false });
}

async function importLmdb(): Promise<typeof import('lmdb')> {
  try {
    return await import('lmdb');
  } catch (thrown) {
    const missing = (thrown as NodeJS.ErrnoException | undefined)?.code === 'ERR_MODULE_NOT_FOUND';
    const problem = missing
      ? 'LmdbStore needs the package lmdb: npm install lmdb'
      : `LmdbStore cannot load the package lmdb: ${describeError(thrown)}`;
    throw new ConfigurationError([{ path: 'storage', problem }]);
  }
}

/** An entry is its expiry in seconds since the epoch, a colon, and the value. */
function renderEntry(value: string, expiresAt: number): string {
  return `${expiresAt}:${value}`;
}

function readLive(db: Database, key: string, now: number): string | undefined {
  const entry = db.get(key);
  if (entry === undefined || !isLive(entry, now)) return undefined;
  return entry.slice(entry.indexOf(':') + 1);
}

function isLive(entry: string, now: number): boolean {
  return Number(entry.slice(0, entry.indexOf(':'))) > now;
}
