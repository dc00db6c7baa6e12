import { KeyValueStore } from '../storage/key-value-store.js';

const MAX_DELAY_MILLISECONDS = 20;

/** Another store, 0 to 20 ms away: each call takes a while to arrive, and its answer another. */
export class DelayedStore extends KeyValueStore {
  readonly #inner: KeyValueStore;
  #state: number;

  /** The same seed gives the same delays. */
  constructor(inner: KeyValueStore, seed: number) {
    super();
    this.#inner = inner;
    this.#state = seed;
  }

  get(key: string): Promise<string | undefined> {
    return this.#delayed(() => this.#inner.get(key));
  }

  set(key: string, value: string, ttlSeconds: number): Promise<void> {
    return this.#delayed(() => this.#inner.set(key, value, ttlSeconds));
  }

  add(key: string, value: string, ttlSeconds: number): Promise<boolean> {
    return this.#delayed(() => this.#inner.add(key, value, ttlSeconds));
  }

  take(key: string): Promise<string | undefined> {
    return this.#delayed(() => this.#inner.take(key));
  }

  delete(key: string): Promise<void> {
    return this.#delayed(() => this.#inner.delete(key));
  }

  override async close(): Promise<void> {
    await this.#inner.close?.();
  }

  async #delayed<T>(call: () => Promise<T>): Promise<T> {
    await pause(this.#delay());
    const answer = await call();
    await pause(this.#delay());
    return answer;
  }

  /** The generator mulberry32: a race that was lost can be run again. */
  #delay(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) % (MAX_DELAY_MILLISECONDS + 1);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
