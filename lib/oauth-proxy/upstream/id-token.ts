import type * as oauth from 'oauth4webapi';
import { UpstreamError } from '../../common/errors.js';
import { accessTokenHash } from '../../crypto/access-token-hash.js';
import { readUnverifiedJwt } from '../../verifiers/unverified-jwt.js';

const maxSubjectLength = 255;

/**
 * What is left to check of an id_token whose signature, issuer, audience, times and nonce are good.
 *
 * @throws UpstreamError
 * @see OpenID Connect Core §2, §3.1.3.7, §3.1.3.8
 */
export function assertIdTokenFits(
  tokens: oauth.TokenEndpointResponse,
  claims: oauth.IDToken,
  clientId: string,
): void {
  if (claims.sub === '' || claims.sub.length > maxSubjectLength) {
    throw new UpstreamError('the id_token has no usable subject', 'refused');
  }
  if (claims['azp'] !== undefined && claims['azp'] !== clientId) {
    throw new UpstreamError('the id_token was issued to another client', 'refused');
  }
  const hash = claims['at_hash'];
  if (hash === undefined) return;
  const algorithm = readUnverifiedJwt(tokens.id_token ?? '')?.header['alg'];
  if (hash !== accessTokenHash(tokens.access_token, String(algorithm))) {
    throw new UpstreamError('the id_token belongs to another access token', 'refused');
  }
}

/** The login an id_token must be about. */
export interface ExpectedLogin {
  /** Absent where it was checked otherwise. */
  readonly issuer?: string | undefined;
  readonly clientId: string;
  readonly subject: string;
}

/**
 * Looks at the id_token of a refresh, which may be absent. It came straight from the token endpoint,
 * which counts as its signature (§3.1.3.7 (6)), and it can only end the login: what it says beside
 * who it is about is not used, and one that cannot be read says nothing.
 *
 * @throws UpstreamError `refused` when it is about another login
 * @see OpenID Connect Core §12.2
 */
export function assertSameLogin(idToken: string | undefined, expected: ExpectedLogin): void {
  const claims = readUnverifiedJwt(idToken ?? '')?.claims;
  if (!claims) return;
  const { iss, sub, aud } = claims;
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  const isIssuer = expected.issuer === undefined || iss === expected.issuer;
  if (isIssuer && sub === expected.subject && audiences.includes(expected.clientId)) return;
  throw new UpstreamError('the id_token of the refresh is about another login', 'refused');
}
