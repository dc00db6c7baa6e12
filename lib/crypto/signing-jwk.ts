import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { JWK } from 'jose';
import { hashSecret } from './hash.js';

/** A private key that can sign, checked, and what of it may be published. */
export interface SigningJwk {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly privateJwk: JWK;
  readonly publicJwk: JWK;
}

const known = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
] as const;

export type SigningAlgorithm = (typeof known)[number];

/** Which algorithms a key may be for, those preferred first, and how to call them. */
interface SigningKinds {
  readonly algorithms: readonly SigningAlgorithm[];
  readonly named: string;
}

/** What this server signs its own tokens with. */
const ownTokens: SigningKinds = {
  algorithms: ['ES256', 'RS256', 'EdDSA'],
  named: 'ES256 (P-256), RS256 or EdDSA (Ed25519)',
};

/** What a client may sign its assertions with (RFC 7523 §2.2). */
const clientAssertions: SigningKinds = {
  algorithms: known,
  named: 'an RS, PS or ES algorithm (RFC 7518) or EdDSA (Ed25519)',
};

interface Family {
  /** Those the key can serve; the first unless the key names another. */
  readonly algorithms: readonly [SigningAlgorithm, ...SigningAlgorithm[]];
  /** The digest node signs with; null where the algorithm has its own. */
  readonly digest: 'sha256' | null;
  /** The members of the public key, in the order of its thumbprint (RFC 7638 §3.2). */
  readonly publicMembers: readonly string[];
}

const MIN_RSA_BITS = 2048;
const MIN_RSA_EXPONENT = 65_537n;

/** Reads a private JWK for ES256, RS256 or EdDSA; or says, without its value, what is wrong. */
export function parseSigningJwk(value: unknown): SigningJwk | { readonly problem: string } {
  return parse(value, ownTokens);
}

/** The same for the key of a client's assertions, which every algorithm of RFC 7518 §3.1 may sign. */
export function parseAssertionJwk(value: unknown): SigningJwk | { readonly problem: string } {
  return parse(value, clientAssertions);
}

function parse(value: unknown, kinds: SigningKinds): SigningJwk | { readonly problem: string } {
  if (typeof value !== 'object' || value === null) return { problem: 'must be a private JWK' };
  const jwk = value as Record<string, unknown>;
  const family = familyOf(jwk, kinds);
  if (!family) return { problem: `must be a JWK for ${kinds.named}` };
  const problem = problemOfUse(jwk, family);
  if (problem) return { problem };
  const pair = keyPairOf(jwk, family);
  if (typeof pair === 'string') return { problem: pair };

  const members = pair.publicKey.export({ format: 'jwk' });
  const [preferred] = family.algorithms;
  const alg = family.algorithms.find((one) => one === jwk['alg']) ?? preferred;
  const kid = typeof jwk['kid'] === 'string' ? jwk['kid'] : thumbprintOf(members, family);
  return {
    kid,
    alg,
    privateJwk: pair.privateKey.export({ format: 'jwk' }),
    publicJwk: { ...members, kid, alg, use: 'sig' },
  };
}

const keyTypes: Readonly<Record<string, Pick<Family, 'digest' | 'publicMembers'>>> = {
  RSA: { digest: 'sha256', publicMembers: ['e', 'kty', 'n'] },
  EC: { digest: 'sha256', publicMembers: ['crv', 'kty', 'x', 'y'] },
  OKP: { digest: null, publicMembers: ['crv', 'kty', 'x'] },
};

const curves: Readonly<Record<string, SigningAlgorithm>> = {
  'EC P-256': 'ES256',
  'EC P-384': 'ES384',
  'EC P-521': 'ES512',
  'OKP Ed25519': 'EdDSA',
};

function familyOf({ kty, crv }: Record<string, unknown>, kinds: SigningKinds): Family | undefined {
  const type = keyTypes[String(kty)];
  const [first, ...others] = kinds.algorithms.filter((alg) =>
    kty === 'RSA' ? /^[RP]S/.test(alg) : alg === curves[`${String(kty)} ${String(crv)}`],
  );
  return type && first && { ...type, algorithms: [first, ...others] };
}

function problemOfUse(jwk: Record<string, unknown>, family: Family): string | undefined {
  const { alg, use, kid, key_ops: operations } = jwk;
  if (typeof jwk['d'] !== 'string') return 'must be a private JWK: its member d is missing';
  if (alg !== undefined && !family.algorithms.some((one) => one === alg)) {
    return `its alg must be ${family.algorithms.join(' or ')}, or absent`;
  }
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
