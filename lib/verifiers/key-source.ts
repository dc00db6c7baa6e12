import type { CryptoKey } from 'jose';
import type { KeyObject } from 'node:crypto';
import type { Awaitable } from '../common/awaitable.js';
import { importHmacKey } from '../crypto/hmac-key.js';

/** Where a JWT verifier finds the key for a token. */
export interface KeySource {
  /**
   * The one key that fits, or undefined when none does or several do.
   *
   * @throws {VerifierUnavailableError} when the keys cannot be had.
   */
  find(algorithm: string, kid: string | undefined): Awaitable<KeyObject | CryptoKey | undefined>;
}

/** A public key that was configured. */
export class StaticKeySource implements KeySource {
  constructor(private readonly key: KeyObject) {}

  find(): KeyObject {
    return this.key;
  }
}

/** A shared secret, imported once for each hash. */
export class SharedSecretSource implements KeySource {
  readonly #keys = new Map<string, Awaitable<CryptoKey>>();

  constructor(private readonly secret: Uint8Array) {}

  find(algorithm: string): Awaitable<CryptoKey> {
    const known = this.#keys.get(algorithm);
    if (known) return known;
    const imported = this.#import(algorithm);
    this.#keys.set(algorithm, imported);
    return imported;
  }

  async #import(algorithm: string): Promise<CryptoKey> {
    const key = await importHmacKey(this.secret, algorithm);
    this.#keys.set(algorithm, key);
    return key;
  }
}
