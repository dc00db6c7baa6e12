import { BoundedMap } from '../common/bounded-map.js';
import type { Clock } from '../common/clock.js';
import { VerifierUnavailableError } from '../common/errors.js';
import { hashSecret } from '../crypto/hash.js';
import type { VerifiedToken } from '../verifiers/access-token.js';

const REFUSED_SECONDS = 5;
const MAX_REFUSED = 10_000;
const MAX_ASKED = 50;

/** Whose a token is, or why it is refused. */
export type VendorVerdict = VerifiedToken | string;

interface VendorAnswersOptions {
  readonly clock: Clock;
  /** How long what is accepted is remembered; 0 for not at all. */
  readonly cacheSeconds: number;
  readonly maxCacheEntries: number;
}

/**
 * Keeps strangers from spending what the vendor lets this app ask: each token is asked about once at
 * a time, a refusal is remembered for five seconds, and only so many tokens are asked about at
 * once. Refusals push nothing that was accepted out of memory.
 */
export class VendorAnswers {
  readonly #accepted: BoundedMap<string, VerifiedToken> | undefined;
  readonly #refused: BoundedMap<string, string>;
  readonly #asked = new Map<string, Promise<VendorVerdict>>();

  constructor({ clock, cacheSeconds, maxCacheEntries }: VendorAnswersOptions) {
    const limits = { ttlSeconds: cacheSeconds, maxEntries: maxCacheEntries, clock };
    this.#accepted = cacheSeconds > 0 ? new BoundedMap(limits) : undefined;
    this.#refused = new BoundedMap({
      ttlSeconds: REFUSED_SECONDS,
      maxEntries: MAX_REFUSED,
      clock,
    });
  }

  /**
   * What is remembered of the token, unless it has to be fresh, or else what the vendor says.
   * @throws VerifierUnavailableError also when too many tokens are asked about
   */
  async of(
    token: string,
    isFresh: boolean,
    ask: () => Promise<VendorVerdict>,
  ): Promise<VendorVerdict> {
    const key = hashSecret(token);
    const known = isFresh ? undefined : (this.#accepted?.get(key) ?? this.#refused.get(key));
    return known ?? this.#asked.get(key) ?? this.#begin(key, ask);
  }

  #begin(key: string, ask: () => Promise<VendorVerdict>): Promise<VendorVerdict> {
    if (this.#asked.size >= MAX_ASKED) {
      throw new VerifierUnavailableError('too many tokens are asked about at once');
    }
    const pending = this.#remembered(key, ask);
    this.#asked.set(key, pending);
    return pending;
  }

  async #remembered(key: string, ask: () => Promise<VendorVerdict>): Promise<VendorVerdict> {
    try {
      const verdict = await ask();
      if (typeof verdict === 'string') this.#refused.set(key, verdict);
      else this.#accepted?.set(key, verdict);
      return verdict;
    } finally {
      this.#asked.delete(key);
    }
  }
}
