import { isLoopbackHost } from './loopback.js';

/** What is wrong with the URL of another server's endpoint, or null: https, or http on loopback. */
export function endpointUrlProblem(url: unknown): string | null {
  if (typeof url !== 'string' || !URL.canParse(url)) return 'is not an absolute URL';
  const { protocol, hostname, username, password, hash } = new URL(url);
  if (username || password) return 'must not contain credentials';
  if (hash) return 'must not have a fragment';
  if (protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname))) return null;
  return 'must use https (http is for loopback only)';
}
