import { createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { JWK } from 'jose';
import { algorithmsOfKeyType } from './jws-algorithms.js';

const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 16_384;

/** A public key and what it may be used for. */
export interface VerificationKey {
  readonly key: KeyObject;
  readonly kid: string | undefined;
  /** The algorithms it may verify: what its type allows and, for a JWK, its own `alg` too. */
  readonly algorithms: readonly string[];
}

/** Reads a public key from a JWK (RFC 7517 §4). Throws an error that says what is wrong with it. */
export function parsePublicJwk(jwk: unknown): VerificationKey {
  if (typeof jwk !== 'object' || jwk === null) throw new Error('is not a JSON object');
  const { kty, use, key_ops: operations, alg, kid, d } = jwk as JWK;
  if (kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP') throw new Error('is not a public key');
  // Whoever can read the key could sign with it.
  if (d !== undefined) throw new Error('is a private key');
  if (use !== undefined && use !== 'sig') throw new Error('is not a key for signatures');
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) {
    throw new Error('is not a key to verify with');
  }
  if (kid !== undefined && typeof kid !== 'string') throw new Error('has a kid that is no text');
  const key = keyOf(() => createPublicKey({ key: publicMembers(jwk), format: 'jwk' }));
  const algorithms = algorithmsOf(key).filter((a) => alg === undefined || a === alg);
  if (algorithms.length === 0) throw new Error('has an alg that its type cannot do');
  return { key, kid, algorithms };
}

/** Reads a public key from PEM: SPKI or a certificate. Throws an error that says what is wrong. */
export function parsePublicPem(pem: string): VerificationKey {
  // Node would derive the public half without a word.
  if (pem.includes('PRIVATE KEY-----')) throw new Error('is a private key');
  const key = keyOf(() => createPublicKey(pem.replace(/^\uFEFF/, '').trim()));
  return { key, kid: undefined, algorithms: algorithmsOf(key) };
}

function keyOf(read: () => KeyObject): KeyObject {
  try {
    return read();
  } catch {
    throw new Error('cannot be read');
  }
}

function publicMembers({ kty, n, e, crv, x, y }: JWK): Record<string, string> {
  const members = Object.entries({ kty, n, e, crv, x, y });
  return Object.fromEntries(members.filter((m): m is [string, string] => typeof m[1] === 'string'));
}

function algorithmsOf(key: KeyObject): readonly string[] {
  const details = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa') assertUsableRsa(details);
  const algorithms = algorithmsOfKeyType(key.asymmetricKeyType, details.namedCurve);
  if (algorithms.length === 0) throw new Error('has a type that is not supported');
  return algorithms;
}

// RFC 7518 §3.3: 2048 bits or more. With an exponent of 1 anything is its own signature.
function assertUsableRsa(details: { modulusLength?: number; publicExponent?: bigint }): void {
  const { modulusLength: bits = 0, publicExponent: exponent = 0n } = details;
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) {
    throw new Error(`is an RSA key of ${bits} bits, ${MIN_RSA_BITS} to ${MAX_RSA_BITS} are needed`);
  }
  if (exponent < 3n || exponent % 2n === 0n) throw new Error('has an unsafe RSA exponent');
}
