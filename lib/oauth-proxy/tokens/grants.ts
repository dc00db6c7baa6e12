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
  /** What is kept of the logins at the upstream; absent where there is none. */
  readonly sessions?: UpstreamSessions;
  readonly revocations?: UpstreamRevocations;
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
    session: UpstreamSession | undefined,
  ): Promise<NewGrant> {
    const { clock, index, grants, sessions } = this.its;
    const now = clock.now();
    const seconds = grantSeconds(content, now, this.its.idleSeconds);
    const free = await index.claim(content.subject, id, seconds);
    const displaced = free === undefined ? await this.#idlestOf(content.subject) : undefined;
    const slot = free ?? displaced?.slot ?? 0;
    const grant = { ...content, slot, term: { id: randomToken(8), since: now } };
    const created = { grant, displaced };
    return orUndo(
      async () => {
        if (session) await sessions?.save(id, grant, session);
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
    if (!grant) return undefined;
    if (revoked) {
      // A refresh that came to nothing brought it back.
      await this.end(id);
      return undefined;
    }
    if (!(await this.its.marks.cover(grant))) return grant;
    await this.revoke(id, grant.clientId, 'operator');
    return undefined;
  }

  /**
   * Gives a grant that is used more time. What is issued on it then is known to nobody before
   * `living` was asked again: a revocation may have come in between.
   */
  async prolong(id: string, grant: Grant, session: UpstreamSession | undefined): Promise<Grant> {
    const { clock, grants, sessions, idleSeconds } = this.its;
    const now = clock.now();
    if (!isTermOver(grant, now, idleSeconds)) return grant;
    const seconds = grantSeconds(grant, now, idleSeconds);
    // One that expires is saved at each of its own refreshes, and may be in the middle of one.
    if (session && session.expiresAt === undefined) await sessions?.save(id, grant, session);
    const slot = await this.#listAgain(id, grant, seconds);
    const prolonged = { ...grant, slot, term: { id: randomToken(8), since: now } };
    // Last: if anything failed before, the next refresh does it all.
    await grants.set(id, prolonged, seconds);
    return prolonged;
  }

  /** Takes back a grant that nobody got to know. */
  async discard(id: string, { grant }: NewGrant): Promise<void> {
    await this.its.grants.delete(id);
    await this.#clear(id, grant, false);
  }

  /**
   * Ends the grant with all its tokens, at once and everywhere, and the upstream session with it.
   * When it fails nothing stands in the way of doing it again, which finishes what was begun.
   */
  async revoke(id: string, clientId: string, cause: RevocationCause): Promise<void> {
    const { grants, revokedGrants, events, idleSeconds } = this.its;
    // First: every access token asks for it, and only a few for the trace.
    const grant = await grants.take(id);
    if (grant) events.emit('grant.revoked', { grantId: id, clientId, cause });
    try {
      // From here on nobody who prolongs it can believe that it lives.
      await revokedGrants.set(id, {}, idleSeconds + 3 * daySeconds);
    } finally {
      // Again: somebody who prolongs it may have written it in between.
      await this.#clear(id, (await grants.take(id)) ?? grant, cause !== 'upstream_refused');
    }
  }

  /** Removes what is left of a grant that is over. */
  async end(id: string): Promise<void> {
    await this.#clear(id, await this.its.grants.take(id), true);
  }

  /** Removes what belongs to a grant whose record is gone. */
  async #clear(id: string, grant: Grant | undefined, endsUpstream: boolean): Promise<void> {
    const { index, sessions } = this.its;
    try {
      if (grant) await index.release(grant.subject, { slot: grant.slot, grantId: id });
    } finally {
      if (endsUpstream) await this.#endSession(id);
      else await sessions?.take(id);
    }
  }

  /** Ends it at the upstream also when the store took it away and could not say so. */
  async #endSession(id: string): Promise<void> {
    const { sessions, revocations } = this.its;
    if (!sessions) return;
    const known = await sessions.find(id);
    const taken = await orUndo(
      () => sessions.take(id),
      async () => {
        if (known) revocations?.begin(known);
      },
    );
    if (taken) revocations?.begin(taken);
  }

  /** Renews the place of the grant, or finds it another: that may be somebody else's by now. */
  async #listAgain(id: string, { subject, slot }: Grant, seconds: number): Promise<number> {
    const { index } = this.its;
    if (await index.put(subject, { slot, grantId: id }, seconds)) return slot;
    return (await index.claim(subject, id, seconds)) ?? slot;
  }

  /** The one that was not used for longest; a place without a grant comes before them all. */
  async #idlestOf(subject: string): Promise<TakenSlot | undefined> {
    const listed = await this.its.index.list(subject);
    const found = await Promise.all(
      listed.map(async (taken) => {
        const grant = await this.find(taken.grantId);
        return { taken, usedAt: grant?.term.since ?? 0, issuedAt: grant?.issuedAt ?? 0 };
      }),
    );
    return found.toSorted((a, b) => a.usedAt - b.usedAt || a.issuedAt - b.issuedAt)[0]?.taken;
  }

  async #displace(displaced: TakenSlot, id: string, { subject, slot, ...grant }: Grant) {
    const { index, clock, idleSeconds } = this.its;
    const { clientId } = (await this.find(displaced.grantId)) ?? {};
    if (clientId !== undefined) await this.revoke(displaced.grantId, clientId, 'limit');
    await index.release(subject, displaced);
    // Should a third one be there already, its next refresh finds this one another place.
    await index.put(subject, { slot, grantId: id }, grantSeconds(grant, clock.now(), idleSeconds));
  }
}
