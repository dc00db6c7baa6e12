import type { KeyObject } from 'node:crypto';
import type { Awaitable } from '../common/awaitable.js';
import type { Clock } from '../common/clock.js';
import { describeError, VerifierUnavailableError } from '../common/errors.js';
import type { OutboundClient } from '../http/outbound.js';
import { discoverJwksUri } from './issuer-metadata.js';
import { JwksSource } from './jwks-source.js';
import type { KeySource } from './key-source.js';

const MAX_AGE_SECONDS = 3600;
const FAILURE_COOLDOWN_SECONDS = 5;
const TOO_MANY = 'too many issuers are looked for at once';

/** What the keys of all issuers of one verifier have in common. */
export interface DiscoveryParts {
  readonly outbound: Pick<OutboundClient, 'fetch'>;
  readonly clock: Clock;
  /** How many discoveries are running, and may be. */
  readonly discoveries: { running: number; readonly max: number };
}

/**
 * The keys of an issuer whose `jwks_uri` its metadata name. They are looked for when first needed,
 * once for all who wait, and again after an hour, for which nobody waits. A failure counts for 5
 * seconds, and only for this issuer.
 */
export class DiscoveredKeys implements KeySource {
  #known: { readonly uri: string; readonly keys: JwksSource } | undefined;
  #checkedAt = -Infinity;
  #failure: { readonly at: number; readonly reason: string } | undefined;
  #pending: Promise<void> | undefined;

  constructor(
    private readonly issuer: string,
    private readonly its: DiscoveryParts,
  ) {}

  find(algorithm: string, kid: string | undefined): Awaitable<KeyObject | undefined> {
    if (!this.#known) return this.#findDiscovered(algorithm, kid);
    // Where the keys are hardly ever changes: what is known is good until something else is.
    if (!this.#isRecent(this.#checkedAt, MAX_AGE_SECONDS)) void this.#refresh();
    return this.#known.keys.find(algorithm, kid);
  }

  async #findDiscovered(
    algorithm: string,
    kid: string | undefined,
  ): Promise<KeyObject | undefined> {
    await this.#refresh();
    if (this.#known) return this.#known.keys.find(algorithm, kid);
    throw new VerifierUnavailableError(
      `The metadata of ${this.issuer} cannot be had: ${this.#failure?.reason ?? TOO_MANY}`,
      { retryAfterSeconds: FAILURE_COOLDOWN_SECONDS },
    );
  }

  // No request's own signal may end it, as others wait for it too.
  async #refresh(): Promise<void> {
    if (this.#failure && this.#isRecent(this.#failure.at, FAILURE_COOLDOWN_SECONDS)) return;
    this.#pending ??= this.#discover().finally(() => {
      this.#pending = undefined;
    });
    await this.#pending;
  }

  async #discover(): Promise<void> {
    const { outbound, clock, discoveries } = this.its;
    if (discoveries.running >= discoveries.max) {
      // Says nothing of this issuer, which may be looked for as soon as others are done.
      this.#failure = undefined;
      return;
    }
    discoveries.running++;
    try {
      const uri = await discoverJwksUri(this.issuer, outbound);
      if (this.#known?.uri !== uri) {
        this.#known = { uri, keys: new JwksSource(uri, { outbound, clock }) };
      }
      this.#checkedAt = clock.now();
      this.#failure = undefined;
    } catch (thrown) {
      this.#failure = { at: clock.now(), reason: describeError(thrown) };
    } finally {
      discoveries.running--;
    }
  }

  // The absolute value: a clock that was set back must not make anything last.
  #isRecent(at: number, seconds: number): boolean {
    return Math.abs(this.its.clock.now() - at) < seconds;
  }
}
