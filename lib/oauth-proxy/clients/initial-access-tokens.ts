import { VerifierUnavailableError } from '../../common/errors.js';
import { late, within } from '../../common/within.js';
import { constantTimeEqual } from '../../crypto/constant-time.js';
import { hashSecret } from '../../crypto/hash.js';
import type { EndpointRequest } from '../../http/endpoint.js';
import { OAuthError } from '../../http/oauth-error.js';
import type { AuthenticationFailures } from './client-authenticator.js';
import { type InitialAccessTokenCheck, isBearerToken } from './registration-options.js';

const maxLength = 8192;
const checkSeconds = 5;

/** Lets only those register clients to whom the operator gave a token. @see RFC 7591 §3 */
export class InitialAccessTokens {
  readonly #check: InitialAccessTokenCheck;

  constructor(
    tokens: readonly string[] | InitialAccessTokenCheck,
    private readonly failures: AuthenticationFailures,
  ) {
    this.#check = typeof tokens === 'function' ? tokens : amongHashes(tokens.map(hashSecret));
  }

  /**
   * Demands a token in the `Authorization` header, its only place.
   *
   * @throws OAuthError `invalid_token` (401) without a good one, 429 to an address that sent too many
   * wrong ones; VerifierUnavailableError when nobody can say in time whether it is one.
   * @see RFC 6750 §2.1, §3.1
   */
  async assertPresent(request: EndpointRequest): Promise<void> {
    const { authorization } = request.headers;
    const token = typeof authorization === 'string' ? bearerToken(authorization) : undefined;
    if (token !== undefined && (await this.#isGood(token, request))) return;
    const error = authorization === undefined ? '' : ', error="invalid_token"';
    throw new OAuthError('invalid_token', 'An initial access token is needed to register.', {
      status: 401,
      headers: { 'www-authenticate': `Bearer realm="registration"${error}` },
    });
  }

  async #isGood(token: string, request: EndpointRequest): Promise<boolean> {
    // Of no client: a guess counts for the address alone.
    await this.failures.assertAllowed('', request);
    // What the app's function answers is promised by its types alone.
    const isGood = (await this.#verdict(token)) === true;
    if (!isGood) await this.failures.record('', request);
    return isGood;
  }

  async #verdict(token: string): Promise<unknown> {
    try {
      const verdict = await within(Promise.resolve(this.#check(token)), checkSeconds);
      if (verdict === late) throw new Error('The check took too long.');
      return verdict;
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
