import { BoundedMap } from '../../common/bounded-map.js';
import type { Clock } from '../../common/clock.js';

const maxRunning = 20;
const maxRunningOfOrigin = 4;
const maxFailuresOfOrigin = 30;
const failureWindowSeconds = 60;
const maxOrigins = 1000;

/** Too much is being fetched already; later it may be possible. */
export class FetchBudgetExceeded extends Error {}

/**
 * How much strangers can make the server fetch: 20 documents at a time and 4 of one origin, and of
 * an origin that gives nothing usable 30 a minute.
 */
export class FetchBudget {
  #running = 0;
  readonly #runningOfOrigin = new Map<string, number>();
  readonly #failures: BoundedMap<string, { count: number }>;

  constructor(clock: Clock) {
    this.#failures = new BoundedMap({
      maxEntries: maxOrigins,
      ttlSeconds: failureWindowSeconds,
      clock,
    });
  }

  /** @throws FetchBudgetExceeded without having begun, or what the action throws */
  async spend<T>(origin: string, action: () => Promise<T>): Promise<T> {
    const failures = this.#failures.get(origin) ?? { count: 0 };
    const running = this.#runningOfOrigin.get(origin) ?? 0;
    const isOver =
      this.#running >= maxRunning ||
      running >= maxRunningOfOrigin ||
      failures.count >= maxFailuresOfOrigin;
    if (isOver) throw new FetchBudgetExceeded('Too many documents are being fetched.');
    this.#running += 1;
    this.#runningOfOrigin.set(origin, running + 1);
    try {
      return await action();
    } catch (error) {
      this.#countFailure(origin);
      throw error;
    } finally {
      this.#end(origin);
    }
  }

  #countFailure(origin: string): void {
    const failures = this.#failures.get(origin);
    // Counted in place, so that the minute begins with the first failure and not with the last.
    if (failures) failures.count += 1;
    else this.#failures.set(origin, { count: 1 });
  }

  // No more origins than run, so this map needs no other bound.
  #end(origin: string): void {
    this.#running -= 1;
    const running = (this.#runningOfOrigin.get(origin) ?? 1) - 1;
    if (running > 0) this.#runningOfOrigin.set(origin, running);
    else this.#runningOfOrigin.delete(origin);
  }
}
