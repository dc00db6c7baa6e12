import type { Clock } from '../../common/clock.js';
import { describeError } from '../../common/errors.js';
import type { MultiAuthEventMap, MultiAuthEvents } from '../../common/events.js';
import { randomToken } from '../../crypto/random.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import { type Grant, grantSeconds, isTermOver } from './grant.js';
import type { GrantIndex, TakenSlot } from './grant-index.js';
import { orUndo } from './or-undo.js';
import type { RevocationMarks } from './revocation-marks.js';
import type { UpstreamRevocations } from './upstream-revocations.js';
import type { UpstreamSession } from './upstream-session.js';
import type { UpstreamSessions } from './upstream-sessions.js';

type RevocationCause = MultiAuthEventMap['grant.revoked']['cause'];

export interface GrantsDependencies {
  readonly grants: RecordCollection<Grant>;
  /** By the id of the grant: that it was revoked. */
  readonly revokedGrants: RecordCollection<object>;
  readonly index: GrantIndex;
  readonly marks: RevocationMarks;
  readonly sessions: UpstreamSessions;
  readonly revocations: UpstreamRevocations;
  readonly clock: Clock;
  readonly events: MultiAuthEvents;
  /** How long a login may stay unused: `lifetimes.refreshTokenIdle`. */
  readonly idleSeconds: number;
}

/** A grant that is written and that nobody knows yet. */
export interface NewGrant {
  readonly grant: Grant;
  /** Another one of the subject, in whose place it comes. */
  readonly displaced?: TakenSlot | undefined;
}

const daySeconds = 86_400;

/**
 * The living grants. Every token is worth only as much as its grant, so a revocation is one
 * deletion. A grant's content is never changed; a refresh may give it more time, and a trace of each
 * revocation keeps a refresh that goes on beside it from bringing the grant back.
 */
export class Grants {
  constructor(private readonly its: GrantsDependencies) {}

  async create(
    id: string,
    content: Omit<Grant, 'slot' | 'term'>,
    session: UpstreamSession,
  ): Promise<NewGrant> {
    const { clock, index, grants, sessions } = this.its;
    const now = clock.now();
    const seconds = grantSeconds(content, now, this.its.idleSeconds);
    const free = await index.claim(content.subject, id, seconds);
    const displaced = free === undefined ? await this.#oldestOf(content.subject) : undefined;
    const slot = free ?? displaced?.slot ?? 0;
    const grant = { ...content, slot, term: { id: randomToken(8), since: now } };
    const created = { grant, displaced };
    return orUndo(
      async () => {
        await sessions.save(id, grant, session);
        await grants.set(id, grant, seconds);
        return created;
      },
      () => this.discard(id, created),
    );
  }

  /**
   * Lets a new grant in, once the right to it was claimed.
   * @returns false when it was revoked before anyone knew it
   */
  async admit(id: string, { grant, displaced }: NewGrant): Promise<boolean> {
    if (!(await this.living(id))) {
      await this.end(id);
      return false;
    }
    try {
      if (displaced) await this.#displace(displaced, id, grant);
    } catch (error) {
      // The grant is good; it is only missing where the grants of its subject are listed.
      const reason = `a grant could not be listed: ${describeError(error)}`;
      this.its.events.emit('endpoint.failed', { endpoint: 'token', reason });
    }
    return true;
  }

  /** The grant, if its record is there. For what is older than its term, ask `wasRevoked` too. */
  find(id: string): Promise<Grant | undefined> {
    return this.its.grants.get(id);
  }

  async wasRevoked(id: string): Promise<boolean> {
    return (await this.its.revokedGrants.get(id)) !== undefined;
  }

  /** The grant, if nothing ended it, by everything that the store knows. */
  async living(id: string): Promise<Grant | undefined> {
    const [grant, revoked] = await Promise.all([this.find(id), this.wasRevoked(id)]);
    if (!grant || revoked) return undefined;
    if (!(await this.its.marks.cover(grant))) return grant;
    await this.revoke(id, grant.clientId, 'operator');
    return undefined;
  }

  /**
   * Gives a grant that is used more time. What is issued on it then is known to nobody before
   * `living` was asked again: a revocation may have come in between.
   */
  async prolong(id: string, grant: Grant, session: UpstreamSession): Promise<Grant> {
    const { clock, index, grants, sessions, idleSeconds } = this.its;
    const now = clock.now();
    if (!isTermOver(grant, now, idleSeconds)) return grant;
    const prolonged = { ...grant, term: { id: randomToken(8), since: now } };
    const seconds = grantSeconds(prolonged, now, idleSeconds);
    // One that expires is saved at each of its own refreshes, and may be in the middle of one.
    if (session.expiresAt === undefined) await sessions.save(id, prolonged, session);
    await index.put(grant.subject, { slot: grant.slot, grantId: id }, seconds);
    // Last: if anything failed before, the next refresh does it all.
    await grants.set(id, prolonged, seconds);
    return prolonged;
  }

  /** Takes back a grant that nobody got to know. */
  async discard(id: string, { grant }: NewGrant): Promise<void> {
    await this.its.grants.delete(id);
    await this.its.sessions.take(id);
    await this.its.index.release(grant.subject, { slot: grant.slot, grantId: id });
  }

  /** Ends the grant with all its tokens, at once and everywhere, and the upstream session with it. */
  async revoke(id: string, clientId: string, cause: RevocationCause): Promise<void> {
    const { revokedGrants, events, idleSeconds } = this.its;
    // First: from here on nobody who prolongs it can believe that it lives.
    await revokedGrants.set(id, {}, idleSeconds + 3 * daySeconds);
    const isEnded = await this.end(id, cause !== 'upstream_refused');
    if (isEnded) events.emit('grant.revoked', { grantId: id, clientId, cause });
  }

  /** Removes what is left of a grant that is over; tells whether it was still there. */
  async end(id: string, endsUpstream = true): Promise<boolean> {
    const grant = await this.its.grants.take(id);
    const session = await this.its.sessions.take(id);
    if (grant) await this.its.index.release(grant.subject, { slot: grant.slot, grantId: id });
    if (session && endsUpstream) this.its.revocations.begin(session);
    return grant !== undefined;
  }

  async #oldestOf(subject: string): Promise<TakenSlot | undefined> {
    const listed = await this.its.index.list(subject);
    const found = await Promise.all(
      listed.map(async (taken) => ({ taken, at: (await this.find(taken.grantId))?.issuedAt ?? 0 })),
    );
    return found.toSorted((a, b) => a.at - b.at)[0]?.taken;
  }

  async #displace(displaced: TakenSlot, id: string, { subject, slot, ...grant }: Grant) {
    const { index, clock, idleSeconds } = this.its;
    const { clientId } = (await this.find(displaced.grantId)) ?? {};
    if (clientId !== undefined) await this.revoke(displaced.grantId, clientId, 'limit');
    await index.put(subject, { slot, grantId: id }, grantSeconds(grant, clock.now(), idleSeconds));
  }
}
