import { KeyValueStore } from '../../lib/storage/key-value-store.js';
import { Gate } from './gate.js';
import type { Held } from './gate.js';

export type StoreOperation = 'get' | 'set' | 'add' | 'take' | 'delete';

export interface StoreEntry {
  readonly key: string;
  readonly value: string;
  readonly ttlSeconds: number;
}

/** A failure that was ordered: whether it happened, and how to take it back. */
export interface OrderedFailure {
  readonly struck: boolean;
  cancel(): void;
}

/** A call that is kept waiting: whether there was one, and how to let it go on. */
export interface OrderedHold {
  readonly struck: boolean;
  release(): void;
}

/** What a failure or a gate is for: the keys that begin so. */
interface Call {
  readonly operation: StoreOperation;
  readonly keys: string;
}

/** What happens to one call, that many calls from now. */
interface Order {
  readonly operation: StoreOperation;
  left: number;
  struck: boolean;
  strike(): Promise<void>;
}

/** Watches, delays, holds and breaks another store. */
export class StoreSpy extends KeyValueStore {
  readonly counts: Record<StoreOperation, number> = { get: 0, set: 0, add: 0, take: 0, delete: 0 };
  readonly #inner: KeyValueStore;
  readonly #written: StoreEntry[] = [];
  readonly #live = new Map<string, StoreEntry>();
  readonly #failures: (Call & { readonly error: Error })[] = [];
  readonly #orders = new Set<Order>();
  readonly #gates = new Map<Gate, Call>();
  #delayMilliseconds = 0;

  constructor(inner: KeyValueStore) {
    super();
    this.#inner = inner;
  }

  async get(key: string): Promise<string | undefined> {
    await this.#enter('get', key);
    return this.#inner.get(key);
  }

  async set(key: string, value: string, ttlSeconds: number): Promise<void> {
    await this.#enter('set', key);
    await this.#inner.set(key, value, ttlSeconds);
    this.#wrote({ key, value, ttlSeconds });
  }

  async add(key: string, value: string, ttlSeconds: number): Promise<boolean> {
    await this.#enter('add', key);
    const added = await this.#inner.add(key, value, ttlSeconds);
    if (added) this.#wrote({ key, value, ttlSeconds });
    return added;
  }

  async take(key: string): Promise<string | undefined> {
    await this.#enter('take', key);
    const value = await this.#inner.take(key);
    this.#live.delete(key);
    return value;
  }

  async delete(key: string): Promise<void> {
    await this.#enter('delete', key);
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

  /**
   * The next call of the operation throws, before the inner store is asked; with `keys`, the next
   * one for a key that begins so.
   */
  failNext(
    operation: StoreOperation,
    error: Error = new Error('the store is down'),
    keys = '',
  ): void {
    this.#failures.push({ operation, keys, error });
  }

  /** The nth call of the operation from now on throws, before the inner store is asked. */
  failNth(operation: StoreOperation, nth: number): OrderedFailure {
    const order = this.#order(operation, nth, () => Promise.reject(new Error('the store is down')));
    return {
      get struck() {
        return order.struck;
      },
      cancel: () => void this.#orders.delete(order),
    };
  }

  /**
   * The nth call of the operation from now on waits, before the inner store is asked, until it is
   * released; so long, for the app, it hangs.
   */
  holdNth(operation: StoreOperation, nth: number): OrderedHold {
    const gate = new Gate(() => this.#orders.delete(order));
    const order = this.#order(operation, nth, () => gate.pass());
    return {
      get struck() {
        return order.struck;
      },
      release: () => gate.release(),
    };
  }

  /** Every call from now on takes at least so long; 0 ends it. */
  delayAll(milliseconds: number): void {
    this.#delayMilliseconds = milliseconds;
  }

  /**
   * Calls of the operation wait, before the inner store is asked, until they are released; with
   * `keys`, those for keys that begin so.
   */
  hold(operation: StoreOperation, keys = ''): Held {
    const gate = new Gate(() => this.#gates.delete(gate));
    this.#gates.set(gate, { operation, keys });
    return gate;
  }

  releaseAll(): void {
    for (const gate of this.#gates.keys()) gate.release();
  }

  #order(operation: StoreOperation, nth: number, strike: () => Promise<void>): Order {
    const order = { operation, left: nth, struck: false, strike };
    this.#orders.add(order);
    return order;
  }

  async #enter(operation: StoreOperation, key: string): Promise<void> {
    this.counts[operation] += 1;
    for (const order of this.#orders) {
      if (order.operation !== operation || --order.left > 0) continue;
      this.#orders.delete(order);
      order.struck = true;
      await order.strike();
    }
    const isMeant = (call: Call): boolean =>
      call.operation === operation && key.startsWith(call.keys);
    const index = this.#failures.findIndex(isMeant);
    const [failure] = index < 0 ? [] : this.#failures.splice(index, 1);
    if (failure) throw failure.error;
    const gates = [...this.#gates].filter(([, call]) => isMeant(call));
    for (const [gate] of gates) await gate.pass();
    const delay = this.#delayMilliseconds;
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
  }

  #wrote(entry: StoreEntry): void {
    this.#written.push(entry);
    this.#live.set(entry.key, entry);
  }
}
