import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../common/clock.js';
import { StorageError, UpstreamError } from '../../common/errors.js';
import type { MultiAuthEvents } from '../../common/events.js';
import { late, within } from '../../common/within.js';
import { randomToken } from '../../crypto/random.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { Upstream, UpstreamTokenSet } from '../upstream/upstream.js';
import { type Grant, sessionSeconds } from './grant.js';
import { orUndo } from './or-undo.js';
import type { UpstreamRevocations } from './upstream-revocations.js';
import { isDue, renewedSession, type UpstreamSession } from './upstream-session.js';
import { UpstreamSessionRecords } from './upstream-session-records.js';

// Longer than a refresh can take: discovery, token and keys have ten seconds each. Whoever takes a
// lock over from a holder that still works uses the same refresh token, which an upstream that
// rotates takes for a theft.
const lockSeconds = 40;
const waitsMilliseconds = [100, 200, 400, ...Array<number>(12).fill(1000)];

export interface UpstreamSessionsDependencies {
  readonly sessions: RecordCollection<UpstreamSession>;
  readonly successors: RecordCollection<UpstreamSession>;
  readonly locks: RecordCollection<{ owner: string }>;
  readonly grants: RecordCollection<Grant>;
  readonly upstream: Upstream;
  readonly revocations: UpstreamRevocations;
  readonly clock: Clock;
  readonly events: MultiAuthEvents;
  /** How long before its end a session is refreshed. */
  readonly refreshMarginSeconds: number;
  /** How long a grant may stay unused. */
  readonly idleSeconds: number;
}

/** One attempt to refresh, under the lock. */
interface Turn {
  readonly grantId: string;
  readonly grant: Grant;
  /** The generation that is to be followed. */
  readonly known: number;
  readonly owner: string;
  readonly since: number;
}

/** The upstream sessions behind the grants, refreshed by one instance at a time. */
export class UpstreamSessions {
  readonly #records: UpstreamSessionRecords;
  readonly #running = new Map<string, Promise<UpstreamSession | undefined>>();

  constructor(private readonly its: UpstreamSessionsDependencies) {
    this.#records = new UpstreamSessionRecords(its.sessions, its.successors);
  }

  async save(grantId: string, grant: Grant, session: UpstreamSession): Promise<void> {
    await this.#records.save(grantId, session, this.#seconds(grant, session));
  }

  take(grantId: string): Promise<UpstreamSession | undefined> {
    return this.#records.take(grantId);
  }

  /** The session as it is; only one that is due can have a newer one beside it. */
  async find(grantId: string): Promise<UpstreamSession | undefined> {
    const head = await this.#records.head(grantId);
    return head && this.#isDue(head) ? this.#records.newestFrom(grantId, head) : head;
  }

