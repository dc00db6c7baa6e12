import { crc32 } from 'node:zlib';
import { ConfigurationError } from '../common/errors.js';
import { hashSecret } from '../crypto/hash.js';
import { randomAlphanumeric } from '../crypto/random.js';

const ID_LENGTH = 12;
// 190 bits: nothing to guess, so that a fast hash keeps it.
const SECRET_LENGTH = 32;
const CHECKSUM_LENGTH = 6;
const MAX_PREFIX_LENGTH = 32;
const REST = new RegExp(`^([0-9A-Za-z]{${ID_LENGTH}})_[0-9A-Za-z]{${SECRET_LENGTH}}$`);
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** A key that was made just now. */
export interface GeneratedApiKey {
  /** For its owner's eyes, once: it cannot be had again from what is kept. */
  readonly key: string;
  /** Names the key; no secret. */
  readonly id: string;
  /** What is kept of the key: its SHA-256, as base64url. */
  readonly hash: string;
}

/**
 * Makes a key for an `ApiKeyVerifier`: `<prefix>_<id>_<secret and checksum>`, in letters, digits and
 * `_`. Keep the `id` and the `hash`.
 *
 * @throws {ConfigurationError} when the prefix is none.
 */
export function generateApiKey({ prefix }: { readonly prefix: string }): GeneratedApiKey {
  const problem = prefixProblem(prefix);
  if (problem) throw new ConfigurationError([{ path: 'prefix', problem }]);
  const id = randomAlphanumeric(ID_LENGTH);
  const body = `${prefix}_${id}_${randomAlphanumeric(SECRET_LENGTH)}`;
  const key = body + checksumOf(body);
  return { key, id, hash: hashSecret(key) };
}

/** The id in a key of that prefix; undefined for what cannot be one, or was mistyped. */
export function apiKeyId(text: string, prefix: string): string | undefined {
  const body = text.slice(0, -CHECKSUM_LENGTH);
  if (!body.startsWith(`${prefix}_`)) return undefined;
  const id = REST.exec(body.slice(prefix.length + 1))?.[1];
  return id !== undefined && text === body + checksumOf(body) ? id : undefined;
}

/** Tells whether the text can be the id of a key. */
export function isApiKeyId(text: string): boolean {
  return text.length === ID_LENGTH && /^[0-9A-Za-z]+$/.test(text);
}

/** What is wrong with the prefix of keys, if anything. */
export function prefixProblem(prefix: unknown): string | undefined {
  if (typeof prefix !== 'string' || !/^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/.test(prefix)) {
    return 'must be made of lower-case letters and digits, such as acme or acme_live';
  }
  return prefix.length > MAX_PREFIX_LENGTH
    ? `must have at most ${MAX_PREFIX_LENGTH} characters`
    : undefined;
}

/** No secret: it tells keys from other text, for those who search code for keys, and from typos. */
function checksumOf(body: string): string {
  let rest = crc32(body);
  let text = '';
  while (text.length < CHECKSUM_LENGTH) {
    text = DIGITS.charAt(rest % DIGITS.length) + text;
    rest = Math.floor(rest / DIGITS.length);
  }
  return text;
}
