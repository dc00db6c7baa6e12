import { randomBytes } from 'node:crypto';

/** An unguessable text: that many bytes of the system's CSPRNG, as base64url. */
export function randomToken(bytes = 32): string {
  return randomBytes(bytes).toString('base64url');
}
