import { hash } from 'node:crypto';

/**
 * The SHA-256 of the secret's UTF-8 bytes, as base64url. Only for secrets that cannot be guessed:
 * it is fast, and the same everywhere, so that a store can be searched by it.
 */
export function hashSecret(secret: string): string {
  return hash('sha256', secret, 'base64url');
}

/** Reads such a hash as `hashSecret` or `sha256sum` prints it; undefined for everything else. */
export function readSecretHash(text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined;
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex').toString('base64url');
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length === 32 && bytes.toString('base64url') === text ? text : undefined;
}
