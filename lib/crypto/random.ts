import { randomBytes } from 'node:crypto';

const ALPHANUMERIC = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** The bytes below it fall on each character equally often. */
const FAIR_BYTES = 256 - (256 % ALPHANUMERIC.length);

/** An unguessable text: that many bytes of the system's CSPRNG, as base64url. */
export function randomToken(bytes = 32): string {
  return randomBytes(bytes).toString('base64url');
}

/** An unguessable text of letters and digits, of almost 6 bits each. */
export function randomAlphanumeric(length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < FAIR_BYTES) text += ALPHANUMERIC.charAt(byte % ALPHANUMERIC.length);
    }
  }
  return text.slice(0, length);
}
