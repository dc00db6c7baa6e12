import { KeyValueStore } from '../../lib/storage/key-value-store.js';
import { Gate } from './gate.js';
import type { Held } from './gate.js';

export type StoreOperation = 'get' | 'set' | 'add' | 'take' | 'delete';

export interface StoreEntry {
  readonly key: string;
  readonly value: string;
  readonly ttlSeconds: number;
}

/** Watches, delays, holds and breaks another store. */
export class StoreSpy extends KeyValueStore {
  readonly counts: Record<StoreOperation, number> = { get: 0, set: 0, add: 0, take: 0, delete: 0 };
  readonly #inner: KeyValueStore;
  readonly #written: StoreEntry[] = [];
  readonly #live = new Map<string, StoreEntry>();
  readonly #failures: { readonly operation: StoreOperation; readonly error: Error }[] = [];
  readonly #gates = new Map<StoreOperation, Gate>();
  #delayMilliseconds = 0;

  constructor(inner: KeyValueStore) {
    super();
    this.#inner = inner;
  }

  async get(key: string): Promise<string | undefined> {
    await this.#enter('get');
    return this.#inner.get(key);
  }

  async set(key: string, value: string, ttlSeconds: number): Promise<void> {
    await this.#enter('set');
    await this.#inner.set(key, value, ttlSeconds);
    this.#wrote({ key, value, ttlSeconds });
  }

  async add(key: string, value: string, ttlSeconds: number): Promise<boolean> {
    await this.#enter('add');
    const added = await this.#inner.add(key, value, ttlSeconds);
    if (added) this.#wrote({ key, value, ttlSeconds });
    return added;
  }

  async take(key: string): Promise<string | undefined> {
    await this.#enter('take');
    const value = await this.#inner.take(key);
    this.#live.delete(key);
    return value;
  }

  async delete(key: string): Promise<void> {
    await this.#enter('delete');
    await this.#inner.delete(key);
    this.#live.delete(key);
  }

  override async close(): Promise<void> {
    this.releaseAll();
    await this.#inner.close?.();
  }

  override async developmentSecret(): Promise<string> {
    if (!this.#inner.developmentSecret) throw new Error('The inner store has no such secret.');
    return this.#inner.developmentSecret();
  }

  /** Everything that was ever written, removed or not. */
  dump(): readonly StoreEntry[] {
    return [...this.#written];
  }

  /** What was written and not removed through this spy; expiry is not considered. */
  live(): readonly StoreEntry[] {
    return [...this.#live.values()];
  }

  /** A text that is equal exactly when the entries are: compare it before and after. */
  snapshot(): string {
    const entries = this.live().map(({ key, value }) => [key, value]);
    return JSON.stringify(entries.sort(([a = ''], [b = '']) => (a < b ? -1 : 1)));
  }

  /** Tells whether any key or value ever written shows the secret, plain or in base64. */
  contains(secret: string): boolean {
    const base64 = Buffer.from(secret).toString('base64url').slice(0, -2);
    return this.#written.some(({ key, value }) =>
      [secret, base64].some((form) => key.includes(form) || value.includes(form)),
    );
  }

  /** How many calls of all operations there were. */
  total(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0);
  }

  /** The next call of the operation throws, before the inner store is asked. */
  failNext(operation: StoreOperation, error: Error = new Error('the store is down')): void {
    this.#failures.push({ operation, error });
  }

  /** Every call from now on takes at least so long; 0 ends it. */
  delayAll(milliseconds: number): void {
    this.#delayMilliseconds = milliseconds;
  }

  /** Calls of the operation wait, before the inner store is asked, until they are released. */
  hold(operation: StoreOperation): Held {
    const gate = new Gate(() => this.#gates.delete(operation));
    this.#gates.set(operation, gate);
    return gate;
  }

  releaseAll(): void {
    for (const gate of this.#gates.values()) gate.release();
  }

  async #enter(operation: StoreOperation): Promise<void> {
    this.counts[operation] += 1;
    const index = this.#failures.findIndex((failure) => failure.operation === operation);
    const [failure] = index < 0 ? [] : this.#failures.splice(index, 1);
    if (failure) throw failure.error;
    await this.#gates.get(operation)?.pass();
    const delay = this.#delayMilliseconds;
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
  }

  #wrote(entry: StoreEntry): void {
    this.#written.push(entry);
    this.#live.set(entry.key, entry);
  }
}
