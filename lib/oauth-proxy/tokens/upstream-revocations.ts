import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from '../../common/errors.js';
import type { MultiAuthEvents } from '../../common/events.js';
import { late, within } from '../../common/within.js';
import type { Upstream } from '../upstream/upstream.js';

const retriesMilliseconds = [500, 5_000, 30_000];
/** Longer than a revocation takes: discovery and the endpoint have ten seconds each. */
const longestTrySeconds = 25;
/** How many revocations may wait for another try; those beyond have one. */
const maxWaiting = 1000;

interface Revocable {
  readonly accessToken: string;
  readonly refreshToken?: string | undefined;
}

/**
 * Ends upstream sessions that nobody here uses any more, while clients do not wait for it. An
 * upstream that fails is asked again a few times, and a last time when the app closes.
 */
export class UpstreamRevocations {
  readonly #running = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  #waiting = 0;

  constructor(
    private readonly upstream: Upstream,
    private readonly events: MultiAuthEvents,
    private readonly retries: readonly number[] = retriesMilliseconds,
    private readonly trySeconds: number = longestTrySeconds,
  ) {
    setMaxListeners(maxWaiting, this.#closing.signal);
  }

  begin(tokens: Revocable): void {
    const revocation = this.#revoke(tokens).finally(() => this.#running.delete(revocation));
    this.#running.add(revocation);
  }

  /** Waits for what was begun, without the pauses between the tries. */
  async settled(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#running);
  }

  async #revoke(tokens: Revocable): Promise<void> {
    let failure = await this.#try(tokens);
    for (const wait of this.retries) {
      if (failure === undefined || !(await this.#pause(wait))) break;
      failure = await this.#try(tokens);
    }
    if (failure === undefined) return;
    const reason = `revocation given up: ${failure}`;
    this.events.emit('upstream.failed', { reason, kind: 'transient' });
  }

  async #try(tokens: Revocable): Promise<string | undefined> {
    try {
      // A custom upstream may have no time limits, and the app has to close.
      const outcome = await within(Promise.resolve(this.upstream.revoke(tokens)), this.trySeconds);
      return outcome === late ? 'the upstream takes too long' : undefined;
    } catch (error) {
      return describeError(error);
    }
  }

  /** Waits for the next try, and tells whether there is one. */
  async #pause(milliseconds: number): Promise<boolean> {
    const { signal } = this.#closing;
    if (signal.aborted || this.#waiting >= maxWaiting) return false;
    this.#waiting++;
    // Cut short, the wait ends in the last try.
    await delay(milliseconds, undefined, { signal }).catch(() => {});
    this.#waiting--;
    return true;
  }
}
