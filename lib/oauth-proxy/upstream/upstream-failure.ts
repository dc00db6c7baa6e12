import * as oauth from 'oauth4webapi';
import { describeError, UpstreamError } from '../../common/errors.js';

// The grant is over: RFC 6749 §5.2, and GitHub's own words for it.
const endedGrant = ['invalid_grant', 'bad_refresh_token', 'bad_verification_code'];
const cannotBeReached = [
  oauth.RESPONSE_IS_NOT_CONFORM,
  oauth.RESPONSE_IS_NOT_JSON,
  oauth.PARSE_ERROR,
];

/**
 * Turns whatever a login at the upstream throws into an `UpstreamError`. Its text is for the log
 * alone; the original is not kept, because it may hold the upstream's tokens.
 */
export function loginFailure(thrown: unknown): UpstreamError {
  if (thrown instanceof UpstreamError) return thrown;
  if (thrown instanceof oauth.AuthorizationResponseError) return authorizationError(thrown);
  if (thrown instanceof oauth.ResponseBodyError) return tokenError(thrown);
  if (thrown instanceof oauth.UnsupportedOperationError) return refused(thrown.message);
  if (thrown instanceof oauth.OperationProcessingError) {
    return cannotBeReached.includes(thrown.code ?? '')
      ? transient(thrown.message)
      : refused(thrown.message);
  }
  // What is left never got an answer: a refused connection, a timeout, a broken body.
  return transient(describeError(thrown));
}

/**
 * The same for a refresh, where `refused` logs the user out: only the upstream's own word that the
 * grant is over counts as that. A wrong client secret, a rate limit or a strange answer may pass.
 */
export function refreshFailure(thrown: unknown): UpstreamError {
  if (thrown instanceof UpstreamError) return thrown;
  if (thrown instanceof oauth.ResponseBodyError) return tokenError(thrown);
  return transient(describeError(thrown));
}

/** The same for a token exchange, where the upstream's no is about the exchange and ends nothing. */
export function exchangeFailure(thrown: unknown): UpstreamError {
  if (thrown instanceof oauth.ResponseBodyError && [400, 403].includes(thrown.status)) {
    return new UpstreamError(tokenError(thrown).message, 'refused');
  }
  return loginFailure(thrown);
}

function authorizationError(thrown: oauth.AuthorizationResponseError): UpstreamError {
  const passing = ['temporarily_unavailable', 'server_error'].includes(thrown.error);
  const denied = ['access_denied', 'consent_required', 'login_required'].includes(thrown.error);
  return new UpstreamError(
    `the authorization endpoint answered ${codeOf(thrown.error)}`,
    passing ? 'transient' : 'refused',
    { denied },
  );
}

function tokenError(thrown: oauth.ResponseBodyError): UpstreamError {
  const reason = `the token endpoint answered ${thrown.status} ${codeOf(thrown.error)}`;
  return new UpstreamError(reason, endedGrant.includes(thrown.error) ? 'refused' : 'transient');
}

/** The code is the upstream's text: cut to what an error code can be before it reaches a log. */
function codeOf(error: string): string {
  return error.replace(/[^a-z_]/g, '').slice(0, 40);
}

function refused(reason: string): UpstreamError {
  return new UpstreamError(`unusable answer: ${reason}`, 'refused');
}

function transient(reason: string): UpstreamError {
  return new UpstreamError(`no usable answer: ${reason}`, 'transient');
}
