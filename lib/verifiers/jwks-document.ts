import type { KeyObject } from 'node:crypto';
import { parsePublicJwk } from '../crypto/verification-key.js';
import type { VerificationKey } from '../crypto/verification-key.js';

const MAX_KEYS = 100;

/**
 * The usable keys of a JWK Set. What cannot be used is left out and spoils nothing (RFC 7517 §5);
 * where two different keys share a `kid`, neither is used.
 *
 * @throws {Error} when it is no JWK Set at all.
 */
export function parseJwks(document: unknown): readonly VerificationKey[] {
  const jwks = (document as { keys?: unknown } | null | undefined)?.keys;
  if (!Array.isArray(jwks)) throw new Error('the answer is not a JWK Set');
  if (jwks.length > MAX_KEYS) throw new Error(`the JWK Set has more than ${MAX_KEYS} keys`);
  const keys: VerificationKey[] = [];
  for (const jwk of jwks) {
    const key = usableKey(jwk);
    if (key && !keys.some((known) => isSame(known, key))) keys.push(key);
  }
  return keys.filter((key) => !keys.some((other) => isConflicting(key, other)));
}

/** The keys that may verify the algorithm and, where one is named, have the `kid`. */
export function keysFor(
  keys: readonly VerificationKey[],
  algorithm: string,
  kid: string | undefined,
): readonly VerificationKey[] {
  return keys.filter(
    (key) => (kid === undefined || key.kid === kid) && key.algorithms.includes(algorithm),
  );
}

/** The key, when it is the only one: which of several to try is nothing to guess. */
export function onlyKey(keys: readonly VerificationKey[]): KeyObject | undefined {
  return keys.length === 1 ? keys[0]?.key : undefined;
}

function usableKey(jwk: unknown): VerificationKey | undefined {
  try {
    return parsePublicJwk(jwk);
  } catch {
    return undefined;
  }
}

function isSame(a: VerificationKey, b: VerificationKey): boolean {
  return a.kid === b.kid && a.algorithms.join() === b.algorithms.join() && a.key.equals(b.key);
}

function isConflicting(a: VerificationKey, b: VerificationKey): boolean {
  return a.kid !== undefined && a.kid === b.kid && !a.key.equals(b.key);
}