  /**
   * The session, refreshed at the upstream if its access token is about to expire.
   *
   * @returns undefined when there is no session any more
   * @throws UpstreamError `refused` when the upstream ended it; `transient` when nothing is lost
   */
  async live(grantId: string, grant: Grant): Promise<UpstreamSession | undefined> {
    const session = await this.find(grantId);
    if (!session || !this.#isDue(session)) return session;
    try {
      return await this.renewed(grantId, grant, session);
    } catch (error) {
      const passing = error instanceof UpstreamError && error.kind === 'transient';
      if (!passing || (session.expiresAt ?? 0) <= this.its.clock.now()) throw error;
      // The refresh was early: what is left of the token serves until the upstream is back.
      this.its.events.emit('upstream.failed', { reason: error.message, kind: error.kind });
      return session;
    }
  }

  /**
   * A session newer than the one that is known: got from the upstream now, unless somebody has one.
   * Without a refresh token it is the known one. Requests of one process share the wait.
   *
   * @returns undefined when there is no session any more
   * @throws UpstreamError as `live`
   */
  renewed(
    grantId: string,
    grant: Grant,
    { generation }: UpstreamSession,
  ): Promise<UpstreamSession | undefined> {
    const key = `${grantId}:${generation}`;
    const running = this.#running.get(key);
    if (running) return running;
    const begun = this.#inTime(this.#renew(grantId, grant, generation)).finally(() => {
      this.#running.delete(key);
    });
    this.#running.set(key, begun);
    return begun;
  }

  /** Waits for the refreshes that were begun: what they bring exists nowhere else. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running.values());
  }

  /** A custom upstream may have no time limits; the answer, should it come, is kept all the same. */
  async #inTime(
    renewal: Promise<UpstreamSession | undefined>,
  ): Promise<UpstreamSession | undefined> {
    const outcome = await within(renewal, lockSeconds);
    if (outcome !== late) return outcome;
    throw new UpstreamError('the upstream takes too long for a refresh', 'transient');
  }

  async #renew(grantId: string, grant: Grant, known: number): Promise<UpstreamSession | undefined> {
    for (const wait of waitsMilliseconds) {
      const owner = randomToken();
      const turn = { grantId, grant, known, owner, since: this.its.clock.now() };
      if (await this.#lock(turn)) return this.#inTurn(turn);
      // Another instance is refreshing: its result serves this request too.
      await delay(wait);
      const session = await this.#records.newest(grantId);
      if (!session || session.generation > known) return session;
    }
    throw new UpstreamError(
      'waited too long for a refresh that another request makes',
      'transient',
    );
  }

  /** Whoever does not hear that the lock is theirs must not keep everybody waiting for its end. */
  #lock(turn: Turn): Promise<boolean> {
    return orUndo(
      () => this.its.locks.add(turn.grantId, { owner: turn.owner }, lockSeconds),
      () => this.#release(turn),
    );
  }

  async #inTurn(turn: Turn): Promise<UpstreamSession | undefined> {
    try {
      // Whoever held the lock before may have refreshed between our read and our lock.
      const session = await this.#records.newest(turn.grantId);
      if (!session?.refreshToken || session.generation > turn.known) return session;
      const now = this.its.clock.now();
      const tokens = await this.#refreshed(turn, session, session.refreshToken);
      return tokens
        ? await this.#keep(turn, renewedSession(session, tokens, now))
        : await this.#records.newest(turn.grantId);
    } finally {
      await this.#release(turn);
    }
  }

  /** New tokens; undefined when the old refresh token was spent on a newer session meanwhile. */
  async #refreshed(
    { grantId, grant }: Turn,
    session: UpstreamSession,
    refreshToken: string,
  ): Promise<UpstreamTokenSet | undefined> {
    const { subject, resource, scopes } = grant;
    try {
      return await this.its.upstream.refresh(refreshToken, scopes, { subject, resource });
    } catch (error) {
      // The holder of a lock that ran out may have been slow, not dead.
      const newest = await this.#records.newest(grantId);
      if (newest && newest.generation > session.generation) return undefined;
      throw error;
    }
  }

  async #keep(turn: Turn, session: UpstreamSession): Promise<UpstreamSession | undefined> {
    const { grantId, grant } = turn;
    const first = await this.#records.commit(grantId, session, this.#seconds(grant, session));
    if (first) await this.#promote(turn, session);
    // A revocation deletes the grant, then takes the session. If it came while the upstream
    // answered, what was just saved belongs to nobody.
    const [living, head] = await Promise.all([
      this.its.grants.get(grantId),
      this.#records.head(grantId),
    ]);
    if (living && head) {
      return first ? session : this.#records.newest(grantId);
    }
    const orphan =
      (await this.#records.take(grantId)) ??
      (await this.#records.takeCommitted(grantId, session.generation));
    if (orphan) this.its.revocations.begin(orphan);
    return undefined;
  }

  /** The session is committed: a head that stays behind costs its readers a step, and no more. */
  async #promote(turn: Turn, session: UpstreamSession): Promise<void> {
    const { grantId, grant } = turn;
    const seconds = this.#seconds(grant, session);
    try {
      await this.#records.promote(grantId, session, seconds, () => this.#holds(turn));
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
    }
  }

  async #release(turn: Turn): Promise<void> {
    const holder = await this.its.locks.get(turn.grantId);
    // A lock that may run out between look and deletion is left to do so: it could be another's.
    if (holder?.owner === turn.owner && this.#holds(turn)) {
      await this.its.locks.delete(turn.grantId);
    }
  }

  /** Whether the lock is this turn's for a while yet. */
  #holds({ since }: Turn): boolean {
    return this.its.clock.now() - since < lockSeconds - 5;
  }

  #isDue(session: UpstreamSession): boolean {
    return isDue(session, this.its.refreshMarginSeconds, this.its.clock.now());
  }

  #seconds(grant: Grant, session: UpstreamSession): number {
    return sessionSeconds(grant, session, this.its.clock.now(), this.its.idleSeconds);
  }
}
