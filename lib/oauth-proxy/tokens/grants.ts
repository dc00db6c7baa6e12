import type { Clock } from '../../common/clock.js';
import type { MultiAuthEventMap, MultiAuthEvents } from '../../common/events.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { Grant } from './grant.js';
import type { UpstreamRevocations } from './upstream-revocations.js';
import type { UpstreamSession } from './upstream-session.js';
import type { UpstreamSessions } from './upstream-sessions.js';

type RevocationCause = MultiAuthEventMap['grant.revoked']['cause'];

/**
 * The living grants. A grant is never changed: it is there or it is not, and every token is worth
 * only as much as its grant. So a revocation is one deletion, and nothing can race it back to life.
 */
export class Grants {
  constructor(
    private readonly grants: RecordCollection<Grant>,
    private readonly sessions: UpstreamSessions,
    private readonly its: {
      readonly clock: Clock;
      readonly events: MultiAuthEvents;
      readonly revocations: UpstreamRevocations;
    },
  ) {}

  async create(id: string, grant: Grant, session: UpstreamSession): Promise<void> {
    await this.sessions.save(id, grant, session);
    await this.grants.set(id, grant, grant.expiresAt - this.its.clock.now());
  }

  find(id: string): Promise<Grant | undefined> {
    return this.grants.get(id);
  }

  /** Takes back a grant that nobody got to know. */
  async discard(id: string): Promise<void> {
    await this.grants.delete(id);
    await this.sessions.take(id);
  }

  /** Ends the grant with all its tokens, at once and everywhere, and the upstream session with it. */
  async revoke(id: string, clientId: string, cause: RevocationCause): Promise<void> {
    await this.grants.delete(id);
    const session = await this.sessions.take(id);
    this.its.events.emit('grant.revoked', { grantId: id, clientId, cause });
    if (session && cause !== 'upstream_refused') this.its.revocations.begin(session);
  }
}
