import { hash } from 'node:crypto';

/**
 * The SHA-256 of the secret's UTF-8 bytes, as base64url. Only for secrets that cannot be guessed:
 * it is fast, and the same everywhere, so that a store can be searched by it.
 */
export function hashSecret(secret: string): string {
  return hash('sha256', secret, 'base64url');
}
