import type { JWK } from 'jose';
import type { VerificationKey } from '../../crypto/verification-key.js';
import { parseJwks } from '../../verifiers/jwks-document.js';

const maxKeys = 20;
const maxUriLength = 2048;

/** The public keys a client gave (RFC 7517 §5), as it gave them. */
export interface ClientKeySet {
  readonly keys: readonly JWK[];
}

/**
 * Says what is wrong with the `jwks` of a client (RFC 7591 §2), or null. A secret in it, private or
 * symmetric, spoils the whole set: it was shown to whoever could read the client's metadata.
 */
export function clientKeysProblem(jwks: unknown): string | null {
  const keys = (jwks as { keys?: unknown } | null | undefined)?.keys;
  if (!Array.isArray(keys)) return 'must be a JWK Set with a list of keys';
  if (keys.length > maxKeys) return `must not have more than ${maxKeys} keys`;
  if (keys.some(isSecretKey)) return 'must not hold private or symmetric keys';
  return parseJwks(jwks).length > 0 ? null : 'must hold at least one usable key for signatures';
}

/** Says what is wrong with the `jwks_uri` of a client (RFC 7591 §2), or null. */
export function clientKeysUriProblem(uri: unknown): string | null {
  if (typeof uri !== 'string' || uri.length > maxUriLength || !URL.canParse(uri)) {
    return `must be a URL of at most ${maxUriLength} characters`;
  }
  const { protocol, username, password, hash } = new URL(uri);
  if (protocol !== 'https:') return 'must use https';
  return username || password || hash || uri.endsWith('#')
    ? 'must not have user information or a fragment'
    : null;
}

/**
 * The keys of a client that can verify its assertions.
 * @throws {Error} that says what is wrong with the set, where `clientKeysProblem` would.
 */
export function parseClientKeys(jwks: unknown): readonly VerificationKey[] {
  const problem = clientKeysProblem(jwks);
  if (problem !== null) throw new Error(problem);
  return parseJwks(jwks);
}

function isSecretKey(jwk: unknown): boolean {
  if (typeof jwk !== 'object' || jwk === null) return false;
  const { kty, d, k, p, q } = jwk as JWK;
  return kty === 'oct' || [d, k, p, q].some((member) => member !== undefined);
}
