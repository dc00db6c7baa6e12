import { Clock, SystemClock } from '../common/clock.js';

/** A clock that stands still until a test moves it. */
export class ManualClock extends Clock {
  #now: number;

  /** Starts at the given second, or at the machine's current one. */
  constructor(epochSeconds: number = new SystemClock().now()) {
    super();
    this.#now = epochSeconds;
  }

  now(): number {
    return this.#now;
  }

  /** Lets so many seconds pass. */
  advance(seconds: number): void {
    this.#now += seconds;
  }

  /** Jumps to a second since 1970, to an earlier one too. */
  set(epochSeconds: number): void {
    this.#now = epochSeconds;
  }
}
