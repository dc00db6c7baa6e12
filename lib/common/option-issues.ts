import type { ConfigurationIssue } from './errors.js';
import { isScopeToken } from './scopes.js';

/** One issue for every own option that the class does not have: a typo must not go unnoticed. */
export function unknownOptionIssues(
  owner: string,
  options: object,
  known: readonly string[],
): ConfigurationIssue[] {
  return Object.keys(options)
    .filter((option) => !known.includes(option))
    .map((option) => ({ path: `${owner}.${option}`, problem: 'is not an option' }));
}

/** The issues of the options verifiers have in common. */
export function commonOptionIssues(
  owner: string,
  options: {
    readonly name?: unknown;
    readonly requiredScopes?: unknown;
    readonly timeoutSeconds?: unknown;
  },
): ConfigurationIssue[] {
  const issues: ConfigurationIssue[] = [];
  if (options.name !== undefined && !isText(options.name)) {
    issues.push({ path: `${owner}.name`, problem: 'must be a non-empty string' });
  }
  return [
    ...issues,
    ...scopeListIssues(`${owner}.requiredScopes`, options.requiredScopes),
    ...timeoutIssues(`${owner}.timeoutSeconds`, options.timeoutSeconds),
  ];
}

/** The issues of the time a source may take, which may be absent. */
export function timeoutIssues(path: string, seconds: unknown): ConfigurationIssue[] {
  if (seconds === undefined) return [];
  if (typeof seconds === 'number' && seconds > 0 && seconds <= 60) return [];
  return [{ path, problem: 'must be more than 0 and at most 60' }];
}

/** The issues of a list of scopes, which may be absent (RFC 6749 §3.3). */
export function scopeListIssues(path: string, scopes: unknown): ConfigurationIssue[] {
  if (scopes === undefined || isScopeList(scopes)) return [];
  return [{ path, problem: 'must be a list of scope tokens (RFC 6749 §3.3)' }];
}

/** Tells whether the value is an array of scope-tokens. */
export function isScopeList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((s) => typeof s === 'string' && isScopeToken(s));
}

/** Tells whether the value is a string with something to read in it. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}
