import type { ConfigurationIssue } from '../common/errors.js';
import { isText, scopeListIssues } from '../common/option-issues.js';

/** The issues of whom a configured token speaks for; every member may be absent. */
export function principalIssues(
  path: string,
  content: {
    readonly clientId?: unknown;
    readonly scopes?: unknown;
    readonly subject?: unknown;
    readonly resource?: unknown;
    readonly expiresAt?: unknown;
  },
): ConfigurationIssue[] {
  const issues = scopeListIssues(`${path}.scopes`, content.scopes);
  for (const option of ['clientId', 'subject', 'resource'] as const) {
    if (content[option] === undefined || isText(content[option])) continue;
    issues.push({ path: `${path}.${option}`, problem: 'must be a text that is not empty' });
  }
  if (content.expiresAt !== undefined && !Number.isFinite(content.expiresAt)) {
    issues.push({ path: `${path}.expiresAt`, problem: 'must be a number of seconds' });
  }
  return issues;
}
