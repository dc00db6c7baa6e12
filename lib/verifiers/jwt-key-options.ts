import type { JWK } from 'jose';
import { describeError } from '../common/errors.js';
import type { ConfigurationIssue } from '../common/errors.js';
import { weaknessOf } from '../crypto/weak-secret.js';
import { isLoopbackHost } from '../http/loopback.js';
import {
  isAsymmetricAlgorithm,
  isHmacAlgorithm,
  requiredSecretBytes,
} from '../crypto/jws-algorithms.js';
import { isKeyMaterial } from '../crypto/key-material.js';
import { isText } from '../common/option-issues.js';
import { parsePublicJwk, parsePublicPem } from '../crypto/verification-key.js';
import type { VerificationKey } from '../crypto/verification-key.js';

/** The options that say which keys are trusted: exactly one of the three, and for what. */
export interface JwtKeyOptions {
  /**
   * Where the issuer publishes its keys (RFC 7517 §5): https, or http on this very machine. They
   * are kept for 10 minutes, and for an hour when the endpoint fails.
   */
  readonly jwksUri?: string | undefined;
  /** The issuer's only public key: PEM (SPKI or a certificate) or a JWK. RSA from 2048 bits. */
  readonly publicKey?: string | JWK | undefined;
  /**
   * A secret shared with the issuer, at least as long as the hash: 32 bytes for HS256, 48 for
   * HS384, 64 for HS512. Whoever can verify can sign as well: prefer a public key.
   */
  readonly sharedSecret?: string | undefined;
  /**
   * The signature algorithms accepted: RS, PS or ES with 256, 384 or 512, EdDSA, Ed25519; with a
   * `sharedSecret` HS256, HS384 or HS512.
   *
   * @default RS256; HS256 for a `sharedSecret`; for a `publicKey` that is no RSA key, or a JWK with
   *   an `alg`, what that key is for.
   */
  readonly algorithms?: readonly string[] | undefined;
}

/** The keys that were configured, and the algorithms they may be used with. */
export type JwtKeys = (
  | { readonly kind: 'jwks'; readonly uri: string }
  | { readonly kind: 'public'; readonly key: VerificationKey }
  | { readonly kind: 'secret'; readonly secret: Uint8Array }
) & { readonly algorithms: readonly string[] };

/** Reads the key options; what is wrong is added to `issues`, and then nothing may be returned. */
export function readJwtKeys(
  options: JwtKeyOptions,
  issues: ConfigurationIssue[],
): JwtKeys | undefined {
  const { jwksUri, publicKey, sharedSecret } = options;
  const report = (option: string, problem: string): undefined => {
    issues.push({ path: `JwtVerifier.${option}`, problem });
  };
  const given = [jwksUri, publicKey, sharedSecret].filter((value) => value !== undefined);
  if (given.length !== 1) {
    return report('jwksUri', 'exactly one of jwksUri, publicKey and sharedSecret is needed');
  }
  if (jwksUri !== undefined) return jwksKeys(jwksUri, options.algorithms, report);
  if (publicKey !== undefined) return publicKeys(publicKey, options.algorithms, report);
  return secretKeys(sharedSecret, options.algorithms, report);
}

/** The algorithms accepted with published keys, and what is wrong with them. */
export function readPublicAlgorithms(asked: readonly string[] | undefined): {
  readonly algorithms: readonly string[];
  readonly problem: string | undefined;
} {
  const algorithms = asked === undefined ? ['RS256'] : asked;
  return { algorithms, problem: algorithmsProblem(algorithms, isAsymmetricAlgorithm) };
}

type Report = (option: string, problem: string) => undefined;
type Algorithms = readonly string[] | undefined;

function jwksKeys(uri: string, asked: Algorithms, report: Report): JwtKeys | undefined {
  if (!isTrustworthyUrl(uri)) {
    report('jwksUri', 'must be an https URL (http only on a loopback host) without credentials');
  }
  const { algorithms, problem } = readPublicAlgorithms(asked);
  return problem ? report('algorithms', problem) : { kind: 'jwks', uri, algorithms };
}

function publicKeys(
  material: string | JWK,
  asked: Algorithms,
  report: Report,
): JwtKeys | undefined {
  const problem = asked === undefined ? undefined : algorithmsProblem(asked, isAsymmetricAlgorithm);
  if (problem) report('algorithms', problem);
  const key = readPublicKey(material, report);
  if (!key || problem) return undefined;
  const algorithms = asked ?? (key.algorithms.includes('RS256') ? ['RS256'] : key.algorithms);
  return algorithms.every((algorithm) => key.algorithms.includes(algorithm))
    ? { kind: 'public', key, algorithms }
    : report('algorithms', 'the publicKey cannot be used with all of them');
}

function readPublicKey(material: string | JWK, report: Report): VerificationKey | undefined {
  try {
    return typeof material === 'string' ? parsePublicPem(material) : parsePublicJwk(material);
  } catch (thrown) {
    return report('publicKey', describeError(thrown));
  }
}

function secretKeys(
  secret: string | undefined,
  asked: Algorithms,
  report: Report,
): JwtKeys | undefined {
  const algorithms = asked === undefined ? ['HS256'] : asked;
  const problem = algorithmsProblem(algorithms, isHmacAlgorithm);
  if (problem) report('algorithms', problem);
  if (!isText(secret)) return report('sharedSecret', 'must be a text that is not empty');
  if (isKeyMaterial(secret)) {
    return report('sharedSecret', 'is a key or certificate: anyone who knows it could sign tokens');
  }
  const bytes = new TextEncoder().encode(secret);
  const needed = problem ? 0 : requiredSecretBytes(algorithms);
  if (bytes.length < needed) {
    return report('sharedSecret', `must have at least ${needed} bytes (RFC 7518 §3.2)`);
  }
  const weakness = weaknessOf(secret);
  if (weakness) return report('sharedSecret', weakness);
  return { kind: 'secret', secret: bytes, algorithms };
}

function algorithmsProblem(
  algorithms: unknown,
  isFitting: (algorithm: unknown) => boolean,
): string | undefined {
  if (!Array.isArray(algorithms) || algorithms.length === 0) {
    return 'must be an array with at least one algorithm';
  }
  if (!algorithms.every((a) => isAsymmetricAlgorithm(a) || isHmacAlgorithm(a))) {
    return 'holds what is not a supported signature algorithm';
  }
  // RFC 8725 §3.1: a public key must never be able to serve as an HMAC secret.
  return algorithms.every(isFitting)
    ? undefined
    : 'HMAC algorithms go with a sharedSecret, all others with a jwksUri or publicKey';
}

function isTrustworthyUrl(text: unknown): boolean {
  if (typeof text !== 'string' || !URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username || password) return false;
  return protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname));
}
