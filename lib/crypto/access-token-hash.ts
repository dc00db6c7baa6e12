import { createHash } from 'node:crypto';

/**
 * The `at_hash` of an access token under the algorithm of its id_token; undefined when the
 * algorithm has no hash of its own.
 *
 * @see OpenID Connect Core §3.1.3.6
 */
export function accessTokenHash(accessToken: string, algorithm: string): string | undefined {
  const hash = hashOf(algorithm);
  if (hash === undefined) return undefined;
  const digest = createHash(hash).update(accessToken, 'ascii').digest();
  return digest.subarray(0, digest.length / 2).toString('base64url');
}

function hashOf(algorithm: string): string | undefined {
  const size = /^(?:RS|PS|ES|HS)(256|384|512)$/.exec(algorithm)?.[1];
  if (size !== undefined) return `sha${size}`;
  return algorithm === 'EdDSA' || algorithm === 'Ed25519' ? 'sha512' : undefined;
}
