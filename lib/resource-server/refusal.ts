import { unionScopes } from '../common/scopes.js';
import type { OAuthErrorCode } from '../http/oauth-error.js';
import type { ProtectedResource } from '../resources/protected-resource.js';
import { renderBearerChallenge } from './bearer-challenge.js';
import type { BearerChallenge } from './bearer-challenge.js';

/** A finished answer to a request that may not pass. */
export interface Refusal {
  readonly status: number;
  readonly error: OAuthErrorCode;
  /** Constant text that is safe to show to anyone. */
  readonly description: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What the refusals of one operation have in common. */
export interface RefusalContext {
  readonly resource: ProtectedResource;
  /** The scopes to ask for, named as the client's authorization server names them. */
  readonly challengedScopes: readonly string[];
  readonly metadataUrl: string | undefined;
}

/** The answers of one operation, made once: refusing costs less than accepting. */
export interface PreparedRefusals {
  readonly missingToken: Refusal;
  readonly malformedRequest: Refusal;
  readonly invalidToken: Refusal;
  readonly insufficientScope: Refusal;
}

const MISSING = 'The request has no bearer token.';
const MALFORMED = 'The credentials of the request are malformed, or there are several.';
const INVALID = 'The access token is expired, revoked or not valid here.';
const INSUFFICIENT = 'The access token lacks a scope that this request needs.';

/** Prepares every refusal of an operation that depends on nothing else. */
export function prepareRefusals(context: RefusalContext): PreparedRefusals {
  // A client asks its authorization server for `offline_access` on its own; a resource never does.
  const scopes = unionScopes(context.challengedScopes).filter((s) => s !== 'offline_access');
  const challenged = (challenge: Omit<BearerChallenge, 'realm'>): string =>
    renderBearerChallenge({
      realm: context.resource.identifier,
      scopes,
      resourceMetadata: context.metadataUrl,
      ...challenge,
    });
  const refuse = (
    status: number,
    error: NonNullable<BearerChallenge['error']>,
    errorDescription: string,
  ): Refusal => refusal(status, error, errorDescription, challenged({ error, errorDescription }));
  return {
    // RFC 6750 §3.1: no error code in the challenge; the body, being JSON, names the nearest one.
    missingToken: refusal(401, 'invalid_token', MISSING, challenged({})),
    malformedRequest: refuse(400, 'invalid_request', MALFORMED),
    invalidToken: refuse(401, 'invalid_token', INVALID),
    insufficientScope: refuse(403, 'insufficient_scope', INSUFFICIENT),
  };
}

/** No verdict could be reached: the client keeps its token and tries again. */
export function unavailableRefusal(retryAfterSeconds: number): Refusal {
  return Object.freeze({
    status: 503,
    error: 'temporarily_unavailable',
    description: 'The access token cannot be verified right now.',
    headers: Object.freeze({
      'Retry-After': String(Math.max(1, Math.ceil(retryAfterSeconds) || 1)),
      'Cache-Control': 'no-store',
    }),
  });
}

/** The request names a session of somebody else, or one that cannot be: clients begin a new one. */
export const FOREIGN_SESSION: Refusal = Object.freeze({
  status: 404,
  error: 'invalid_request',
  description: 'There is no such session.',
  headers: Object.freeze({ 'Cache-Control': 'no-store' }),
});

function refusal(
  status: number,
  error: OAuthErrorCode,
  description: string,
  challenge: string,
): Refusal {
  const headers = { 'WWW-Authenticate': challenge, 'Cache-Control': 'no-store' };
  return Object.freeze({ status, error, description, headers: Object.freeze(headers) });
}
