/** Imports a shared secret for one HMAC algorithm, such as `HS256` (RFC 7518 §3.2). */
export function importHmacKey(
  secret: Uint8Array,
  algorithm: string,
): ReturnType<typeof crypto.subtle.importKey> {
  const hmac = { name: 'HMAC', hash: `SHA-${algorithm.slice(2)}` };
  return crypto.subtle.importKey('raw', secret, hmac, false, ['verify']);
}
