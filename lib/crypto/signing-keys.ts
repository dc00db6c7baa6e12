import { webcrypto } from 'node:crypto';
import { SignJWT, decodeProtectedHeader, importJWK, jwtVerify } from 'jose';
import type { CryptoKey, JWK, JWTPayload } from 'jose';
import { ConfigurationError } from '../common/errors.js';
import type { ConfigurationIssue } from '../common/errors.js';
import type { KeyList } from './key-list.js';
import type { DerivedKey, SecretRing } from './secret-ring.js';
import { parseSigningJwk } from './signing-jwk.js';
import type { SigningAlgorithm, SigningJwk } from './signing-jwk.js';

/** What a token must be to be accepted. */
export interface ExpectedToken {
  /** The value of `iss`. */
  readonly issuer: string;
  /** A member of `aud`; not looked at when absent. */
  readonly audience?: string;
  /** The exact `typ` of the header, such as `at+jwt` (RFC 8725 §3.11). */
  readonly typ: string;
  /** The current time, in seconds since the epoch. */
  readonly now: number;
}

interface LoadedKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm | 'HS256';
  readonly signing: CryptoKey;
  readonly verification: CryptoKey;
}

/** Keys before they are imported; the same array as long as they are the same keys. */
interface KeySet {
  readonly keys: readonly object[];
  load(): Promise<readonly LoadedKey[]>;
  readonly publicJwks?: readonly JWK[];
}

/**
 * The keys for the server's own JWTs. The first signs, all verify. Keys come and go while the app
 * runs: a removed one verifies nothing any more.
 */
export class SigningKeys {
  readonly #current: () => KeySet;
  #loadedFrom: readonly object[] | undefined;
  #loaded: Promise<readonly LoadedKey[]> = Promise.resolve([]);

  private constructor(current: () => KeySet) {
    this.#current = current;
  }

  /** HS256 with keys made of the secrets. */
  static fromSecrets(ring: SecretRing): SigningKeys {
    return new SigningKeys(() => {
      const keys = ring.derive('token-signing');
      return { keys, load: () => Promise.all(keys.map(loadDerivedKey)) };
    });
  }

  /**
   * Private JWKs for ES256, RS256 (2048 bits or more) or EdDSA (Ed25519). A key without a `kid`
   * gets its thumbprint (RFC 7638).
   *
   * @throws ConfigurationError when a key of a list is unusable; see `SigningKeys.issues`.
   */
  static fromJwks(given: readonly JWK[] | KeyList<JWK>): SigningKeys {
    const source = 'current' in given ? given : { current: given };
    if (!('current' in given)) {
      ConfigurationError.assertNone(SigningKeys.issues(given, 'signingKeys'));
    }
    let parsed = parseSet(source.current);
    return new SigningKeys(() => {
      if (source.current !== parsed.keys) parsed = parseSet(source.current);
      return parsed;
    });
  }

  /** What is wrong with the keys, if anything. Issues name positions, never values. */
  static issues(keys: unknown, path: string): ConfigurationIssue[] {
    if (!Array.isArray(keys) || keys.length === 0) {
      return [{ path, problem: 'must be a list of at least one private JWK' }];
    }
    const positions = new Map<string, number>();
    return keys.flatMap((value: unknown, index) => {
      const key = parseSigningJwk(value);
      const problem = 'problem' in key ? key.problem : problemOfKid(key.kid, path, positions);
      if ('kid' in key && !problem) positions.set(key.kid, index);
      return problem ? [{ path: `${path}[${index}]`, problem }] : [];
    });
  }

  /** A JWT of the claims as they are, signed with the first key. */
  async sign(claims: JWTPayload, typ: string): Promise<string> {
    const [key] = await this.#keys();
    if (!key) throw new Error('unreachable: a ring has a key');
    return new SignJWT(claims)
      .setProtectedHeader({ alg: key.alg, typ, kid: key.kid })
      .sign(key.signing);
  }

  /** The claims of a token that is genuine, as expected and not expired; null for all others. */
  async verify(token: string, expected: ExpectedToken): Promise<JWTPayload | null> {
    const keys = await this.#keys();
    try {
      const header = decodeProtectedHeader(token);
      if (header.typ !== expected.typ) return null;
      // These tokens use no extension, not even one that jose understands (RFC 7515 §4.1.11).
      if (header.crit !== undefined || header.b64 !== undefined) return null;
      const key = keys.find(({ kid }) => kid === header.kid);
      if (!key) return null;
      const { payload } = await jwtVerify(token, key.verification, {
        // The key's own algorithm, whatever the header says (RFC 8725 §3.1).
        algorithms: [key.alg],
        issuer: expected.issuer,
        ...(expected.audience === undefined ? {} : { audience: expected.audience }),
        requiredClaims: ['exp'],
        currentDate: new Date(expected.now * 1000),
        clockTolerance: 0,
      });
      return payload;
    } catch {
      // jose throws for whatever is wrong with a token: that is the verdict.
      return null;
    }
  }

  /** The public keys for a JWK Set document; undefined when the keys are symmetric. */
  publicJwks(): { keys: JWK[] } | undefined {
    const { publicJwks } = this.#current();
    return publicJwks && { keys: publicJwks.map((jwk) => ({ ...jwk })) };
  }

  #keys(): Promise<readonly LoadedKey[]> {
    const current = this.#current();
    if (current.keys !== this.#loadedFrom) {
      this.#loadedFrom = current.keys;
      this.#loaded = current.load();
    }
    return this.#loaded;
  }
}

function parseSet(keys: readonly JWK[]): KeySet {
  const parsed = keys.map(parseSigningJwk).filter((key) => 'kid' in key);
  return {
    keys,
    load: () => Promise.all(parsed.map(loadJwk)),
    publicJwks: parsed.map(({ publicJwk }) => publicJwk),
  };
}

function problemOfKid(kid: string, path: string, positions: ReadonlyMap<string, number>) {
  const twin = positions.get(kid);
  return twin === undefined ? undefined : `has the same kid as ${path}[${twin}]`;
}

async function loadDerivedKey({ kid, key }: DerivedKey): Promise<LoadedKey> {
  const hmac = { name: 'HMAC', hash: 'SHA-256' };
  const imported = await webcrypto.subtle.importKey('raw', key, hmac, false, ['sign', 'verify']);
  return { kid, alg: 'HS256', signing: imported, verification: imported };
}

async function loadJwk({ kid, alg, privateJwk, publicJwk }: SigningJwk): Promise<LoadedKey> {
  const signing = await importJWK(privateJwk, alg);
  const verification = await importJWK(publicJwk, alg);
  // jose answers bytes only for kty `oct`, which `parseSigningJwk` refuses.
  return { kid, alg, signing: signing as CryptoKey, verification: verification as CryptoKey };
}
