import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { JWK } from 'jose';
import { hashSecret } from './hash.js';

/** A private key that can sign access tokens, checked, and what of it may be published. */
export interface SigningJwk {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly privateJwk: JWK;
  readonly publicJwk: JWK;
}

export type SigningAlgorithm = 'ES256' | 'RS256' | 'EdDSA';

interface Family {
  readonly alg: SigningAlgorithm;
  /** The digest node signs with; null where the algorithm has its own. */
  readonly digest: 'sha256' | null;
  /** The members of the public key, in the order of its thumbprint (RFC 7638 §3.2). */
  readonly publicMembers: readonly string[];
}

const MIN_RSA_BITS = 2048;
const MIN_RSA_EXPONENT = 65_537n;

/** Reads a private JWK for ES256, RS256 or EdDSA; or says, without its value, what is wrong. */
export function parseSigningJwk(value: unknown): SigningJwk | { readonly problem: string } {
  if (typeof value !== 'object' || value === null) return { problem: 'must be a private JWK' };
  const jwk = value as Record<string, unknown>;
  const family = familyOf(jwk);
  if (!family) return { problem: 'must be a JWK for ES256 (P-256), RS256 or EdDSA (Ed25519)' };
  const problem = problemOfUse(jwk, family);
  if (problem) return { problem };
  const pair = keyPairOf(jwk, family);
  if (typeof pair === 'string') return { problem: pair };

  const members = pair.publicKey.export({ format: 'jwk' });
  const kid = typeof jwk['kid'] === 'string' ? jwk['kid'] : thumbprintOf(members, family);
  return {
    kid,
    alg: family.alg,
    privateJwk: pair.privateKey.export({ format: 'jwk' }),
    publicJwk: { ...members, kid, alg: family.alg, use: 'sig' },
  };
}

function familyOf(jwk: Record<string, unknown>): Family | undefined {
  if (jwk['kty'] === 'RSA') {
    return { alg: 'RS256', digest: 'sha256', publicMembers: ['e', 'kty', 'n'] };
  }
  if (jwk['kty'] === 'EC' && jwk['crv'] === 'P-256') {
    return { alg: 'ES256', digest: 'sha256', publicMembers: ['crv', 'kty', 'x', 'y'] };
  }
  if (jwk['kty'] === 'OKP' && jwk['crv'] === 'Ed25519') {
    return { alg: 'EdDSA', digest: null, publicMembers: ['crv', 'kty', 'x'] };
  }
  return undefined;
}

function problemOfUse(jwk: Record<string, unknown>, family: Family): string | undefined {
  const { alg, use, kid, key_ops: operations } = jwk;
  if (typeof jwk['d'] !== 'string') return 'must be a private JWK: its member d is missing';
  if (alg !== undefined && alg !== family.alg) return `its alg must be ${family.alg}, or absent`;
  if (use !== undefined && use !== 'sig') return 'its use must be sig, or absent';
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('sign'))) {
    return 'its key_ops must include sign, or be absent';
  }
  if (kid !== undefined && (typeof kid !== 'string' || kid === '')) {
    return 'its kid must be a text, or absent';
  }
  return undefined;
}

interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

function keyPairOf(jwk: Record<string, unknown>, family: Family): KeyPair | string {
  const publicJwk = Object.fromEntries(family.publicMembers.map((name) => [name, jwk[name]]));
  try {
    const privateKey = createPrivateKey({ key: jwk, format: 'jwk' });
    const publicKey = createPublicKey({ key: publicJwk, format: 'jwk' });
    const { modulusLength, publicExponent } = publicKey.asymmetricKeyDetails ?? {};
    if (modulusLength !== undefined && modulusLength < MIN_RSA_BITS) {
      return `must have at least ${MIN_RSA_BITS} bits`;
    }
    if (publicExponent !== undefined && publicExponent < MIN_RSA_EXPONENT) {
      return `must have a public exponent of at least ${MIN_RSA_EXPONENT}`;
    }
    // The private part is not derived from the public one: a trial tells whether they fit.
    const trial = Buffer.from('trial');
    const signature = sign(family.digest, trial, privateKey);
    return verify(family.digest, trial, publicKey, signature)
      ? { privateKey, publicKey }
      : 'its private and public members do not belong together';
  } catch {
    // What OpenSSL says of a key may quote it.
    return 'is not a valid key';
  }
}

/** RFC 7638. Done here because jose's is asynchronous and a key's id is needed at once. */
function thumbprintOf(members: Record<string, unknown>, family: Family): string {
  const entries = family.publicMembers.map((name) => [name, members[name]]);
  return hashSecret(JSON.stringify(Object.fromEntries(entries)));
}
