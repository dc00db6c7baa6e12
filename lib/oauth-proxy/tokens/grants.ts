import { type Clock } from '../../common/clock.js';
import { describeError } from '../../common/errors.js';
import type { MultiAuthEventMap, MultiAuthEvents } from '../../common/events.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { Upstream } from '../upstream/upstream.js';
import type { Grant, UpstreamSession } from './grant.js';
import type { UpstreamSessions } from './upstream-sessions.js';

type RevocationCause = MultiAuthEventMap['grant.revoked']['cause'];

/**
 * The living grants. A grant is never changed: it is there or it is not, and every token is worth
 * only as much as its grant. So a revocation is one deletion, and nothing can race it back to life.
 */
export class Grants {
  readonly #revocations = new Set<Promise<void>>();

  constructor(
    private readonly grants: RecordCollection<Grant>,
    private readonly sessions: UpstreamSessions,
    private readonly its: {
      readonly clock: Clock;
      readonly events: MultiAuthEvents;
      readonly upstream: Upstream;
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
    if (session && cause !== 'upstream_refused') this.#revokeUpstream(session);
  }

  /** Waits for what was begun at the upstream. */
  async settled(): Promise<void> {
    await Promise.all(this.#revocations);
  }

  /** The upstream may be slow or down: the client does not wait for it. */
  #revokeUpstream(session: UpstreamSession): void {
    const revocation = Promise.resolve(this.its.upstream.revoke(session))
      .catch((error: unknown) => {
        this.its.events.emit('upstream.failed', {
          reason: `revocation: ${describeError(error)}`,
          kind: 'transient',
        });
      })
      .finally(() => this.#revocations.delete(revocation));
    this.#revocations.add(revocation);
  }
}
