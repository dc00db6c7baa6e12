import { VerifierUnavailableError } from '../../common/errors.js';
import { constantTimeEqual } from '../../crypto/constant-time.js';
import { hashSecret } from '../../crypto/hash.js';
import type { EndpointRequest } from '../../http/endpoint.js';
import { OAuthError } from '../../http/oauth-error.js';
import { type InitialAccessTokenCheck, isBearerToken } from './registration-options.js';

const maxLength = 8192;

/** Lets only those register clients to whom the operator gave a token. @see RFC 7591 §3 */
export class InitialAccessTokens {
  readonly #check: InitialAccessTokenCheck;

  constructor(tokens: readonly string[] | InitialAccessTokenCheck) {
    this.#check = typeof tokens === 'function' ? tokens : amongHashes(tokens.map(hashSecret));
  }

  /**
   * Demands a token in the `Authorization` header, its only place.
   *
   * @throws OAuthError `invalid_token` (401) without a good one; VerifierUnavailableError when
   * nobody can say whether it is one.
   * @see RFC 6750 §2.1, §3.1
   */
  async assertPresent({ headers }: EndpointRequest): Promise<void> {
    const { authorization } = headers;
    const token = typeof authorization === 'string' ? bearerToken(authorization) : undefined;
    if (token !== undefined && (await this.#isGood(token))) return;
    const error = authorization === undefined ? '' : ', error="invalid_token"';
    throw new OAuthError('invalid_token', 'An initial access token is needed to register.', {
      status: 401,
      headers: { 'www-authenticate': `Bearer realm="registration"${error}` },
    });
  }

  async #isGood(token: string): Promise<boolean> {
    try {
      // What the app's function answers is promised by its types alone.
      const verdict: unknown = await this.#check(token);
      return verdict === true;
    } catch (cause) {
      throw new VerifierUnavailableError('The initial access token could not be checked.', {
        cause,
      });
    }
  }
}

function bearerToken(header: string): string | undefined {
  const token = /^bearer +(\S+)$/i.exec(header)?.[1];
  return token !== undefined && token.length <= maxLength && isBearerToken(token)
    ? token
    : undefined;
}

/** Compares with every one, so that the time says nothing of which came near. */
function amongHashes(hashes: readonly string[]): InitialAccessTokenCheck {
  return (token) => {
    const hash = hashSecret(token);
    return hashes.map((known) => constantTimeEqual(known, hash)).includes(true);
  };
}
