import { jwtVerify } from 'jose';
import type { CryptoKey } from 'jose';
import type { KeyObject } from 'node:crypto';
import type { Awaitable } from '../common/awaitable.js';
import type { Clock } from '../common/clock.js';
import type { VerifiedToken } from './access-token.js';
import { isPlainJws } from './jws-spelling.js';
import { refusalOfClaims, refusalOfError, refusalOfHeader } from './jwt-refusal.js';
import type { JwtPolicy, JwtRefusal } from './jwt-refusal.js';
import type { KeySource } from './key-source.js';
import { resourceAudiences, verifiedTokenOf } from './token-claims.js';
import type { VerificationContext } from './token-verifier.js';
import type { UnverifiedJwt } from './unverified-jwt.js';

const MAX_TOKEN_LENGTH = 16 * 1024;

/** What a JWT is checked with. */
export interface JwtCheckParts {
  readonly policy: JwtPolicy;
  /** The audience is the resource at which a token is presented; the policy names none. */
  readonly boundToResource: boolean;
  /** The keys of those who may sign under the policy. */
  readonly keys: KeySource;
  readonly clock: Clock;
}

/** Checks JWTs against one policy and its keys. */
export class JwtCheck {
  constructor(private readonly its: JwtCheckParts) {}

  /** As `TokenVerifier.verifyToken`. */
  verify(token: string, context: VerificationContext): Awaitable<VerifiedToken | null> {
    // What cannot become valid is refused before any cryptography or network.
    const jwt = token.length > MAX_TOKEN_LENGTH ? undefined : context.unverifiedJwt;
    const policy = this.#policyFor(context.resource);
    const refusal = jwt ? this.#refusalOf(jwt, policy) : 'malformed';
    if (refusal) return context.reject(refusal);
    if (!isPlainJws(token)) return context.reject('malformed');
    return this.#verify(token, jwt?.header as UsableHeader, policy, context);
  }

  #policyFor(resource: string): JwtPolicy {
    const { policy, boundToResource } = this.its;
    return boundToResource ? { ...policy, audiences: resourceAudiences(resource) } : policy;
  }

  async #verify(
    token: string,
    header: UsableHeader,
    policy: JwtPolicy,
    context: VerificationContext,
  ): Promise<VerifiedToken | null> {
    const key = await this.its.keys.find(header.alg, header.kid);
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
        currentDate: new Date(this.its.clock.now() * 1000),
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
    const now = this.its.clock.now();
    return refusalOfHeader(header, policy) ?? refusalOfClaims(claims, policy, now);
  }
}

/** What is known of a header that was not refused. */
type UsableHeader = Readonly<{ alg: string; kid?: string }>;
