import type { ConfigurationIssue } from '../common/errors.js';
import { timeoutIssues } from '../common/option-issues.js';
import type { TokenVerifier } from './token-verifier.js';

// What these hold is not for one source to read as a token.
const TAKEN = /^(?:authorization|proxy-authorization|cookie|host|origin|forwarded|mcp-.*)$/i;

/** The issues of what a source says of itself; it may be anything that has a `verifyToken`. */
export function sourcePropertyIssues(path: string, source: TokenVerifier): ConfigurationIssue[] {
  return [
    ...timeoutIssues(`${path}.timeoutSeconds`, source.timeoutSeconds),
    ...headerIssues(`${path}.header`, source.header),
  ];
}

/** The issues of a header that brings tokens, which may be absent (RFC 9110 §5.1). */
export function headerIssues(path: string, header: unknown): ConfigurationIssue[] {
  if (header === undefined) return [];
  if (typeof header !== 'string' || !/^[a-z0-9-]+$/i.test(header)) {
    return [{ path, problem: 'must be the name of a header, such as x-api-key' }];
  }
  return TAKEN.test(header) ? [{ path, problem: 'is a header with a use of its own' }] : [];
}

/** The headers beside `Authorization` that bring tokens of the sources, in lower case. */
export function tokenHeadersOf(sources: readonly TokenVerifier[]): readonly string[] {
  return [...new Set(sources.flatMap(({ header }) => header?.toLowerCase() ?? []))];
}
