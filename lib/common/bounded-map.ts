import type { Clock } from './clock.js';

/** How much a `BoundedMap` remembers. */
export interface BoundedMapLimits {
  /** How many entries it holds; the least recently used one makes room. */
  readonly maxEntries: number;
  /** How long an entry lives from when it was set, in seconds. */
  readonly ttlSeconds: number;
  readonly clock: Clock;
}

/** A map in memory that cannot grow without end, whoever chooses its keys. */
export class BoundedMap<K, V> {
  readonly #entries = new Map<K, { readonly value: V; readonly expiresAt: number }>();
  readonly #limits: BoundedMapLimits;

  constructor(limits: BoundedMapLimits) {
    this.#limits = limits;
  }

  /** The value, which thereby counts as used; undefined when there is none or its time is over. */
  get(key: K): V | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    if (entry.expiresAt <= this.#limits.clock.now()) return undefined;
    // A Map keeps the order of insertion: the first is the one that was not used for longest.
    this.#entries.set(key, entry);
    return entry.value;
  }

  set(key: K, value: V): void {
    const { maxEntries, ttlSeconds, clock } = this.#limits;
    this.#entries.delete(key);
    this.#entries.set(key, { value, expiresAt: clock.now() + ttlSeconds });
    if (this.#entries.size > maxEntries) {
      const [oldest] = this.#entries.keys();
      this.#entries.delete(oldest as K);
    }
  }
}
