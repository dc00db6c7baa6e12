/** The asymmetric signature algorithms of RFC 7518 §3.1 and RFC 8037 §3.1 / RFC 9864 §2.2. */
const ASYMMETRIC = ['RS', 'PS', 'ES']
  .flatMap((family) => [`${family}256`, `${family}384`, `${family}512`])
  .concat('EdDSA', 'Ed25519');

/** The shortest secret each HMAC may have: the length of its hash (RFC 7518 §3.2). */
const HMAC_SECRET_BYTES: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 };

const EC_ALGORITHMS: Readonly<Record<string, string>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
};

/** Tells whether the algorithm signs with a private key and verifies with a public one. */
export function isAsymmetricAlgorithm(algorithm: unknown): boolean {
  return typeof algorithm === 'string' && ASYMMETRIC.includes(algorithm);
}

/** Tells whether the algorithm is an HMAC. */
export function isHmacAlgorithm(algorithm: unknown): boolean {
  return typeof algorithm === 'string' && Object.hasOwn(HMAC_SECRET_BYTES, algorithm);
}

/** The bytes a secret needs for all of these algorithms. */
export function requiredSecretBytes(algorithms: readonly string[]): number {
  return Math.max(0, ...algorithms.map((algorithm) => HMAC_SECRET_BYTES[algorithm] ?? 0));
}

/** The algorithms a public key of that type, as Node names it, can verify; none when unsupported. */
export function algorithmsOfKeyType(type: string | undefined, curve?: string): readonly string[] {
  if (type === 'rsa') return ASYMMETRIC.filter((a) => a.startsWith('RS') || a.startsWith('PS'));
  if (type === 'ed25519') return ['EdDSA', 'Ed25519'];
  const algorithm = type === 'ec' && curve !== undefined ? EC_ALGORITHMS[curve] : undefined;
  return algorithm === undefined ? [] : [algorithm];
}
