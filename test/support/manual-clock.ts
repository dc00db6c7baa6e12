import { Clock } from '../../lib/common/clock.js';

/** A clock that stands still until a test moves it. */
export class ManualClock extends Clock {
  #now: number;

  /** Starts at the given second, or at the machine's current one. */
  constructor(epochSeconds: number = Math.floor(Date.now() / 1000)) {
    super();
    this.#now = epochSeconds;
  }

  now(): number {
    return this.#now;
  }

  advance(seconds: number): void {
    this.#now += seconds;
  }

  set(epochSeconds: number): void {
    this.#now = epochSeconds;
  }
}
