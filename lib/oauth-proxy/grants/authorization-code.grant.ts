import type { Clock } from '../../common/clock.js';
import { describeError } from '../../common/errors.js';
import type { MultiAuthEvents } from '../../common/events.js';
import { constantTimeEqual } from '../../crypto/constant-time.js';
import { codeChallengeOf, isCodeVerifier } from '../../crypto/pkce.js';
import { randomToken } from '../../crypto/random.js';
import { OAuthError } from '../../http/oauth-error.js';
import type { Parameters } from '../../http/parameters.js';
import type { Client } from '../clients/client.js';
import type { AuthorizationCode, AuthorizationCodes } from '../tokens/authorization-codes.js';
import type { TokenResponse } from '../tokens/grant.js';
import type { Grants, NewGrant } from '../tokens/grants.js';
import { orUndo } from '../tokens/or-undo.js';
import type { IssuedTokens, TokenIssuer } from '../tokens/token-issuer.js';
import type { AuthorizationRequest } from '../transactions/transaction.js';
import {
  assertSameResource,
  type GrantHandler,
  invalidGrant,
  narrowedScopes,
} from './grant-handler.js';

/** What is written and not yet known to anyone. */
interface Prepared {
  readonly created: NewGrant;
  readonly issued: IssuedTokens;
}

/** Redeems an authorization code. @see OAuth 2.1 §4.1.3 */
export class AuthorizationCodeGrant implements GrantHandler {
  constructor(
    private readonly its: {
      readonly codes: AuthorizationCodes;
      readonly grants: Grants;
      readonly tokens: TokenIssuer;
      readonly clock: Clock;
      readonly events: MultiAuthEvents;
    },
  ) {}

  async handle(form: Parameters, client: Client): Promise<TokenResponse> {
    const code = form.get('code');
    if (code === undefined) throw new OAuthError('invalid_request', 'code is missing.');
    const record = await this.its.codes.find(code);
    if (!record) {
      await this.#revokeIfReplayed(code, form, client);
      throw invalidGrant();
    }
    if (!isRedeemableBy(record.request, form, client)) throw invalidGrant();
    assertSameResource(form, record.request.resource);
    const scopes = narrowedScopes(form, record.scopes);
    return this.#redeem(code, { ...record, scopes }, client);
  }

  async #redeem(code: string, record: AuthorizationCode, client: Client): Promise<TokenResponse> {
    const grantId = randomToken();
    const prepared = await this.#prepare(grantId, record, client);
    // Everything is checked and written: of any number of simultaneous requests this lets one pass.
    if (!(await this.#claim(code, grantId, prepared))) throw invalidGrant();
    await this.#remember(code, record.request, grantId);
    this.its.events.emit('authorization_code.redeemed', { clientId: client.id, grantId });
    return prepared.issued.response;
  }

  async #prepare(grantId: string, record: AuthorizationCode, client: Client): Promise<Prepared> {
    const { upstream: session } = record;
    const created = await this.#create(grantId, record, client);
    const { grant } = created;
    return orUndo(
      async () => {
        const issue = { grantId, grant, client, session, scopes: grant.scopes };
        return { created, issued: await this.its.tokens.issue(issue) };
      },
      () => this.its.grants.discard(grantId, created),
    );
  }

  #create(grantId: string, record: AuthorizationCode, client: Client): Promise<NewGrant> {
    const { request, subject, claims, scopes, issuedAt, upstream } = record;
    const seconds = this.its.tokens.loginSeconds(client, upstream);
    const grant = {
      clientId: request.clientId,
      clientName: client.name,
      redirectUri: request.redirectUri,
      subject,
      claims,
      scopes,
      resource: request.resource,
      issuedAt,
      expiresAt: this.its.clock.now() + seconds,
    };
    return this.its.grants.create(grantId, grant, upstream);
  }

  #claim(code: string, grantId: string, { created, issued }: Prepared): Promise<boolean> {
    const discard = async (): Promise<void> => {
      await this.its.grants.discard(grantId, created);
      await issued.discard();
    };
    // Whoever was revoked while this went on is let in no more.
    const admit = (): Promise<boolean> => this.its.grants.admit(grantId, created);
    return orUndo(async () => {
      const claimed = await this.its.codes.claim(code);
      // From here on nobody else will use the login at the upstream.
      if (claimed && (await orUndo(admit, () => this.its.grants.end(grantId)))) return true;
      await discard();
      return false;
    }, discard);
  }

  async #remember(code: string, request: AuthorizationRequest, grantId: string): Promise<void> {
    try {
      await this.its.codes.remember(code, { request, grantId });
    } catch (error) {
      // The code is spent and the tokens are good; only a later replay would go unnoticed.
      const reason = `a redeemed code could not be remembered: ${describeError(error)}`;
      this.its.events.emit('endpoint.failed', { endpoint: 'token', reason });
    }
  }

  /**
   * A code that comes back with everything right was stolen, or its client was (OAuth 2.1 §4.1.3).
   * One that comes back with anything wrong proves nothing and must hurt nobody (§7.5.3).
   */
  async #revokeIfReplayed(code: string, form: Parameters, client: Client): Promise<void> {
    const redeemed = await this.its.codes.findRedeemed(code);
    if (!redeemed || !isRedeemableBy(redeemed.request, form, client)) return;
    const { grantId } = redeemed;
    this.its.events.emit('authorization_code.replayed', { clientId: client.id, grantId });
    await this.its.grants.revoke(grantId, client.id, 'code_replay');
  }
}

function isRedeemableBy(request: AuthorizationRequest, form: Parameters, client: Client): boolean {
  const redirectUri = form.get('redirect_uri');
  const verifier = form.get('code_verifier');
  return (
    request.clientId === client.id &&
    // OAuth 2.1 §10.2: the parameter is no longer needed at the token endpoint, PKCE does its work.
    (redirectUri === undefined || redirectUri === request.redirectUri) &&
    verifier !== undefined &&
    isCodeVerifier(verifier) &&
    constantTimeEqual(codeChallengeOf(verifier), request.codeChallenge)
  );
}
