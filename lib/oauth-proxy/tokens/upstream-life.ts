import { describeError, StorageError, UpstreamError } from '../../common/errors.js';
import type { MultiAuthEvents } from '../../common/events.js';
import type { Upstream, UpstreamVerdict } from '../upstream/upstream.js';
import type { Grant } from './grant.js';
import type { Grants } from './grants.js';
import type { KnownLogin, LiveLogin, LoginLife } from './login-life.js';
import type { UpstreamSession } from './upstream-session.js';
import type { UpstreamSessions } from './upstream-sessions.js';

export interface UpstreamLifeDependencies {
  readonly upstream: Upstream;
  readonly sessions: UpstreamSessions;
  readonly grants: Grants;
  readonly events: MultiAuthEvents;
}

/** A grant lives as long as its login at the upstream: when that is over, so is the grant. */
export class UpstreamLife implements LoginLife {
  constructor(private readonly its: UpstreamLifeDependencies) {}

  /**
   * The upstream session of a grant, refreshed if it is due; undefined when it is over.
   * @throws UpstreamError `transient` when the upstream cannot be asked now
   */
  session(grantId: string, grant: Grant): Promise<UpstreamSession | undefined> {
    return this.#orEnd(grantId, grant, () => this.its.sessions.live(grantId, grant));
  }

  async refreshed(grantId: string, grant: Grant): Promise<LiveLogin | undefined> {
    const session = await this.session(grantId, grant);
    return session && { session };
  }

  async known(grantId: string, grant: Grant): Promise<KnownLogin | undefined> {
    const session = await this.its.sessions.find(grantId);
    // The upstream gave out tokens: it knew the user then.
    return (
      session && { at: session.obtainedAt, goesOn: () => this.goesOn(grantId, grant, session) }
    );
  }

  /**
   * Asks the upstream whether the login goes on.
   * @throws UpstreamError `transient` when it cannot be asked now
   */
  async goesOn(grantId: string, grant: Grant, known: UpstreamSession): Promise<boolean> {
    const session = await this.#orEnd(grantId, grant, async () => {
      const live = await this.its.sessions.live(grantId, grant);
      // A refresh is the best answer there is.
      if (!live || live.generation > known.generation) return live;
      const verdict = await this.#ask(live, grant);
      if (verdict === 'alive') return live;
      // An access token may be refused for itself; the refresh token stands for the login.
      if (live.refreshToken !== undefined) return this.its.sessions.renewed(grantId, grant, live);
      if (verdict === 'unknown') return live;
      throw new UpstreamError('the upstream refuses the access token', 'refused');
    });
    return session !== undefined;
  }

  async #ask({ accessToken }: UpstreamSession, { subject }: Grant): Promise<UpstreamVerdict> {
    try {
      return (await this.its.upstream.check?.({ accessToken, subject })) ?? 'unknown';
    } catch (error) {
      if (error instanceof UpstreamError || error instanceof StorageError) throw error;
      throw new UpstreamError(`the check failed: ${describeError(error)}`, 'transient');
    }
  }

  async #orEnd(
    grantId: string,
    grant: Grant,
    ask: () => Promise<UpstreamSession | undefined>,
  ): Promise<UpstreamSession | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      this.its.events.emit('upstream.failed', { reason: error.message, kind: error.kind });
      if (error.kind !== 'refused') throw error;
      await this.its.grants.revoke(grantId, grant.clientId, 'upstream_refused');
      return undefined;
    }
  }
}
