import type { Clock } from '../../common/clock.js';
import { UpstreamError } from '../../common/errors.js';
import type { MultiAuthEvents } from '../../common/events.js';
import { intersectScopes } from '../../common/scopes.js';
import { OAuthError } from '../../http/oauth-error.js';
import type { Parameters } from '../../http/parameters.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { Client } from '../clients/client.js';
import type { Grant, RefreshToken, RotatedRefreshToken, TokenResponse } from '../tokens/grant.js';
import type { Grants } from '../tokens/grants.js';
import type { Lifetimes } from '../tokens/lifetimes.js';
import type { IssuedTokens, TokenIssuer } from '../tokens/token-issuer.js';
import type { UpstreamSession } from '../tokens/upstream-session.js';
import type { UpstreamSessions } from '../tokens/upstream-sessions.js';
import {
  assertSameResource,
  type GrantHandler,
  invalidGrant,
  narrowedScopes,
} from './grant-handler.js';

export interface RefreshTokenGrantDependencies {
  readonly refreshTokens: RecordCollection<RefreshToken>;
  readonly rotated: RecordCollection<RotatedRefreshToken>;
  readonly grants: Grants;
  readonly sessions: UpstreamSessions;
  readonly tokens: TokenIssuer;
  readonly clock: Clock;
  readonly events: MultiAuthEvents;
  readonly lifetimes: Lifetimes;
}

/** Exchanges a refresh token for new tokens, and the refresh token for its successor. */
export class RefreshTokenGrant implements GrantHandler {
  constructor(private readonly its: RefreshTokenGrantDependencies) {}

  async handle(form: Parameters, client: Client): Promise<TokenResponse> {
    const token = form.get('refresh_token');
    if (token === undefined) throw new OAuthError('invalid_request', 'refresh_token is missing.');
    const record = await this.its.refreshTokens.get(token);
    if (!record) return this.#again(token, form, client);
    const grant = await this.its.grants.find(record.grantId);
    if (!grant || record.clientId !== client.id) throw invalidGrant();
    assertSameResource(form, grant.resource);
    const asked = narrowedScopes(form, grant.scopes);
    const session = await this.#liveSession(record.grantId, grant);
    // What the upstream no longer grants is no longer ours to give.
    const scopes = intersectScopes(asked, session.grantedScopes ?? asked);
    const issue = { grantId: record.grantId, grant, client, session, scopes };
    return this.#rotate(token, record, await this.its.tokens.issue(issue));
  }

  async #rotate(token: string, record: RefreshToken, issued: IssuedTokens): Promise<TokenResponse> {
    const { rotated, refreshTokens, grants, clock, lifetimes, events } = this.its;
    const rotation = { ...record, answer: issued.response, at: clock.now() };
    // Of simultaneous uses the first defines the answer, and all get that one: never two branches.
    if (!(await rotated.add(token, rotation, lifetimes.refreshTokenIdle))) {
      await issued.discard();
      return this.#answerOfTheFirst(token, record);
    }
    await refreshTokens.delete(token);
    // A revocation that came in between has ended these tokens as well: it must not look like success.
    if (!(await grants.find(record.grantId))) {
      await issued.discard();
      throw invalidGrant();
    }
    const { clientId, grantId } = record;
    events.emit('refresh_token.rotated', { clientId, grantId });
    return issued.response;
  }

  /** This request found the token unused, so it is no replay, however long it then waited. */
  async #answerOfTheFirst(token: string, record: RefreshToken): Promise<TokenResponse> {
    const first = await this.its.rotated.get(token);
    if (!first || !(await this.its.grants.find(record.grantId))) throw invalidGrant();
    return first.answer;
  }

  /** A superseded token: the same answer while a lost response explains it, else the family dies. */
  async #again(token: string, form: Parameters, client: Client): Promise<TokenResponse> {
    const rotated = await this.its.rotated.get(token);
    if (!rotated || rotated.clientId !== client.id) throw invalidGrant();
    const { grantId, answer, at } = rotated;
    const grant = await this.its.grants.find(grantId);
    if (!grant) throw invalidGrant();
    assertSameResource(form, grant.resource);
    narrowedScopes(form, grant.scopes);
    if (this.its.clock.now() - at <= this.its.lifetimes.refreshGrace) return answer;
    // OAuth 2.1 §4.3.1: one of the two who hold this token is a thief, and nobody knows which.
    this.its.events.emit('refresh_token.reused', { clientId: client.id, grantId });
    await this.its.grants.revoke(grantId, client.id, 'refresh_reuse');
    throw invalidGrant();
  }

  async #liveSession(grantId: string, grant: Grant): Promise<UpstreamSession> {
    try {
      const session = await this.its.sessions.live(grantId, grant);
      if (session) return session;
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      this.its.events.emit('upstream.failed', { reason: error.message, kind: error.kind });
      if (error.kind !== 'refused') throw error;
      await this.its.grants.revoke(grantId, grant.clientId, 'upstream_refused');
    }
    throw invalidGrant();
  }
}
