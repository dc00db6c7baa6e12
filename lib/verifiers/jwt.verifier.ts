import { jwtVerify } from 'jose';
import type { CryptoKey } from 'jose';
import type { KeyObject } from 'node:crypto';
import type { Awaitable } from '../common/awaitable.js';
import type { VerifiedToken } from './access-token.js';
import { isPlainJws } from './jws-spelling.js';
import { refusalOfClaims, refusalOfError, refusalOfHeader } from './jwt-refusal.js';
import type { JwtPolicy, JwtRefusal } from './jwt-refusal.js';
import { resolveJwtVerifierOptions } from './jwt-verifier-options.js';
import type { JwtVerifierOptions, ResolvedJwtVerifierOptions } from './jwt-verifier-options.js';
import { resourceAudiences, verifiedTokenOf } from './token-claims.js';
import type { TokenVerifier, VerificationContext } from './token-verifier.js';
import type { UnverifiedJwt } from './unverified-jwt.js';

const MAX_TOKEN_LENGTH = 16 * 1024;

/**
 * Accepts the JWTs of one issuer (RFC 7519): signed by its keys, for this audience, in their time.
 *
 * @throws {ConfigurationError} naming every option that is missing, wrong or unsafe.
 * @see RFC 8725 for the reasons of what it refuses.
 */
export class JwtVerifier implements TokenVerifier {
  readonly name: string;
  readonly requiredScopes: readonly string[];
  readonly clockToleranceSeconds: number;
  readonly boundToResource: boolean;
  readonly #options: ResolvedJwtVerifierOptions;

  constructor(options: JwtVerifierOptions) {
    this.#options = resolveJwtVerifierOptions(options);
    const { name, policy, boundToResource } = this.#options;
    this.name = name;
    this.boundToResource = boundToResource;
    this.requiredScopes = policy.requiredScopes;
    this.clockToleranceSeconds = policy.clockToleranceSeconds;
  }

  /** True for JWTs that name one of the issuers, false for everything else. */
  recognizes(_token: string, context: VerificationContext): boolean {
    const issuer = context.unverifiedJwt?.claims['iss'];
    return typeof issuer === 'string' && this.#options.policy.issuers.includes(issuer);
  }

  verifyToken(token: string, context: VerificationContext): Awaitable<VerifiedToken | null> {
    // What cannot become valid is refused before any cryptography or network.
    const jwt = token.length > MAX_TOKEN_LENGTH ? undefined : context.unverifiedJwt;
    const policy = this.#policyFor(context.resource);
    const refusal = jwt ? this.#refusalOf(jwt, policy) : 'malformed';
    if (refusal) return context.reject(refusal);
    if (!isPlainJws(token)) return context.reject('malformed');
    return this.#verify(token, jwt?.header as UsableHeader, policy, context);
  }

  #policyFor(resource: string): JwtPolicy {
    const { policy, boundToResource } = this.#options;
    return boundToResource ? { ...policy, audiences: resourceAudiences(resource) } : policy;
  }

  async #verify(
    token: string,
    header: UsableHeader,
    policy: JwtPolicy,
    context: VerificationContext,
  ): Promise<VerifiedToken | null> {
    const key = await this.#options.keys.find(header.alg, header.kid);
    if (!key) return context.reject('unknown_key');
    const verified = await this.#verifySignature(token, key, policy);
    if (typeof verified === 'string') return context.reject(verified);
    // Judged again: only now are header and claims known to be the issuer's.
    const refusal = this.#refusalOf(verified, policy);
    if (refusal) return context.reject(refusal);
    const answer = verifiedTokenOf(verified.claims, policy.audiences, context.resource);
    return answer ?? context.reject('malformed');
  }

  async #verifySignature(
    token: string,
    key: KeyObject | CryptoKey,
    policy: JwtPolicy,
  ): Promise<UnverifiedJwt | JwtRefusal> {
    try {
      const { payload, protectedHeader } = await jwtVerify(token, key, {
        algorithms: [...policy.algorithms],
        issuer: [...policy.issuers],
        audience: [...policy.audiences],
        clockTolerance: policy.clockToleranceSeconds,
        currentDate: new Date(this.#options.clock.now() * 1000),
        requiredClaims: ['exp'],
      });
      return { header: { ...protectedHeader }, claims: payload };
    } catch (thrown) {
      const refusal = refusalOfError(thrown);
      if (refusal) return refusal;
      throw thrown;
    }
  }

  #refusalOf({ header, claims }: UnverifiedJwt, policy: JwtPolicy): JwtRefusal | undefined {
    const now = this.#options.clock.now();
    return refusalOfHeader(header, policy) ?? refusalOfClaims(claims, policy, now);
  }
}

/** What is known of a header that was not refused. */
type UsableHeader = Readonly<{ alg: string; kid?: string }>;
