import { BoundedMap } from '../common/bounded-map.js';
import type { Clock } from '../common/clock.js';

const CANDIDATE_SECONDS = 3600;

/**
 * What is held of each issuer, within bounds. Those of which a token was verified have places of
 * their own: whoever names many issuers that never sign anything cannot push them out.
 */
export class IssuerTable<T> {
  readonly #confirmed: BoundedMap<string, T>;
  readonly #candidates: BoundedMap<string, T>;

  constructor(
    private readonly make: (issuer: string) => T,
    maxEntries: number,
    clock: Clock,
  ) {
    this.#confirmed = new BoundedMap({ maxEntries, ttlSeconds: Infinity, clock });
    this.#candidates = new BoundedMap({ maxEntries, ttlSeconds: CANDIDATE_SECONDS, clock });
  }

  /** What is held of the issuer; made when there is nothing yet. */
  get(issuer: string): T {
    const held = this.#confirmed.get(issuer) ?? this.#candidates.get(issuer);
    if (held !== undefined) return held;
    const made = this.make(issuer);
    this.#candidates.set(issuer, made);
    return made;
  }

  /** The issuer signed a token that was good. */
  confirm(issuer: string, held: T): void {
    if (this.#confirmed.get(issuer) !== held) this.#confirmed.set(issuer, held);
  }
}
