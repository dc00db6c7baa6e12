import { createHmac } from 'node:crypto';
import { constantTimeEqual } from './constant-time.js';
import type { SecretRing } from './secret-ring.js';

/** Authenticates what a form carries back to the server (HMAC-SHA256). */
export class FormMac {
  readonly #ring: SecretRing;

  constructor(ring: SecretRing) {
    this.#ring = ring;
  }

  /** The MAC of exactly these parts in this order, made with the first secret. */
  sign(...parts: readonly string[]): string {
    return macOf(this.#ring.derive('consent-form')[0].key, parts);
  }

  /** Tells whether any secret of the ring made this MAC of exactly these parts. */
  verify(mac: string, ...parts: readonly string[]): boolean {
    let genuine = false;
    for (const { key } of this.#ring.derive('consent-form')) {
      // Every key is tried, so that the time does not tell which one fits.
      if (constantTimeEqual(mac, macOf(key, parts))) genuine = true;
    }
    return genuine;
  }
}

function macOf(key: Buffer, parts: readonly string[]): string {
  const mac = createHmac('sha256', key);
  for (const part of [String(parts.length), ...parts]) {
    // With its length before it, no part can spill into the next; UTF-16 keeps lone surrogates.
    mac.update(`${part.length}:${part}`, 'utf16le');
  }
  return mac.digest('base64url');
}
