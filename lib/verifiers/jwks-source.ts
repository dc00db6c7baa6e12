import type { KeyObject } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Awaitable } from '../common/awaitable.js';
import type { Clock } from '../common/clock.js';
import { describeError, VerifierUnavailableError } from '../common/errors.js';
import type { OutboundClient } from '../http/outbound.js';
import { keysFor, onlyKey, parseJwks } from './jwks-document.js';
import type { KeySource } from './key-source.js';
import type { VerificationKey } from '../crypto/verification-key.js';

const MAX_AGE_SECONDS = 600;
const REFRESH_AHEAD_SECONDS = 540;
const MAX_WAIT_WITH_STALE_KEY_MILLISECONDS = 1000;
const MAX_STALE_SECONDS = 3600;
const UNKNOWN_KEY_COOLDOWN_SECONDS = 30;
const FAILURE_COOLDOWN_SECONDS = 5;

/**
 * The keys published at a `jwks_uri`, kept for 10 minutes and fetched anew shortly before; kept for
 * an hour when the endpoint fails.
 * An unknown key is looked for again at most every 30 seconds, a failing endpoint every 5.
 */
export class JwksSource implements KeySource {
  readonly #uri: string;
  readonly #outbound: Pick<OutboundClient, 'fetch'>;
  readonly #clock: Clock;
  #keys: readonly VerificationKey[] = [];
  #fetchedAt: number | undefined;
  #failure: { readonly at: number; readonly reason: string } | undefined;
  #pending: Promise<void> | undefined;

  constructor(uri: string, options: { outbound: Pick<OutboundClient, 'fetch'>; clock: Clock }) {
    this.#uri = uri;
    this.#outbound = options.outbound;
    this.#clock = options.clock;
  }

  find(algorithm: string, kid: string | undefined): Awaitable<KeyObject | undefined> {
    const age = this.#age();
    if (age < MAX_AGE_SECONDS) {
      const fitting = this.#fitting(algorithm, kid);
      // Ahead of time and in the background: no request waits for a healthy endpoint.
      if (fitting.length > 0 && age >= REFRESH_AHEAD_SECONDS) void this.#refresh();
      if (fitting.length > 0 || age < UNKNOWN_KEY_COOLDOWN_SECONDS) return onlyKey(fitting);
    }
    return this.#findRefreshed(algorithm, kid);
  }

  async #findRefreshed(algorithm: string, kid: string | undefined): Promise<KeyObject | undefined> {
    const stale = this.#age() < MAX_STALE_SECONDS && this.#fitting(algorithm, kid).length > 0;
    const refreshed = this.#refresh();
    // A hanging endpoint must not make every request wait while there is a key to go on with.
    await (stale ? Promise.race([refreshed, briefly()]) : refreshed);
    const fitting = this.#fitting(algorithm, kid);
    if (!this.#failure) return onlyKey(fitting);
    if (fitting.length > 0 && this.#age() < MAX_STALE_SECONDS) return onlyKey(fitting);
    // A key that is not known may be one that could not be fetched: this is no verdict.
    throw new VerifierUnavailableError(`The keys cannot be had: ${this.#failure.reason}`, {
      retryAfterSeconds: FAILURE_COOLDOWN_SECONDS,
    });
  }

  #fitting(algorithm: string, kid: string | undefined): readonly VerificationKey[] {
    return keysFor(this.#keys, algorithm, kid);
  }

  // The absolute value: a clock that was set back must not keep old keys alive.
  #age(): number {
    return this.#fetchedAt === undefined ? Infinity : Math.abs(this.#clock.now() - this.#fetchedAt);
  }

  // One fetch for all who wait. No request's own signal may end it, as others depend on it too.
  async #refresh(): Promise<void> {
    const failedAt = this.#failure?.at ?? -Infinity;
    if (Math.abs(this.#clock.now() - failedAt) < FAILURE_COOLDOWN_SECONDS) return;
    this.#pending ??= this.#load();
    await this.#pending;
  }

  async #load(): Promise<void> {
    try {
      this.#keys = parseJwks(await this.#fetch());
      this.#fetchedAt = this.#clock.now();
      this.#failure = undefined;
    } catch (thrown) {
      this.#failure = { at: this.#clock.now(), reason: describeError(thrown) };
    } finally {
      this.#pending = undefined;
    }
  }

  async #fetch(): Promise<unknown> {
    const response = await this.#outbound.fetch(this.#uri, {
      headers: { accept: 'application/jwk-set+json, application/json' },
    });
    const body = await response.text();
    if (response.status !== 200) throw new Error(`the answer has status ${response.status}`);
    try {
      return JSON.parse(body) as unknown;
    } catch {
      throw new Error('the answer is not JSON');
    }
  }
}

function briefly(): Promise<void> {
  return delay(MAX_WAIT_WITH_STALE_KEY_MILLISECONDS, undefined, { ref: false });
}
