import type { Awaitable } from '../../common/awaitable.js';
import { BoundedMap } from '../../common/bounded-map.js';
import type { Clock } from '../../common/clock.js';
import { StorageError } from '../../common/errors.js';
import { randomToken } from '../../crypto/random.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { RevocationTarget } from '../../verifiers/oauth-provider.js';
import type { Grant } from './grant.js';

/** Everything granted to the target until then, that second included, is void. */
export interface RevocationMark {
  /** In seconds since the epoch. */
  readonly at: number;
}

/** What there is to know of all marks together. */
export interface LatestMark {
  /** Random; another one with each mark. */
  readonly id: string;
  /** No mark is of a later second, nor will one be for a while; absent when that is not known. */
  readonly at?: number;
}

/** What was granted to whom, and when. */
export type Granted = Pick<Grant, 'subject' | 'clientId' | 'issuedAt'>;

export interface RevocationMarksDependencies {
  readonly marks: RecordCollection<RevocationMark>;
  /** Under one key. */
  readonly latestMark: RecordCollection<LatestMark>;
  readonly clock: Clock;
  /** As long as any grant can live, whatever was configured when it was made. */
  readonly seconds: number;
}

const latest = 'latest';
const none = -1;
/** By how much the clock of another instance may be ahead and still be believed. */
const clockSkewSeconds = 30;
/**
 * How far beyond its mark a bound is written. The store may carry out a write late, in place of a newer
 * one: the bound still holds for what was marked in the time between. It costs later grants some reads.
 */
const aheadSeconds = 3600;
const cacheLimits = { maxEntries: 10_000, ttlSeconds: 60 };

/**
 * The marks that end all grants of a subject or a client, also those that nobody can list and those
 * that are being made. A mark cannot be raced: it says of whatever is older that it is void.
 */
export class RevocationMarks {
  #latest: LatestMark | undefined;
  /** The latest bound that was seen: one that comes late does not lower it. */
  #bound = none;
  /** The second in which `#latest` was asked for. */
  #askedAt: number | undefined;
  #asking: Promise<void> | undefined;
  #cache: BoundedMap<string, number>;

  constructor(private readonly its: RevocationMarksDependencies) {
    this.#cache = this.#emptyCache();
  }

  /**
   * Writes down that there is no later mark than now, unless it is known: whatever is granted from
   * then on needs no look at any mark until there is one. Without it every grant is looked up.
   */
  async begin(): Promise<void> {
    const { latestMark, clock, seconds } = this.its;
    try {
      await latestMark.add(latest, { id: randomToken(8), at: clock.now() }, seconds);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
    }
  }

  async set(target: RevocationTarget): Promise<void> {
    const { marks, clock, seconds } = this.its;
    const key = keyOf(target);
    const now = clock.now();
    const before = (await marks.get(key))?.at ?? 0;
    // The clock of another instance may be a little ahead: its mark stays. One of a clock that was
    // wrong would keep out whoever logs in for as long.
    const at = before <= now + clockSkewSeconds ? Math.max(now, before) : now;
    // Before the mark: it is never there without its bound.
    await this.#raise(at + aheadSeconds);
    await marks.set(key, { at }, at - now + seconds);
    // And after it: whoever sees this one finds the mark.
    await this.#raise(at + aheadSeconds);
    this.#askedAt = undefined;
  }

  /** Tells whether a mark ended it, by the store. */
  async cover(granted: Granted): Promise<boolean> {
    return granted.issuedAt <= (await this.#read(granted));
  }

  /** Tells the same by what was in the store a second ago at most; mostly without asking it. */
  coverLately(granted: Granted): Awaitable<boolean> {
    const asking = this.#upToDate();
    return asking ? asking.then(() => this.#coverCached(granted)) : this.#coverCached(granted);
  }

  #coverCached(granted: Granted): Awaitable<boolean> {
    // The bound may be that of an instance whose clock is behind.
    const until = Math.max(this.#latest?.at ?? Infinity, this.#bound) + clockSkewSeconds;
    if (granted.issuedAt > until) return false;
    const key = keyOf(granted);
    // A later mark makes this cache obsolete, and what is read for it by then goes with it.
    const cache = this.#cache;
    const known = cache.get(key);
    if (known !== undefined) return granted.issuedAt <= known;
    return this.#read(granted).then((at) => {
      cache.set(key, at);
      return granted.issuedAt <= at;
    });
  }

  #upToDate(): Promise<void> | undefined {
    const now = this.its.clock.now();
    if (this.#askedAt !== now) {
      this.#askedAt = now;
      const asking = this.#askLatest().finally(() => {
        if (this.#asking === asking) this.#asking = undefined;
      });
      this.#asking = asking;
    }
    return this.#asking;
  }

  async #askLatest(): Promise<void> {
    try {
      const found = await this.its.latestMark.get(latest);
      const isKnown = found?.id === this.#latest?.id;
      this.#latest = found;
      this.#bound = Math.max(this.#bound, found?.at ?? none);
      if (isKnown) return;
      this.#cache = this.#emptyCache();
    } catch (error) {
      this.#askedAt = undefined;
      throw error;
    }
  }

  /** Says that there may be marks until then, under another id. */
  async #raise(until: number): Promise<void> {
    const { latestMark, clock, seconds } = this.its;
    const at = Math.max(until, (await latestMark.get(latest))?.at ?? none);
    await latestMark.set(latest, { id: randomToken(8), at }, at - clock.now() + seconds);
  }

  /** The latest of the marks that may concern them. */
  async #read({ subject, clientId }: Granted): Promise<number> {
    const targets = [{ subject }, { clientId }, { subject, clientId }];
    const marks = await Promise.all(targets.map((target) => this.its.marks.get(keyOf(target))));
    return Math.max(...marks.map((mark) => mark?.at ?? none));
  }

  #emptyCache(): BoundedMap<string, number> {
    return new BoundedMap({ ...cacheLimits, clock: this.its.clock });
  }
}

/** No two targets have the same: the length says where the subject ends, and nobody's is -1. */
function keyOf({ subject, clientId }: RevocationTarget): string {
  return `${subject?.length ?? -1}:${subject ?? ''}${clientId === undefined ? '' : `:${clientId}`}`;
}
