import { jwtVerify } from 'jose';
import type { KeyObject } from 'node:crypto';
import type { Clock } from '../../common/clock.js';
import { VerifierUnavailableError } from '../../common/errors.js';
import type { MultiAuthEvents } from '../../common/events.js';
import type { EndpointRequest } from '../../http/endpoint.js';
import { isPlainJws } from '../../verifiers/jws-spelling.js';
import {
  type JwtPolicy,
  type JwtRefusal,
  refusalOfClaims,
  refusalOfError,
  refusalOfHeader,
} from '../../verifiers/jwt-refusal.js';
import { readUnverifiedJwt, type UnverifiedJwt } from '../../verifiers/unverified-jwt.js';
import type { ClientKeySources } from './client-key-sources.js';
import type { Client } from './client.js';
import type { UsedAssertions } from './used-assertions.js';

const skewSeconds = 30;
const maxLifeSeconds = 300;
const maxJtiLength = 256;

/** The algorithms with which clients may sign (RFC 8414 §2 `…_auth_signing_alg_values_supported`). */
export const clientAssertionAlgorithms: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
];

type Refusal = JwtRefusal | 'lives_too_long' | 'replayed' | 'too_many';

/** Judges the JWTs by which clients prove who they are. @see RFC 7523 §2.2, §3 */
export class ClientAssertions {
  constructor(
    private readonly its: {
      readonly issuer: string;
      readonly baseUrl: string;
      readonly keys: ClientKeySources;
      readonly used: UsedAssertions;
      readonly clock: Clock;
      readonly events: MultiAuthEvents;
    },
  ) {}

  /**
   * Tells whether the assertion proves the client at the endpoint of the request. One that does is
   * spent; one that does not stays what it was.
   *
   * @throws VerifierUnavailableError when the client's keys cannot be had, which is no verdict
   */
  async proves(client: Client, assertion: string, request: EndpointRequest): Promise<boolean> {
    const refusal = await this.#refusalOf(client, assertion, request);
    if (refusal === undefined) return true;
    const { events } = this.its;
    if (refusal === 'replayed') events.emit('client_assertion.replayed', { clientId: client.id });
    else events.emit('client_assertion.refused', { clientId: client.id, reason: refusal });
    return false;
  }

  async #refusalOf(
    client: Client,
    assertion: string,
    request: EndpointRequest,
  ): Promise<Refusal | undefined> {
    const policy = this.#policy(client, request.path);
    const jwt = readUnverifiedJwt(assertion);
    // What cannot become valid is refused before any cryptography or network.
    const refusal = jwt ? this.#judge(jwt, policy) : 'malformed';
    if (refusal) return refusal;
    if (!isPlainJws(assertion)) return 'malformed';
    const key = await this.#keyFor(client, jwt?.header as UsableHeader, request);
    if (!key) return 'unknown_key';
    const verified = await this.#verify(assertion, key, policy);
    if (typeof verified === 'string') return verified;
    this.its.keys.proved(client);
    // Judged again: only now is it known to be what the client signed.
    return this.#judge(verified, policy) ?? this.#claim(client, verified.claims as UsableClaims);
  }

  #judge({ header, claims }: UnverifiedJwt, policy: JwtPolicy): Refusal | undefined {
    const now = this.its.clock.now();
    const refusal = refusalOfHeader(header, policy) ?? refusalOfClaims(claims, policy, now);
    if (refusal) return refusal;
    const { sub, aud, jti, exp } = claims as UsableClaims & { aud: unknown };
    // RFC 7523 §3: who speaks is who is spoken of.
    if (!policy.issuers.includes(sub)) return 'wrong_issuer';
    // Made for this server alone: with another audience in it, that one could use it here.
    if (Array.isArray(aud) && aud.length !== 1) return 'wrong_audience';
    if (typeof jti !== 'string' || jti === '' || jti.length > maxJtiLength) return 'malformed';
    return exp > now + maxLifeSeconds + skewSeconds ? 'lives_too_long' : undefined;
  }

  async #keyFor(
    client: Client,
    { alg, kid }: UsableHeader,
    request: EndpointRequest,
  ): Promise<KeyObject | undefined> {
    const { keys, events } = this.its;
    try {
      return await keys.find(client, alg, kid, request);
    } catch (thrown) {
      if (thrown instanceof VerifierUnavailableError) {
        const reason = 'keys_unavailable';
        events.emit('client_assertion.refused', { clientId: client.id, reason });
      }
      throw thrown;
    }
  }

  async #verify(
    assertion: string,
    key: KeyObject,
    { algorithms }: JwtPolicy,
  ): Promise<UnverifiedJwt | Refusal> {
    try {
      const { payload, protectedHeader } = await jwtVerify(assertion, key, {
        algorithms: [...algorithms],
        clockTolerance: skewSeconds,
        currentDate: new Date(this.its.clock.now() * 1000),
      });
      return { header: { ...protectedHeader }, claims: payload };
    } catch (thrown) {
      const refusal = refusalOfError(thrown);
      if (refusal) return refusal;
      throw thrown;
    }
  }

  // Last of all: a failed attempt must not spend what its owner may still want to use.
  async #claim(client: Client, { jti, exp }: UsableClaims): Promise<Refusal | undefined> {
    const use = await this.its.used.claim(client.id, jti, exp + skewSeconds);
    return use === 'first' ? undefined : use;
  }

  #policy(client: Client, path: string): JwtPolicy {
    const { issuer, baseUrl } = this.its;
    return {
      issuers: [client.id],
      audiences: [issuer, `${baseUrl}/token`, new URL(baseUrl).origin + path],
      algorithms: clientAssertionAlgorithms,
      types: ['none', 'application/jwt', 'application/client-authentication+jwt'],
      requiredScopes: [],
      clockToleranceSeconds: skewSeconds,
    };
  }
}

/** What is known of a JWT that was not refused. */
type UsableHeader = Readonly<{ alg: string; kid?: string }>;
type UsableClaims = Readonly<{ sub: string; jti: string; exp: number }>;
