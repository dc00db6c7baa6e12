import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../common/clock.js';
import { StorageError, UpstreamError } from '../../common/errors.js';
import { randomToken } from '../../crypto/random.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { Upstream } from '../upstream/upstream.js';
import type { Grant } from './grant.js';
import type { UpstreamRevocations } from './upstream-revocations.js';
import { renewedSession, type UpstreamSession } from './upstream-session.js';

// Longer than a refresh with all its time limits can take: a lock that is lost while its holder
// works would let two requests use one rotating refresh token.
const lockSeconds = 60;
const waitsMilliseconds = [100, 200, 400, ...Array<number>(12).fill(1000)];
const saveRetriesMilliseconds = [50, 250, 1000];

export interface UpstreamSessionsDependencies {
  readonly sessions: RecordCollection<UpstreamSession>;
  readonly locks: RecordCollection<{ owner: string }>;
  readonly grants: RecordCollection<Grant>;
  readonly upstream: Upstream;
  readonly revocations: UpstreamRevocations;
  readonly clock: Clock;
}

/** The upstream sessions behind the grants, refreshed by one instance at a time. */
export class UpstreamSessions {
  readonly #running = new Map<string, Promise<UpstreamSession | undefined>>();

  constructor(private readonly its: UpstreamSessionsDependencies) {}

  async save(grantId: string, grant: Grant, session: UpstreamSession): Promise<void> {
    await this.its.sessions.set(grantId, session, grant.expiresAt - this.its.clock.now());
  }

  take(grantId: string): Promise<UpstreamSession | undefined> {
    return this.its.sessions.take(grantId);
  }

  /**
   * The session, refreshed at the upstream if its access token is about to expire. Requests of one
   * process share the wait.
   *
   * @returns undefined when there is no session any more
   * @throws UpstreamError `refused` when the upstream ended it; `transient` when nothing is lost
   */
  live(grantId: string, grant: Grant): Promise<UpstreamSession | undefined> {
    const running = this.#running.get(grantId);
    if (running) return running;
    const begun = this.#live(grantId, grant).finally(() => this.#running.delete(grantId));
    this.#running.set(grantId, begun);
    return begun;
  }

  async #live(grantId: string, grant: Grant): Promise<UpstreamSession | undefined> {
    for (const wait of waitsMilliseconds) {
      const session = await this.its.sessions.get(grantId);
      if (!session || !this.#mustRefresh(session)) return session;
      const owner = randomToken();
      if (await this.its.locks.add(grantId, { owner }, lockSeconds)) {
        return this.#refreshLocked(grantId, grant, owner);
      }
      // Another instance is refreshing: its result serves this request too.
      await delay(wait);
    }
    throw new UpstreamError(
      'waited too long for a refresh that another request makes',
      'transient',
    );
  }

  async #refreshLocked(
    grantId: string,
    grant: Grant,
    owner: string,
  ): Promise<UpstreamSession | undefined> {
    try {
      // Whoever held the lock before may have refreshed between our read and our lock.
      const session = await this.its.sessions.get(grantId);
      if (!session?.refreshToken || !this.#mustRefresh(session)) return session;
      return await this.#refresh(grantId, grant, session, session.refreshToken);
    } finally {
      const holder = await this.its.locks.get(grantId);
      if (holder?.owner === owner) await this.its.locks.delete(grantId);
    }
  }

  async #refresh(
    grantId: string,
    grant: Grant,
    session: UpstreamSession,
    refreshToken: string,
  ): Promise<UpstreamSession | undefined> {
    const now = this.its.clock.now();
    let renewed: UpstreamSession;
    try {
      const tokens = await this.its.upstream.refresh(refreshToken, grant.scopes);
      renewed = renewedSession(session, tokens, now);
    } catch (error) {
      const refused = !(error instanceof UpstreamError) || error.kind === 'refused';
      if (refused || (session.expiresAt ?? 0) <= now) throw error;
      // The refresh was early: what is left of the token serves until the upstream is back.
      return session;
    }
    await this.#saveStubbornly(grantId, grant, renewed);
    // A revocation deletes the grant, then takes the session. If it came while the upstream
    // answered, what was just saved belongs to nobody.
    if (await this.its.grants.get(grantId)) return renewed;
    const orphan = await this.its.sessions.take(grantId);
    if (orphan) this.its.revocations.begin(orphan);
    return undefined;
  }

  /** The upstream has spent the old refresh token: the new one exists only here. */
  async #saveStubbornly(grantId: string, grant: Grant, session: UpstreamSession): Promise<void> {
    for (const wait of saveRetriesMilliseconds) {
      try {
        return await this.save(grantId, grant, session);
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        await delay(wait);
      }
    }
    await this.save(grantId, grant, session);
  }

  #mustRefresh(session: UpstreamSession): boolean {
    return (
      session.refreshToken !== undefined &&
      session.refreshAt !== undefined &&
      session.refreshAt <= this.its.clock.now()
    );
  }
}
