import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../common/clock.js';
import { UpstreamError } from '../../common/errors.js';
import { randomToken } from '../../crypto/random.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { Upstream, UpstreamTokenSet } from '../upstream/upstream.js';
import type { Grant, UpstreamSession } from './grant.js';

const lockSeconds = 20;
const pollMilliseconds = 100;
const maxPolls = 120;

/** What is kept of the upstream's tokens. An `expires_in` that makes no sense counts as unsaid. */
export function toUpstreamSession(tokens: UpstreamTokenSet, now: number): UpstreamSession {
  const seconds = Math.floor(tokens.expiresInSeconds ?? 0);
  return {
    accessToken: tokens.accessToken,
    refreshToken: tokens.refreshToken,
    idToken: tokens.idToken,
    expiresAt: seconds > 0 ? now + seconds : undefined,
  };
}

/** The upstream sessions behind the grants, refreshed by one instance at a time. */
export class UpstreamSessions {
  constructor(
    private readonly sessions: RecordCollection<UpstreamSession>,
    private readonly locks: RecordCollection<{ owner: string }>,
    private readonly upstream: Upstream,
    private readonly clock: Clock,
  ) {}

  async save(grantId: string, grant: Grant, session: UpstreamSession): Promise<void> {
    await this.sessions.set(grantId, session, grant.expiresAt - this.clock.now());
  }

  find(grantId: string): Promise<UpstreamSession | undefined> {
    return this.sessions.get(grantId);
  }

  take(grantId: string): Promise<UpstreamSession | undefined> {
    return this.sessions.take(grantId);
  }

  /**
   * The session, refreshed at the upstream if its access token has expired.
   *
   * @returns undefined when there is no session any more
   * @throws UpstreamError `refused` when the upstream ended it; `transient` when nothing is lost
   */
  async live(grantId: string, grant: Grant): Promise<UpstreamSession | undefined> {
    for (let poll = 0; poll < maxPolls; poll++) {
      const session = await this.sessions.get(grantId);
      if (!session || !this.#mustRefresh(session)) return session;
      const owner = randomToken();
      if (await this.locks.add(grantId, { owner }, lockSeconds)) {
        return this.#refreshLocked(grantId, grant, owner);
      }
      // Another request, perhaps on another machine, is refreshing: its result serves this one too.
      await delay(pollMilliseconds);
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
      const session = await this.sessions.get(grantId);
      if (!session?.refreshToken || !this.#mustRefresh(session)) return session;
      const tokens = await this.upstream.refresh(session.refreshToken, grant.scopes);
      const renewed: UpstreamSession = {
        ...toUpstreamSession(tokens, this.clock.now()),
        refreshToken: tokens.refreshToken ?? session.refreshToken,
        idToken: tokens.idToken ?? session.idToken,
      };
      await this.save(grantId, grant, renewed);
      return renewed;
    } finally {
      const holder = await this.locks.get(grantId);
      if (holder?.owner === owner) await this.locks.delete(grantId);
    }
  }

  #mustRefresh(session: UpstreamSession): boolean {
    return (
      session.refreshToken !== undefined &&
      session.expiresAt !== undefined &&
      session.expiresAt <= this.clock.now()
    );
  }
}
