import { BoundedMap } from '../../common/bounded-map.js';
import type { Clock } from '../../common/clock.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { RateLimit } from './rate-limit-options.js';

/** One time that something happened. That it is there is all it says. */
export type RateLimitSlot = Readonly<Record<string, never>>;

const maxHints = 10_000;

/**
 * Counts across every instance, with a store that cannot count: a window has `max` numbered slots a
 * subject, and who `add`s one may pass. So no more than `max` ever pass; fewer only where a call of
 * the store failed, or in the window in which a secret was removed. Slots fill up from the first, and memory holds which is the next: passing costs
 * one call of the store, being refused mostly none.
 */
export class RateLimiter {
  readonly #next: BoundedMap<string, number>;

  constructor(
    private readonly name: string,
    private readonly limit: RateLimit,
    private readonly its: {
      readonly slots: RecordCollection<RateLimitSlot>;
      readonly clock: Clock;
    },
  ) {
    const { windowSeconds: ttlSeconds } = limit;
    // What is forgotten is found again in the store: it costs calls, and lets nobody pass.
    this.#next = new BoundedMap({ maxEntries: maxHints, ttlSeconds, clock: its.clock });
  }

  /**
   * Claims a slot for the subject, of `factor` times as many as usual.
   * @returns the slots that are left, or undefined when there was none
   * @throws StorageError
   */
  async claim(subject: string, factor = 1): Promise<number | undefined> {
    const row = this.#row(subject);
    const size = this.limit.max * factor;
    let step = 1;
    for (;;) {
      const slot = this.#next.get(row) ?? 0;
      if (slot >= size) return undefined;
      // Before anything is awaited: requests side by side try one slot each.
      this.#next.set(row, slot + 1);
      if (await this.#add(row, slot)) return size - slot - 1;
      const isLegible = await this.#isTaken(row, slot);
      const free = await this.#firstFree(row, slot + (isLegible ? 1 : step), size);
      // Sealed with a secret that was removed since: no search finds the end of such slots.
      if (!isLegible) step *= 2;
      this.#next.set(row, Math.max(free, this.#next.get(row) ?? 0));
    }
  }

  /** Tells whether `claim` would find no slot. @throws StorageError */
  async isExhausted(subject: string, factor = 1): Promise<boolean> {
    const row = this.#row(subject);
    const size = this.limit.max * factor;
    if ((this.#next.get(row) ?? 0) >= size) return true;
    if (!(await this.#isTaken(row, size - 1))) return false;
    this.#next.set(row, size);
    return true;
  }

  /** Until the next window, in seconds; at least 1. */
  secondsLeft(): number {
    const { windowSeconds } = this.limit;
    return windowSeconds - (this.its.clock.now() % windowSeconds);
  }

  #row(subject: string): string {
    const window = Math.floor(this.its.clock.now() / this.limit.windowSeconds);
    return `${this.name} ${window} ${subject}`;
  }

  async #add(row: string, slot: number): Promise<boolean> {
    try {
      return await this.its.slots.add(`${slot} ${row}`, {}, this.limit.windowSeconds);
    } catch (error) {
      // It may still be free: a store that was down must not use up anybody's slots.
      this.#next.set(row, Math.min(slot, this.#next.get(row) ?? slot));
      throw error;
    }
  }

  async #isTaken(row: string, slot: number): Promise<boolean> {
    return (await this.its.slots.get(`${slot} ${row}`)) !== undefined;
  }

  /** The end of the row of taken slots, found by doubling steps and then by halving them. */
  async #firstFree(row: string, from: number, size: number): Promise<number> {
    let taken = from - 1;
    let free = from;
    for (let step = 1; free < size && (await this.#isTaken(row, free)); step *= 2) {
      taken = free;
      free += step;
    }
    free = Math.min(free, size);
    while (free - taken > 1) {
      const middle = Math.floor((free + taken) / 2);
      if (await this.#isTaken(row, middle)) taken = middle;
      else free = middle;
    }
    return free;
  }
}
