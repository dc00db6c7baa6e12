import type { Clock } from '../common/clock.js';
import { describeError, StorageError } from '../common/errors.js';
import type { Sealer } from '../crypto/sealer.js';
import type { KeyValueStore } from './key-value-store.js';
import { RecordCodec } from './record-codec.js';

/** How long a sealed record may be: far beyond what the library writes, and no burden on a store. */
const maxLength = 256 * 1024;

/** Collections of sealed records in one store, under one namespace. */
export class RecordStore {
  readonly #store: KeyValueStore;
  readonly #sealer: Sealer;
  readonly #clock: Clock;
  readonly #namespace: string;

  constructor(store: KeyValueStore, sealer: Sealer, clock: Clock, namespace: string) {
    this.#store = store;
    this.#sealer = sealer;
    this.#clock = clock;
    this.#namespace = namespace;
  }

  /** A collection of JSON records. Raise the version when their shape changes. */
  collection<T extends object>(name: string, version: number): RecordCollection<T> {
    const codec = new RecordCodec<T>(this.#sealer, { namespace: this.#namespace, name, version });
    return new RecordCollection(this.#store, this.#clock, codec);
  }
}

/**
 * Records of one shape. The store sees neither their ids nor their content; a record that was
 * altered, moved, sealed with a forgotten secret, of another version or expired is absent.
 *
 * An unreadable record still holds its id against `add` until the store drops it: what may have
 * been used once is not handed out again.
 */
export class RecordCollection<T extends object> {
  readonly #store: KeyValueStore;
  readonly #clock: Clock;
  readonly #codec: RecordCodec<T>;

  constructor(store: KeyValueStore, clock: Clock, codec: RecordCodec<T>) {
    this.#store = store;
    this.#clock = clock;
    this.#codec = codec;
  }

  async get(id: string): Promise<T | undefined> {
    const key = this.#codec.keyOf(id);
    return this.#decode(key, await asked(() => this.#store.get(key)));
  }

  /**
   * Stores the record, replacing any. With no time left (`ttlSeconds` of 0 or less) it is removed.
   *
   * @throws StorageError when `ttlSeconds` is not a finite number, the record is too large, or the
   * store failed.
   */
  async set(id: string, record: T, ttlSeconds: number): Promise<void> {
    const ttl = wholeTtl(ttlSeconds);
    if (ttl === undefined) return this.delete(id);
    const key = this.#codec.keyOf(id);
    const sealed = this.#encode(key, record, ttl);
    return asked(() => this.#store.set(key, sealed, ttl));
  }

  /**
   * Stores the record if the id is free; tells whether it did. Atomic. With no time left
   * (`ttlSeconds` of 0 or less) nothing is stored.
   *
   * @throws StorageError when `ttlSeconds` is not a finite number, the record is too large, or the
   * store failed.
   */
  async add(id: string, record: T, ttlSeconds: number): Promise<boolean> {
    const ttl = wholeTtl(ttlSeconds);
    if (ttl === undefined) return false;
    const key = this.#codec.keyOf(id);
    const sealed = this.#encode(key, record, ttl);
    return asked(() => this.#store.add(key, sealed, ttl));
  }

  /** Removes the record and returns it: to one caller alone. Atomic. */
  async take(id: string): Promise<T | undefined> {
    const key = this.#codec.keyOf(id);
    return this.#decode(key, await asked(() => this.#store.take(key)));
  }

  async delete(id: string): Promise<void> {
    return asked(() => this.#store.delete(this.#codec.keyOf(id)));
  }

  #encode(key: string, record: T, ttl: number): string {
    const sealed = this.#codec.encode(key, record, this.#clock.now() + ttl);
    if (sealed.length <= maxLength) return sealed;
    const [name] = key.split(':');
    throw new StorageError(`A record of ${name} has ${sealed.length} bytes, ${maxLength} at most.`);
  }

  #decode(key: string, sealed: string | undefined): T | undefined {
    return sealed === undefined ? undefined : this.#codec.decode(key, sealed, this.#clock.now());
  }
}

/** Whatever a store throws means that it did not answer, and is never taken for a fault of ours. */
async function asked<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof StorageError) throw error;
    throw new StorageError(`The store failed: ${describeError(error)}`, { cause: error });
  }
}

/** Whole seconds, at least one; undefined when no time is left. */
function wholeTtl(ttlSeconds: number): number | undefined {
  if (!Number.isFinite(ttlSeconds)) {
    throw new StorageError(`A time to live must be a finite number, not ${ttlSeconds}.`);
  }
  return ttlSeconds > 0 ? Math.max(1, Math.floor(ttlSeconds)) : undefined;
}
