import type { ConfigurationIssue } from '../common/errors.js';
import { isLoopbackHost } from './loopback.js';

/** What is wrong with a URL that others are built on or compared with; it may be absent. */
export function baseUrlIssues(url: string | undefined, path: string): ConfigurationIssue[] {
  const problem = url === undefined ? null : baseUrlProblem(url);
  return problem === null ? [] : [{ path, problem }];
}

function baseUrlProblem(url: unknown): string | null {
  if (typeof url !== 'string' || !URL.canParse(url)) return 'is not an absolute URL';
  const parsed = new URL(url);
  if (parsed.username || parsed.password) return 'must not contain credentials';
  if (/[?#]/.test(url)) return 'must not have a query or a fragment';
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:') return 'must be an https URL';
  if (parsed.protocol === 'http:' && !isLoopbackHost(parsed.hostname)) {
    return 'must use https (http is for loopback only)';
  }
  // Issuers are compared as strings (RFC 8414 §3.3): only one spelling may exist.
  const canonical = parsed.pathname === '/' ? parsed.origin : parsed.href.replace(/\/$/, '');
  if (url.replace(/\/$/, '') !== canonical) return 'must be written in its plain form';
  return /^(?:\/[A-Za-z0-9._~-]+)*\/?$/.test(parsed.pathname) ? null : 'must have a plain path';
}
