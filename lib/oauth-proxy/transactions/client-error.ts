import { StorageError, UpstreamError } from '../../common/errors.js';
import type { OAuthErrorCode } from '../../http/oauth-error.js';

/**
 * What a client may know of a failed login: nothing that the upstream or the store wrote.
 * @throws the error itself when it is neither a StorageError nor an UpstreamError
 * @see OAuth 2.1 §4.1.2.1
 */
export function clientErrorOf(error: unknown): [code: OAuthErrorCode, description: string] {
  if (error instanceof StorageError) {
    return ['temporarily_unavailable', 'The server cannot be used right now.'];
  }
  if (!(error instanceof UpstreamError)) throw error;
  if (error.kind === 'transient') {
    return ['temporarily_unavailable', 'The identity provider cannot be used right now.'];
  }
  return error.denied
    ? ['access_denied', 'The login was refused or cancelled.']
    : ['server_error', 'The login at the identity provider failed.'];
}
