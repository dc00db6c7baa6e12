import type { MultiAuthEvents } from '../../common/events.js';
import { StorageError } from '../../common/errors.js';
import { intersectScopes } from '../../common/scopes.js';
import { OAuthError } from '../../http/oauth-error.js';
import type { Parameters } from '../../http/parameters.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { Client } from '../clients/client.js';
import { matchesRedirectUri } from '../clients/redirect-uri.js';
import type { RefreshToken, RotatedRefreshToken, TokenResponse } from '../tokens/grant.js';
import type { Grants } from '../tokens/grants.js';
import type { LoginLife } from '../tokens/login-life.js';
import type { RefreshRotations } from '../tokens/refresh-rotations.js';
import type { IssuedTokens, TokenIssuer } from '../tokens/token-issuer.js';
import {
  assertSameResource,
  type GrantHandler,
  invalidGrant,
  narrowedScopes,
} from './grant-handler.js';

export interface RefreshTokenGrantDependencies {
  readonly refreshTokens: RecordCollection<RefreshToken>;
  readonly rotations: RefreshRotations;
  readonly grants: Grants;
  readonly life: LoginLife;
  readonly tokens: TokenIssuer;
  readonly events: MultiAuthEvents;
}

/** Exchanges a refresh token for new tokens, and the refresh token for its successor. */
export class RefreshTokenGrant implements GrantHandler {
  constructor(private readonly its: RefreshTokenGrantDependencies) {}

  async handle(form: Parameters, client: Client): Promise<TokenResponse> {
    const token = form.get('refresh_token');
    if (token === undefined) throw new OAuthError('invalid_request', 'refresh_token is missing.');
    const record = await this.its.refreshTokens.get(token);
    // After it: when the token is gone, what became of it is there.
    const rotated = await this.its.rotations.find(token);
    if (rotated) return this.#again(token, { ...rotated, isTold: !record }, form, client);
    if (record?.clientId !== client.id) throw invalidGrant();
    const { grantId } = record;
    const grant = await this.its.grants.living(grantId);
    // A place that is no longer the client's may have been anybody's then.
    if (!grant || !matchesRedirectUri(client.redirectUris, grant.redirectUri)) throw invalidGrant();
    assertSameResource(form, grant.resource);
    const asked = narrowedScopes(form, grant.scopes);
    const login = await this.its.life.refreshed(grantId, grant);
    if (!login) throw invalidGrant();
    const { session, claims = grant.claims } = login;
    // What the upstream no longer grants is no longer ours to give.
    const scopes = intersectScopes(asked, session?.grantedScopes ?? asked);
    const prolonged = await this.its.grants.prolong(grantId, grant, session);
    const issue = { grantId, grant: { ...prolonged, claims }, client, session, scopes };
    return this.#rotate(token, record, await this.its.tokens.issue(issue));
  }

  async #rotate(token: string, record: RefreshToken, issued: IssuedTokens): Promise<TokenResponse> {
    const { rotations, grants, events } = this.its;
    const { clientId, grantId } = record;
    if (!(await rotations.claim(token, record, issued.response))) {
      await issued.discard();
      return this.#answerOfTheFirst(token, record);
    }
    // A revocation that came in between has ended these tokens as well: it must not look like
    // success, nor may what was written since bring anything back.
    const living = await grants.living(grantId);
    await this.#forget(token);
    if (!living) {
      await issued.discard();
      await grants.end(grantId);
      throw invalidGrant();
    }
    events.emit('refresh_token.rotated', { clientId, grantId });
    return issued.response;
  }

  /**
   * Last of all. From the rotation on the token is spent, whether its record is there or not; that it
   * is there says that nobody may have been told.
   */
  async #forget(token: string): Promise<void> {
    try {
      await this.its.refreshTokens.delete(token);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
    }
  }

  /** This request found the token unused, so it is no replay, however long it then waited. */
  async #answerOfTheFirst(token: string, { grantId }: RefreshToken): Promise<TokenResponse> {
    const first = await this.its.rotations.find(token);
    const answer = first && (await this.its.rotations.answerOf(first));
    if (!answer || !(await this.its.grants.living(grantId))) throw invalidGrant();
    return answer;
  }

  /** A superseded token: the same answer while a lost response explains it, else the family dies. */
  async #again(
    token: string,
    rotated: RotatedRefreshToken & { readonly isTold: boolean },
    form: Parameters,
    client: Client,
  ): Promise<TokenResponse> {
    const { grantId, clientId } = rotated;
    if (clientId !== client.id) throw invalidGrant();
    const grant = await this.its.grants.living(grantId);
    if (!grant) throw invalidGrant();
    assertSameResource(form, grant.resource);
    narrowedScopes(form, grant.scopes);
    if (this.its.rotations.isInGrace(rotated, rotated.isTold)) {
      const answer = await this.its.rotations.answerOf(rotated);
      if (!answer) throw invalidGrant();
      if (!rotated.isTold) await this.#forget(token);
      return answer;
    }
    // OAuth 2.1 §4.3.1: one of the two who hold this token is a thief, and nobody knows which.
    this.its.events.emit('refresh_token.reused', { clientId, grantId });
    await this.its.grants.revoke(grantId, clientId, 'refresh_reuse');
    throw invalidGrant();
  }
}
