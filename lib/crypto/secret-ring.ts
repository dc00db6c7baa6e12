import { hkdfSync } from 'node:crypto';
import { ConfigurationError } from '../common/errors.js';
import type { ConfigurationIssue } from '../common/errors.js';
import type { KeyList } from './key-list.js';
import { weaknessOf } from './weak-secret.js';

/** What a key is for. Keys of different purposes have nothing in common. */
export type KeyPurpose = 'record-sealing' | 'token-signing' | 'consent-form';

/** A key made from one secret for one purpose. */
export interface DerivedKey {
  /** Names the key; derived beside it, so that it says nothing of the secret or the key. */
  readonly kid: string;
  /** 32 bytes. */
  readonly key: Buffer;
}

export const KID_BYTES = 8;
const KEY_BYTES = 32;
const SALT = 'nestjs-mcp-multi-auth';

/**
 * The operator's secrets, newest first, and the keys made of them (HKDF-SHA256).
 * The first secret's keys sign and seal; those of all secrets verify and open.
 *
 * Secrets come and go while the app runs: ask for the keys at each use, and keep none.
 *
 * @see RFC 5869
 */
export class SecretRing {
  readonly #secrets: Pick<KeyList<string>, 'current'>;
  #derivedFrom: readonly string[] | undefined;
  readonly #derived = new Map<KeyPurpose, readonly [DerivedKey, ...DerivedKey[]]>();

  /** @throws ConfigurationError when a secret of a list is unusable; see `SecretRing.issues`. */
  constructor(secrets: readonly string[] | KeyList<string>) {
    if ('current' in secrets) {
      this.#secrets = secrets;
    } else {
      ConfigurationError.assertNone(SecretRing.issues(secrets, 'secrets'));
      this.#secrets = { current: [...secrets] };
    }
  }

  /**
   * The keys for the purpose, one a secret, in the order of the secrets; the same array as long as
   * the secrets are the same.
   */
  derive(purpose: KeyPurpose): readonly [DerivedKey, ...DerivedKey[]] {
    const secrets = this.#secrets.current;
    if (secrets !== this.#derivedFrom) this.#derived.clear();
    this.#derivedFrom = secrets;
    let keys = this.#derived.get(purpose);
    if (!keys) {
      const [current, ...older] = secrets.map((secret) => deriveKey(secret, purpose));
      // Nobody lets an empty list pass.
      keys = Object.freeze([current as DerivedKey, ...older] as const);
      this.#derived.set(purpose, keys);
    }
    return keys;
  }

  /** What is wrong with the secrets, if anything. Issues name positions, never values. */
  static issues(secrets: unknown, path: string): ConfigurationIssue[] {
    if (!Array.isArray(secrets) || secrets.length === 0) {
      return [{ path, problem: 'must be a list of at least one secret' }];
    }
    return secrets.flatMap((secret: unknown, index) => {
      const twin = secrets.indexOf(secret);
      const problem = weaknessOf(secret) ?? (twin < index && `is the same as ${path}[${twin}]`);
      return problem ? [{ path: `${path}[${index}]`, problem }] : [];
    });
  }
}

function deriveKey(secret: string, purpose: KeyPurpose): DerivedKey {
  return Object.freeze({
    kid: expand(secret, `kid:${purpose}`, KID_BYTES).toString('base64url'),
    key: expand(secret, `key:${purpose}`, KEY_BYTES),
  });
}

function expand(secret: string, label: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, SALT, label, bytes));
}
