import * as oauth from 'oauth4webapi';
import { describeError, UpstreamError } from '../../common/errors.js';

/** Turns whatever an upstream call throws into an `UpstreamError`. Its text is for the log alone. */
export function upstreamFailure(thrown: unknown): UpstreamError {
  if (thrown instanceof UpstreamError) return thrown;
  if (thrown instanceof oauth.AuthorizationResponseError) return authorizationError(thrown);
  if (thrown instanceof oauth.ResponseBodyError) return tokenError(thrown);
  if (thrown instanceof oauth.OperationProcessingError) return processingError(thrown);
  if (thrown instanceof oauth.UnsupportedOperationError) {
    return new UpstreamError(`unusable answer: ${thrown.message}`, 'refused', { cause: thrown });
  }
  // What is left never got an answer: a refused connection, a timeout, a broken body.
  return new UpstreamError(`no usable answer: ${describeError(thrown)}`, 'transient', {
    cause: thrown,
  });
}

function authorizationError(thrown: oauth.AuthorizationResponseError): UpstreamError {
  const transient = ['temporarily_unavailable', 'server_error'].includes(thrown.error);
  // The code is the upstream's text: cut to what an error code can be before it reaches a log.
  const code = thrown.error.replace(/[^a-z_]/g, '').slice(0, 40);
  return new UpstreamError(
    `the authorization endpoint answered ${code}`,
    transient ? 'transient' : 'refused',
    { denied: ['access_denied', 'consent_required', 'login_required'].includes(thrown.error) },
  );
}

function tokenError(thrown: oauth.ResponseBodyError): UpstreamError {
  const code = thrown.error.replace(/[^a-z_]/g, '').slice(0, 40);
  // Only invalid_grant is about this login; anything else (a wrong client secret, a rate limit)
  // is about the app and may pass.
  const kind = thrown.error === 'invalid_grant' ? 'refused' : 'transient';
  return new UpstreamError(`the token endpoint answered ${thrown.status} ${code}`, kind);
}

function processingError(thrown: oauth.OperationProcessingError): UpstreamError {
  const unanswered =
    thrown.code === oauth.RESPONSE_IS_NOT_CONFORM ||
    thrown.code === oauth.PARSE_ERROR ||
    thrown.code === oauth.RESPONSE_IS_NOT_JSON ||
    thrown.code === oauth.INVALID_RESPONSE;
  return new UpstreamError(thrown.message, unanswered ? 'transient' : 'refused', { cause: thrown });
}
