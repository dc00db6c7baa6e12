import { SystemClock } from '../common/clock.js';
import type { Clock } from '../common/clock.js';
import { ConfigurationError, StorageError } from '../common/errors.js';
import { randomToken } from '../crypto/random.js';
import { assertEntryKey, assertTtlSeconds } from './entry-rules.js';
import { KeyValueStore } from './key-value-store.js';

/** The options of `MemoryStore`. */
export interface MemoryStoreOptions {
  /** How many entries the store holds before it refuses new ones. @default 100_000 */
  readonly maxEntries?: number | undefined;
  /** @default the machine's clock */
  readonly clock?: Clock | undefined;
}

interface Entry {
  readonly value: string;
  readonly expiresAt: number;
}

/** How many entries a write looks at for expired ones: more than it adds, so the sweep keeps up. */
const SWEPT_PER_WRITE = 2;

/** Keeps records in the memory of one process: for tests, and for one instance that may forget. */
export class MemoryStore extends KeyValueStore {
  readonly #entries = new Map<string, Entry>();
  readonly #maxEntries: number;
  readonly #clock: Clock;
  #sweep = this.#entries.entries();
  #purgedAt: number | undefined;
  #secret: string | undefined;

  /** @throws ConfigurationError when `maxEntries` is not a whole number of at least 1. */
  constructor(options: MemoryStoreOptions = {}) {
    super();
    this.#maxEntries = options.maxEntries ?? 100_000;
    this.#clock = options.clock ?? new SystemClock();
    if (!Number.isSafeInteger(this.#maxEntries) || this.#maxEntries < 1) {
      const problem = 'must be a whole number of at least 1';
      throw new ConfigurationError([{ path: 'MemoryStore.maxEntries', problem }]);
    }
  }

  async get(key: string): Promise<string | undefined> {
    return this.#live(key)?.value;
  }

  async set(key: string, value: string, ttlSeconds: number): Promise<void> {
    this.#write(key, value, ttlSeconds);
  }

  async add(key: string, value: string, ttlSeconds: number): Promise<boolean> {
    assertTtlSeconds(ttlSeconds);
    // Nothing is awaited between the look and the write: that makes it atomic.
    if (this.#live(key)) return false;
    this.#write(key, value, ttlSeconds);
    return true;
  }

  async take(key: string): Promise<string | undefined> {
    const entry = this.#live(key);
    this.#entries.delete(key);
    return entry?.value;
  }

  async delete(key: string): Promise<void> {
    assertEntryKey(key);
    this.#entries.delete(key);
  }

  override async developmentSecret(): Promise<string> {
    this.#secret ??= randomToken();
    return this.#secret;
  }

  #live(key: string): Entry | undefined {
    assertEntryKey(key);
    const entry = this.#entries.get(key);
    if (!entry || entry.expiresAt > this.#clock.now()) return entry;
    this.#entries.delete(key);
    return undefined;
  }

  #write(key: string, value: string, ttlSeconds: number): void {
    assertEntryKey(key);
    assertTtlSeconds(ttlSeconds);
    const now = this.#clock.now();
    this.#sweepSome(now);
    if (!this.#entries.has(key)) this.#makeRoom(now);
    this.#entries.set(key, { value, expiresAt: now + ttlSeconds });
  }

  #sweepSome(now: number): void {
    for (let i = 0; i < SWEPT_PER_WRITE; i++) {
      // A Map's iterator sees what is added and removed while it waits, so it serves as a cursor.
      const { value: found } = this.#sweep.next();
      if (!found) this.#sweep = this.#entries.entries();
      else if (found[1].expiresAt <= now) this.#entries.delete(found[0]);
    }
  }

  #makeRoom(now: number): void {
    if (this.#entries.size < this.#maxEntries) return;
    // Nothing more expires within the same second: one purge of everything in it is enough.
    if (this.#purgedAt !== now) {
      this.#purgedAt = now;
      for (const [key, { expiresAt }] of this.#entries) {
        if (expiresAt <= now) this.#entries.delete(key);
      }
    }
    if (this.#entries.size >= this.#maxEntries) {
      // To evict a live entry would log somebody out, or let a used credential be used again.
      throw new StorageError(`The MemoryStore is full: it holds ${this.#maxEntries} live entries.`);
    }
  }
}
