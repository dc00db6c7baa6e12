import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { KID_BYTES } from './secret-ring.js';
import type { SecretRing } from './secret-ring.js';

const CIPHER = 'aes-256-gcm';
const VERSION = 1;
const HEADER_BYTES = 1 + KID_BYTES;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts and authenticates texts with AES-256-GCM.
 *
 * A sealed text is the base64url of: version (1 byte), key id (8), nonce (12), ciphertext, tag (16).
 *
 * @see NIST SP 800-38D
 */
export class Sealer {
  readonly #ring: SecretRing;

  constructor(ring: SecretRing) {
    this.#ring = ring;
  }

  /** Seals the text with the first secret. It opens only under the same associated data. */
  seal(plaintext: string, associatedData: string): string {
    const [current] = this.#ring.derive('record-sealing');
    const header = Buffer.concat([Buffer.of(VERSION), Buffer.from(current.kid, 'base64url')]);
    // A random nonce is safe for 2^32 texts a key (SP 800-38D §8.3): rotate the secret before.
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, current.key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(authenticated(header, associatedData));
    const body = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
    return Buffer.concat([header, nonce, body, cipher.getAuthTag()]).toString('base64url');
  }

  /** The sealed text, or null for everything that no secret of the ring opens. */
  open(sealed: string, associatedData: string): string | null {
    const bytes = Buffer.from(sealed, 'base64url');
    if (bytes.length < HEADER_BYTES + NONCE_BYTES + TAG_BYTES || bytes[0] !== VERSION) return null;
    // Buffer skips what is not base64url; only the one canonical spelling counts.
    if (bytes.toString('base64url') !== sealed) return null;
    const header = bytes.subarray(0, HEADER_BYTES);
    const kid = header.subarray(1).toString('base64url');
    const found = this.#ring.derive('record-sealing').find((key) => key.kid === kid);
    return found ? decrypt(found.key, bytes, authenticated(header, associatedData)) : null;
  }
}

function decrypt(key: Buffer, bytes: Buffer, associatedData: Buffer): string | null {
  const bodyStart = HEADER_BYTES + NONCE_BYTES;
  const bodyEnd = bytes.length - TAG_BYTES;
  const nonce = bytes.subarray(HEADER_BYTES, bodyStart);
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(associatedData);
  decipher.setAuthTag(bytes.subarray(bodyEnd));
  const start = decipher.update(bytes.subarray(bodyStart, bodyEnd));
  try {
    return Buffer.concat([start, decipher.final()]).toString('utf8');
  } catch {
    // `final` throws for one reason: the tag does not fit.
    return null;
  }
}

/** The header has a fixed length, so no associated data can be read as another header's. */
function authenticated(header: Buffer, associatedData: string): Buffer {
  return Buffer.concat([header, Buffer.from(associatedData, 'utf16le')]);
}
