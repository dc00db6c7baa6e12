import type { Awaitable } from '../../common/awaitable.js';
import type { ConfigurationIssue } from '../../common/errors.js';
import { unknownOptionIssues } from '../../common/option-issues.js';
import { weaknessOf } from '../../crypto/weak-secret.js';

/** Says whether a token may be used to register a client. What it throws is answered 503. */
export type InitialAccessTokenCheck = (token: string) => Awaitable<boolean>;

/** Who may register clients (RFC 7591 §3). */
export interface RegistrationOptions {
  /**
   * The initial access tokens with which clients may be registered, each of at least 32 random
   * characters, or a function that knows them. It gets whatever was sent as a bearer token, and has
   * five seconds to answer.
   */
  readonly initialAccessTokens: readonly string[] | InitialAccessTokenCheck;
}

export function registrationIssues(given: unknown, path: string): ConfigurationIssue[] {
  if (given === undefined || typeof given === 'boolean') return [];
  if (typeof given !== 'object' || given === null) {
    return [{ path, problem: 'must be true, false, or { initialAccessTokens }' }];
  }
  const { initialAccessTokens: tokens } = given as Record<string, unknown>;
  return [
    ...unknownOptionIssues(path, given, ['initialAccessTokens']),
    ...tokenIssues(tokens, `${path}.initialAccessTokens`),
  ];
}

function tokenIssues(tokens: unknown, path: string): ConfigurationIssue[] {
  if (typeof tokens === 'function') return [];
  if (tokens === undefined) {
    // A variable of the environment that is not set must not open the door.
    return [{ path, problem: 'is missing: registration: true is what lets everyone register' }];
  }
  if (!Array.isArray(tokens) || tokens.length === 0) {
    return [{ path, problem: 'must be a function or a list of at least one token' }];
  }
  return tokens.flatMap((token: unknown, i) => {
    const problem = weaknessOf(token) ?? spellingProblem(token);
    return problem === undefined ? [] : [{ path: `${path}[${i}]`, problem }];
  });
}

function spellingProblem(token: unknown): string | undefined {
  return typeof token === 'string' && isBearerToken(token)
    ? undefined
    : 'has characters that a bearer token cannot have (RFC 6750 §2.1)';
}

/** Tells whether the text is a `b64token`. @see RFC 6750 §2.1 */
export function isBearerToken(text: string): boolean {
  return /^[A-Za-z0-9._~+/-]+=*$/.test(text);
}
