import { BoundedMap } from '../../common/bounded-map.js';
import type { Clock } from '../../common/clock.js';
import type { RecordCollection } from '../../storage/record-collection.js';

const windowSeconds = 390;
const maxClients = 10_000;

/** What became of the wish to use an assertion. */
export type AssertionUse = 'first' | 'replayed' | 'too_many';

/** Sees to it that an assertion counts once, on however many instances it is shown. */
export class UsedAssertions {
  readonly #counts: BoundedMap<string, { count: number }>;

  constructor(
    private readonly its: {
      readonly records: RecordCollection<object>;
      readonly clock: Clock;
      /** How many assertions one client may use in 6.5 minutes on one instance. */
      readonly maxPerClient: number;
    },
  ) {
    const { clock } = its;
    this.#counts = new BoundedMap({ maxEntries: maxClients, ttlSeconds: windowSeconds, clock });
  }

  /**
   * Claims the assertion of that `jti`; one caller alone gets `first`. It is remembered until
   * `acceptedUntil`, and longer, as another instance's clock may be behind.
   */
  async claim(clientId: string, jti: string, acceptedUntil: number): Promise<AssertionUse> {
    const { records, clock, maxPerClient } = this.its;
    const used = this.#countOf(clientId);
    if (used.count >= maxPerClient) return 'too_many';
    const seconds = Math.ceil(acceptedUntil - clock.now()) + 30;
    const isFirst = await records.add(JSON.stringify([clientId, jti]), {}, seconds);
    if (!isFirst) return 'replayed';
    // Whoever replays another's assertion must not use up that client's share.
    used.count++;
    return 'first';
  }

  #countOf(clientId: string): { count: number } {
    const known = this.#counts.get(clientId);
    if (known) return known;
    const fresh = { count: 0 };
    this.#counts.set(clientId, fresh);
    return fresh;
  }
}
