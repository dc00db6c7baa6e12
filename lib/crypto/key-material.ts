import { createPublicKey, X509Certificate } from 'node:crypto';

/**
 * Tells whether a text that was given as a shared secret is, in whatever dress, a key everyone may
 * know: PEM, DER, JWK or an SSH key. As an HMAC secret it would let anyone sign (RFC 8725 §2.1).
 */
export function isKeyMaterial(secret: string): boolean {
  const text = secret.replace(/^\uFEFF/, '').trim();
  const readings = [
    Buffer.from(text, 'latin1'),
    Buffer.from(text, 'base64'),
    Buffer.from(text, 'hex'),
  ];
  return readings.some((bytes) => isTextualKey(bytes.toString('utf8')) || isDer(bytes));
}

function isTextualKey(text: string): boolean {
  return text.includes('-----BEGIN ') || /^(ssh-|ecdsa-sha2-)/.test(text) || isJwk(text);
}

function isJwk(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && ('kty' in value || 'keys' in value);
  } catch {
    return false;
  }
}

function isDer(bytes: Buffer): boolean {
  return (
    canRead(() => createPublicKey({ key: bytes, format: 'der', type: 'spki' })) ||
    canRead(() => createPublicKey({ key: bytes, format: 'der', type: 'pkcs1' })) ||
    canRead(() => new X509Certificate(bytes))
  );
}

function canRead(read: () => unknown): boolean {
  try {
    return Boolean(read());
  } catch {
    return false;
  }
}
