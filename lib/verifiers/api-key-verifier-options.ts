import type { Awaitable } from '../common/awaitable.js';
import type { Clock } from '../common/clock.js';
import type { ConfigurationIssue } from '../common/errors.js';
import { commonOptionIssues, unknownOptionIssues } from '../common/option-issues.js';
import { readSecretHash } from '../crypto/hash.js';
import { isApiKeyId, prefixProblem } from './api-key.js';
import { principalIssues } from './principal-issues.js';
import { headerIssues } from './source-properties.js';
import type { VerificationContext } from './token-verifier.js';

/** What is kept of one API key: its hash, and whom it speaks for. Null stands for absent. */
export interface ApiKey {
  /** The `hash` that `generateApiKey` gave: the SHA-256 of the whole key, as base64url or hex. */
  readonly hash: string;
  /** Whose key it is. @default nobody's in particular */
  readonly subject?: string | null | undefined;
  /** The client it stands for. @default the id of the key */
  readonly clientId?: string | null | undefined;
  /** @default none */
  readonly scopes?: readonly string[] | null | undefined;
  /** When it expires, in seconds since the epoch. @default never */
  readonly expiresAt?: number | null | undefined;
  /** The one resource it is good at. @default every resource of the module */
  readonly resource?: string | null | undefined;
  /** @default none */
  readonly claims?: Readonly<Record<string, unknown>> | null | undefined;
}

/**
 * Finds a key by its id. Undefined or null: there is none. What it throws is an outage, and nobody's
 * key is refused for it. Nothing is remembered: a key that it does not find any more is revoked.
 */
export type FindApiKey = (
  id: string,
  context: Pick<VerificationContext, 'resource' | 'signal'>,
) => Awaitable<ApiKey | null | undefined>;

/** The options of `ApiKeyVerifier`. */
export interface ApiKeyVerifierOptions {
  /** What the keys begin with: lower-case letters and digits, such as `acme` or `acme_live`. */
  readonly prefix: string;
  /** The keys by their ids, or a function that finds one. */
  readonly keys: Readonly<Record<string, ApiKey>> | FindApiKey;
  /** A header in which keys may come as well, such as `x-api-key`. @default none */
  readonly header?: string | undefined;
  /** The scopes a key must have. @default none */
  readonly requiredScopes?: readonly string[] | undefined;
  /** How long a look-up may take, in seconds, up to 60. @default the module's */
  readonly timeoutSeconds?: number | undefined;
  /** Names the verifier in events and in `AccessToken.source`. @default ApiKeyVerifier */
  readonly name?: string | undefined;
  /** @default the clock of the machine */
  readonly clock?: Clock | undefined;
}

const owner = 'ApiKeyVerifier';
const options = [
  'prefix',
  'keys',
  'header',
  'requiredScopes',
  'timeoutSeconds',
  'name',
  'clock',
] as const satisfies readonly (keyof ApiKeyVerifierOptions)[];

/** Everything that is wrong with the options; a key is named by its position. */
export function apiKeyVerifierIssues(given: ApiKeyVerifierOptions): ConfigurationIssue[] {
  const problem = prefixProblem(given.prefix);
  return [
    ...unknownOptionIssues(owner, given, options),
    ...commonOptionIssues(owner, given),
    ...headerIssues(`${owner}.header`, given.header),
    ...(problem ? [{ path: `${owner}.prefix`, problem }] : []),
    ...keysIssues(given.keys),
  ];
}

function keysIssues(keys: unknown): ConfigurationIssue[] {
  const path = `${owner}.keys`;
  if (typeof keys === 'function') return [];
  if (typeof keys !== 'object' || keys === null) {
    return [{ path, problem: 'must be the keys by their ids, or a function that finds one' }];
  }
  const entries = Object.entries(keys);
  if (entries.length === 0) return [{ path, problem: 'holds no key' }];
  return entries.flatMap(([id, key], index) => keyIssues(`${path}[${index}]`, id, key));
}

function keyIssues(path: string, id: string, key: unknown): ConfigurationIssue[] {
  if (typeof key !== 'object' || key === null) return [{ path, problem: 'is no key' }];
  const { hash } = key as Partial<ApiKey>;
  const given = Object.entries(key).filter(([, value]) => value !== null);
  const issues = principalIssues(path, Object.fromEntries(given));
  if (!isApiKeyId(id)) issues.push({ path, problem: 'must stand under the id of a key' });
  if (readSecretHash(hash) === undefined) {
    issues.push({ path: `${path}.hash`, problem: 'is no SHA-256 hash, as base64url or hex' });
  }
  return issues;
}
