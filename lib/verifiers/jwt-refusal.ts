import { errors } from 'jose';
import { coversScopes } from '../common/scopes.js';
import { matchedAudiences, scopesOf } from './token-claims.js';
import type { TokenClaims } from './token-claims.js';

const MAX_KID_LENGTH = 256;

/** Why a JWT is not accepted. */
export type JwtRefusal =
  | 'algorithm_not_allowed'
  | 'bad_signature'
  | 'expired'
  | 'insufficient_scope'
  | 'malformed'
  | 'not_yet_valid'
  | 'unknown_key'
  | 'wrong_audience'
  | 'wrong_issuer'
  | 'wrong_type';

/** What a JWT must be to be accepted. */
export interface JwtPolicy {
  readonly issuers: readonly string[];
  readonly audiences: readonly string[];
  readonly algorithms: readonly string[];
  /** The accepted media types, normalized; `none` stands for a token without `typ`. */
  readonly types: readonly string[];
  readonly requiredScopes: readonly string[];
  readonly clockToleranceSeconds: number;
}

/** Judges the header alone. Whatever points to or carries a key is not even looked at. */
export function refusalOfHeader(header: TokenClaims, policy: JwtPolicy): JwtRefusal | undefined {
  const { alg, kid, typ } = header as { alg?: unknown; kid?: unknown; typ?: unknown };
  if (typeof alg !== 'string') return 'malformed';
  if (!policy.algorithms.includes(alg)) return 'algorithm_not_allowed';
  // RFC 7515 §4.1.11: no extension is understood here, so none may be critical (RFC 7797: b64).
  if (Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64')) return 'malformed';
  if (Object.hasOwn(header, 'kid') && (typeof kid !== 'string' || kid.length > MAX_KID_LENGTH)) {
    return 'malformed';
  }
  return policy.types.includes(normalizedType(typ)) ? undefined : 'wrong_type';
}

/** Judges the claims: whose and for whom the token is, then its time, then its scopes. */
export function refusalOfClaims(
  claims: TokenClaims,
  policy: JwtPolicy,
  now: number,
): JwtRefusal | undefined {
  const { iss, sub } = claims as { iss?: unknown; sub?: unknown };
  if (typeof iss !== 'string' || !policy.issuers.includes(iss)) return 'wrong_issuer';
  if (matchedAudiences(claims, policy.audiences).length === 0) return 'wrong_audience';
  // Without a text for a subject, different users could be taken for the same principal.
  if (sub !== undefined && (typeof sub !== 'string' || sub === '')) return 'malformed';
  return (
    refusalOfTimes(claims, policy.clockToleranceSeconds, now) ?? refusalOfScopes(claims, policy)
  );
}

/** The form in which `typ` values are compared (RFC 7515 §4.1.9). */
export function normalizedType(typ: unknown): string {
  if (typ === undefined) return 'none';
  if (typeof typ !== 'string') return '';
  const lowered = typ.toLowerCase();
  return lowered.includes('/') ? lowered : `application/${lowered}`;
}

/** What an error of jose says of the token; undefined when it says nothing of the token. */
export function refusalOfError(thrown: unknown): JwtRefusal | undefined {
  if (!(thrown instanceof errors.JOSEError)) return undefined;
  return thrown instanceof errors.JWSSignatureVerificationFailed ? 'bad_signature' : 'malformed';
}

function refusalOfTimes(claims: TokenClaims, tolerance: number, now: number) {
  const { exp, nbf, iat } = claims as { exp?: unknown; nbf?: unknown; iat?: unknown };
  if (!isSeconds(exp)) return 'malformed';
  if (nbf !== undefined && !isSeconds(nbf)) return 'malformed';
  if (iat !== undefined && !isSeconds(iat)) return 'malformed';
  if (exp <= now - tolerance) return 'expired';
  return Math.max(nbf ?? 0, iat ?? 0) > now + tolerance ? 'not_yet_valid' : undefined;
}

function refusalOfScopes(claims: TokenClaims, policy: JwtPolicy): JwtRefusal | undefined {
  const scopes = scopesOf(claims);
  if (!scopes) return 'malformed';
  return coversScopes(scopes, policy.requiredScopes) ? undefined : 'insufficient_scope';
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
