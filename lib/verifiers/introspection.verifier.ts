import * as oauth from 'oauth4webapi';
import { BoundedMap } from '../common/bounded-map.js';
import { SystemClock } from '../common/clock.js';
import type { Clock } from '../common/clock.js';
import { ConfigurationError, VerifierUnavailableError } from '../common/errors.js';
import { frozenCopy } from '../common/frozen-copy.js';
import { coversScopes } from '../common/scopes.js';
import { hashSecret } from '../crypto/hash.js';
import { OutboundClient } from '../http/outbound.js';
import type { VerifiedToken } from './access-token.js';
import { clientAuthentication } from './client-authentication.js';
import {
  anyAudience,
  type IntrospectionVerifierOptions,
  introspectionVerifierIssues,
} from './introspection-verifier-options.js';
import {
  matchedAudiences,
  resourceAudiences,
  type TokenClaims,
  verifiedTokenOf,
} from './token-claims.js';
import type { TokenVerifier, VerificationContext } from './token-verifier.js';

const maxTokenLength = 16 * 1024;
const maxAnswerBytes = 64 * 1024;
// RFC 6749 §7.1; some servers write what others mean by the hint of RFC 7009.
const acceptedTypes = ['bearer', 'access_token'];

/**
 * Asks an authorization server whether a token is active, and whose it is. Meant for opaque tokens.
 *
 * @throws {ConfigurationError} naming every option that is missing or wrong.
 * @see RFC 7662
 */
export class IntrospectionVerifier implements TokenVerifier {
  readonly name: string;
  readonly requiredScopes: readonly string[];
  readonly clockToleranceSeconds: number;
  readonly boundToResource: boolean;
  readonly timeoutSeconds: number | undefined;
  readonly #options: IntrospectionVerifierOptions;
  readonly #clock: Clock;
  readonly #server: oauth.AuthorizationServer;
  readonly #authentication: oauth.ClientAuth;
  readonly #outbound: OutboundClient;
  readonly #answers: BoundedMap<string, TokenClaims> | undefined;

  constructor(options: IntrospectionVerifierOptions) {
    ConfigurationError.assertNone(introspectionVerifierIssues(options));
    this.#options = { ...options };
    this.name = options.name ?? 'IntrospectionVerifier';
    this.requiredScopes = [...(options.requiredScopes ?? [])];
    this.clockToleranceSeconds = options.clockToleranceSeconds ?? 5;
    this.boundToResource = options.audience === undefined;
    this.timeoutSeconds = options.timeoutSeconds;
    this.#clock = options.clock ?? new SystemClock();
    this.#server = {
      issuer: options.issuer ?? options.introspectionEndpoint,
      introspection_endpoint: options.introspectionEndpoint,
    };
    this.#authentication = clientAuthentication(options);
    this.#outbound = new OutboundClient({
      timeoutSeconds: options.timeoutSeconds ?? 5,
      maxBytes: maxAnswerBytes,
      ...(options.fetch && { fetch: options.fetch }),
    });
    this.#answers = this.#memory();
  }

  /** True for JWTs of the issuer, false for those of others, undefined for what is no JWT. */
  recognizes(_token: string, context: VerificationContext): boolean | undefined {
    if (!context.unverifiedJwt) return undefined;
    const { issuer, introspectForeignJwts } = this.#options;
    if (issuer !== undefined && context.unverifiedJwt.claims['iss'] === issuer) return true;
    return introspectForeignJwts ? undefined : false;
  }

  async verifyToken(token: string, context: VerificationContext): Promise<VerifiedToken | null> {
    if (token.length > maxTokenLength) return context.reject('malformed');
    if (this.recognizes(token, context) === false) return context.reject('foreign_jwt');
    // The whole hash: no part of a token may stand for another one.
    const key = hashSecret(token);
    const remembered = context.fresh === true ? undefined : this.#answers?.get(key);
    const claims = remembered ?? (await this.#ask(token, context));
    const verdict = this.#judge(claims, context);
    if (typeof verdict === 'string') return context.reject(verdict);
    // A use does not make an answer any younger.
    if (!remembered) this.#answers?.set(key, claims);
    return verdict;
  }

  #memory(): BoundedMap<string, TokenClaims> | undefined {
    const { cacheSeconds: ttlSeconds = 0, maxCacheEntries: maxEntries = 10_000 } = this.#options;
    if (ttlSeconds === 0) return undefined;
    return new BoundedMap({ ttlSeconds, maxEntries, clock: this.#clock });
  }

  async #ask(token: string, { signal }: VerificationContext): Promise<TokenClaims> {
    const client = { client_id: this.#options.clientId };
    const response = await oauth.introspectionRequest(
      this.#server,
      client,
      this.#authentication,
      token,
      {
        additionalParameters: { token_type_hint: 'access_token' },
        signal,
        [oauth.customFetch]: (url: string, init?: unknown) =>
          this.#outbound.fetch(url, init as RequestInit),
        // Which addresses may be plain http (loopback, and no other) is the transport's law.
        [oauth.allowInsecureRequests]: true,
      },
    );
    if (response.status !== 200) throw unavailable(response);
    try {
      return frozenCopy({
        ...(await oauth.processIntrospectionResponse(this.#server, client, response)),
      });
    } catch {
      // Its text may quote the answer.
      throw new VerifierUnavailableError('the introspection endpoint gave no usable answer');
    }
  }

  /** What the answer says of the token here and now, also when it was remembered. */
  #judge(claims: TokenClaims, { resource }: VerificationContext): VerifiedToken | string {
    if (claims['active'] !== true) return 'inactive';
    const { issuer, audience = resourceAudiences(resource) } = this.#options;
    const { iss = issuer, sub, token_type: type } = claims;
    if (type !== undefined && !isAcceptedType(type)) return 'wrong_type';
    if (iss !== undefined && (typeof iss !== 'string' || (issuer ?? iss) !== iss)) {
      return 'wrong_issuer';
    }
    if (sub !== undefined && (typeof sub !== 'string' || sub === '')) return 'malformed';
    const audiences = audience === anyAudience ? [] : listOf(audience);
    if (audience !== anyAudience && matchedAudiences(claims, audiences).length === 0) {
      return 'wrong_audience';
    }
    const token = verifiedTokenOf(claims, audiences, resource);
    if (!token) return 'malformed';
    const refusal = this.#refusalOfTimes(claims);
    if (refusal) return refusal;
    if (!coversScopes(token.scopes, this.requiredScopes)) return 'insufficient_scope';
    return { ...token, issuer: iss };
  }

  #refusalOfTimes({ exp, nbf }: TokenClaims): string | undefined {
    const now = this.#clock.now();
    const tolerance = this.clockToleranceSeconds;
    if (exp !== undefined && typeof exp !== 'number') return 'malformed';
    if (nbf !== undefined && typeof nbf !== 'number') return 'malformed';
    if (exp !== undefined && exp <= now - tolerance) return 'expired';
    return nbf !== undefined && nbf > now + tolerance ? 'not_yet_valid' : undefined;
  }
}

function isAcceptedType(type: unknown): boolean {
  return typeof type === 'string' && acceptedTypes.includes(type.toLowerCase());
}

/** Whatever the status means for us, it says nothing of the token. */
function unavailable(response: Response): VerifierUnavailableError {
  const seconds = Number(response.headers.get('retry-after'));
  return new VerifierUnavailableError(`the introspection endpoint answered ${response.status}`, {
    ...(seconds > 0 && { retryAfterSeconds: seconds }),
  });
}

function listOf(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}
