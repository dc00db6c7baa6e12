import type * as oauth from 'oauth4webapi';
import { type ConfigurationIssue, UpstreamError } from '../../common/errors.js';
import { constantTimeEqual } from '../../crypto/constant-time.js';
import type { AccessToken } from '../../verifiers/access-token.js';
import type { TokenVerifier } from '../../verifiers/token-verifier.js';
import { readUnverifiedJwt } from '../../verifiers/unverified-jwt.js';
import { type ChainVerdict, VerifierChain } from '../../verifiers/verifier-chain.js';
import { assertIdTokenFits, assertSameLogin } from './id-token.js';
import type { UpstreamHost, UpstreamIdentity, UpstreamVerdict } from './upstream.js';

/** Which token of the upstream says who logged in. */
export type TokenToVerify = 'access_token' | 'id_token';

interface IdentificationOptions {
  readonly clientId: string;
  readonly tokenEndpoint: string;
  readonly tokenVerifier: TokenVerifier | ((host: UpstreamHost) => TokenVerifier);
  readonly tokenToVerify?: TokenToVerify | undefined;
}

const verificationSeconds = 10;

/** Finds out by a token verifier whose the tokens of an upstream are. */
export class UpstreamIdentification {
  readonly #options: IdentificationOptions;
  readonly #host: UpstreamHost;
  readonly #verifier: TokenVerifier;
  readonly #verifiers: VerifierChain;

  constructor(options: IdentificationOptions, host: UpstreamHost) {
    this.#options = options;
    this.#host = host;
    const { tokenVerifier } = options;
    this.#verifier = typeof tokenVerifier === 'function' ? tokenVerifier(host) : tokenVerifier;
    this.#verifiers = new VerifierChain([this.#verifier], {
      resource: options.tokenEndpoint,
      // Whether a login goes on is not to be known from memory.
      fresh: true,
      events: host.events,
      clock: host.clock,
      timeoutSeconds: verificationSeconds,
    });
  }

  static issues(options: IdentificationOptions, path: string): ConfigurationIssue[] {
    const { tokenVerifier, tokenToVerify = 'access_token' } = options;
    const issues: ConfigurationIssue[] = [];
    if (!isVerifier(tokenVerifier) && typeof tokenVerifier !== 'function') {
      issues.push({ path: `${path}.tokenVerifier`, problem: 'is missing: it says who logged in' });
    }
    if ((tokenVerifier as TokenVerifier | undefined)?.boundToResource === true) {
      const problem = 'has no audience: tokens of the upstream are not for a resource of this app';
      issues.push({ path: `${path}.tokenVerifier`, problem });
    }
    if (!['access_token', 'id_token'].includes(tokenToVerify)) {
      issues.push({ path: `${path}.tokenToVerify`, problem: 'must be access_token or id_token' });
    }
    return issues;
  }

  /** @throws UpstreamError unless the verifier accepts the token and says whose it is. */
  async ofLogin(
    tokens: oauth.TokenEndpointResponse,
    idToken: string | undefined,
    nonce: string,
  ): Promise<UpstreamIdentity> {
    const token = this.#usesIdToken ? idToken : tokens.access_token;
    if (token === undefined) throw new UpstreamError('there is no id_token', 'refused');
    const verified = this.#accepted(await this.#verifiers.verify(token));
    if (this.#usesIdToken) this.#assertOfLogin({ ...tokens, id_token: token }, verified, nonce);
    if (verified.subject === undefined) {
      throw new UpstreamError('the token verifier names no subject', 'refused');
    }
    return { subject: verified.subject, claims: verified.claims };
  }

  /**
   * Looks at the id_token of a refresh, which may be absent. One that cannot be verified, as it has
   * expired or its key is not yet known, can still be read: it ends the login by what it says alone.
   * @throws UpstreamError `refused` when it is not about this user. @see OpenID Connect Core §12.2
   */
  async assertSame(idToken: string | undefined, subject: string): Promise<void> {
    if (!this.#usesIdToken || idToken === undefined) return;
    const verdict = await this.#verifiers.verify(idToken);
    // The tokens are good and their predecessors spent: not being able to tell must not lose them.
    if (verdict.outcome === 'unavailable') return;
    if (verdict.outcome === 'accepted' && verdict.token.subject === subject) return;
    if (verdict.outcome === 'accepted' || this.#isOfAnotherIssuer(idToken)) {
      throw new UpstreamError('the id_token of the refresh is about another login', 'refused');
    }
    assertSameLogin(idToken, { clientId: this.#options.clientId, subject });
    this.#reportUnverifiable(verdict);
  }

  /** @throws UpstreamError `refused` when the access token is another user's by now. */
  async verdict(accessToken: string, subject: string): Promise<UpstreamVerdict> {
    if (this.#usesIdToken) return 'unknown';
    const verdict = await this.#verifiers.verify(accessToken);
    if (verdict.outcome === 'rejected') return 'refused';
    if (this.#accepted(verdict).subject === subject) {
      // A signature says who logged in, and not that the login goes on.
      return this.#verifier.verifiesOffline === true ? 'unknown' : 'alive';
    }
    throw new UpstreamError("the upstream's token is another user's", 'refused');
  }

  #isOfAnotherIssuer(idToken: string): boolean {
    const { tokenEndpoint: resource } = this.#options;
    const { signal } = new AbortController();
    const unverifiedJwt = readUnverifiedJwt(idToken);
    const context = { resource, unverifiedJwt, signal, reject: () => null };
    return unverifiedJwt !== undefined && this.#verifier.recognizes?.(idToken, context) === false;
  }

  get #usesIdToken(): boolean {
    return this.#options.tokenToVerify === 'id_token';
  }

  /** What a verifier of signatures leaves open: that the id_token is of this very login. */
  #assertOfLogin(
    tokens: oauth.TokenEndpointResponse,
    { claims }: AccessToken,
    nonce: string,
  ): void {
    const { sub, nonce: returned } = claims;
    if (typeof returned !== 'string' || !constantTimeEqual(returned, nonce)) {
      throw new UpstreamError('the id_token has not the nonce of this login', 'refused');
    }
    const fitting = { ...claims, sub: typeof sub === 'string' ? sub : '' } as oauth.IDToken;
    assertIdTokenFits(tokens, fitting, this.#options.clientId);
  }

  #reportUnverifiable({ reasons }: Extract<ChainVerdict, { outcome: 'rejected' }>): string {
    const reason = reasons.map((r) => r.reason).join(', ') || 'no reason given';
    this.#host.events.emit('upstream.token_unverifiable', { reason });
    return reason;
  }

  #accepted(verdict: ChainVerdict): AccessToken {
    switch (verdict.outcome) {
      case 'accepted':
        return verdict.token;
      case 'rejected': {
        // The upstream issued it a moment ago: it is the verifier's options that are wrong.
        const reason = this.#reportUnverifiable(verdict);
        throw new UpstreamError(`tokenVerifier refuses the upstream's token: ${reason}`, 'refused');
      }
      case 'unavailable':
        throw new UpstreamError('the upstream token could not be verified now', 'transient');
    }
  }
}

function isVerifier(value: unknown): value is TokenVerifier {
  return typeof (value as TokenVerifier | undefined)?.verifyToken === 'function';
}
