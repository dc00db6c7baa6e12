import type { Clock } from '../../common/clock.js';
import { UpstreamError } from '../../common/errors.js';
import type { MultiAuthEvents } from '../../common/events.js';
import type { AccessToken } from '../../verifiers/access-token.js';
import type { Upstream, UpstreamTokenExchange } from '../upstream/upstream.js';
import type { Grants } from './grants.js';
import type { UpstreamLife } from './upstream-life.js';
import type { UpstreamSession } from './upstream-session.js';
import { UpstreamToken } from './upstream-token.js';

export interface UpstreamTokensDependencies {
  readonly issuer: string;
  readonly grants: Grants;
  readonly life: UpstreamLife;
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly events: MultiAuthEvents;
}

/**
 * The upstream's tokens behind the tokens of this server, for tools that call the upstream's API on
 * behalf of the user: `(await upstreamTokens.for(token)).accessToken`.
 */
export class UpstreamTokens {
  readonly #its: UpstreamTokensDependencies | undefined;

  /** Without an `OAuthProxy` there is no upstream, and every call is refused. */
  constructor(its?: UpstreamTokensDependencies) {
    this.#its = its;
  }

  /**
   * The live upstream token behind an accepted token, refreshed first if it is about to expire.
   *
   * @throws UpstreamError `refused` when the token is not one of the module's `OAuthProxy`, or its
   *   login is over; `transient` when the upstream cannot be used now
   */
  async for(token: AccessToken): Promise<UpstreamToken> {
    const { accessToken, expiresAt, scopes } = await this.#session(token);
    return new UpstreamToken({ accessToken, expiresAt, scopes });
  }

  /**
   * Exchanges the upstream token behind an accepted token for one of another service, at the
   * upstream's token endpoint.
   *
   * @throws UpstreamError as `for`; `refused` also when the upstream refuses the exchange
   * @see RFC 8693
   */
  async exchange(token: AccessToken, wanted: UpstreamTokenExchange = {}): Promise<UpstreamToken> {
    const { upstream, clock, events } = this.#dependencies();
    const { accessToken } = await this.#session(token);
    if (!upstream.exchangeToken) {
      throw new UpstreamError('the upstream has no token exchange', 'refused');
    }
    const now = clock.now();
    try {
      const exchanged = await upstream.exchangeToken(accessToken, wanted);
      const { expiresInSeconds: seconds, scopes, issuedTokenType } = exchanged;
      const expiresAt =
        seconds !== undefined && seconds > 0 ? now + Math.floor(seconds) : undefined;
      return new UpstreamToken({
        accessToken: exchanged.accessToken,
        expiresAt,
        scopes,
        issuedTokenType,
      });
    } catch (error) {
      if (error instanceof UpstreamError) {
        events.emit('upstream.failed', { reason: error.message, kind: error.kind });
      }
      throw error;
    }
  }

  async #session(token: AccessToken): Promise<UpstreamSession> {
    const { issuer, grants, life } = this.#dependencies();
    const { sid } = token.claims;
    if (token.issuer !== issuer || typeof sid !== 'string') {
      throw new UpstreamError('the token is not one of this server', 'refused');
    }
    const grant = await grants.living(sid);
    const isItsGrant = grant?.subject === token.subject && grant?.clientId === token.clientId;
    const session = grant && isItsGrant ? await life.session(sid, grant) : undefined;
    if (!session) throw new UpstreamError('the login is over', 'refused');
    return session;
  }

  #dependencies(): UpstreamTokensDependencies {
    if (this.#its) return this.#its;
    throw new UpstreamError('the module has no OAuthProxy, and so no upstream', 'refused');
  }
}
