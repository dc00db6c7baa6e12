import type { ConfigurationIssue } from '../../common/errors.js';
import { redirectUriProblem } from './redirect-uri.js';

const loopbackHosts = ['127.0.0.1', '[::1]', 'localhost'];
// Nothing repeats inside a repetition: these take linear time whatever a client sends.
const patternParts = /^([a-z][a-z0-9+.-]*):(?:\/\/([^/]*))?(\/.*)?$/;
const uriParts = /^([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/([^/?]*))?([^?]*)(\?.*)?$/;

interface Pattern {
  readonly scheme: string;
  /** The host as written, without `*.`; undefined where the scheme has no authority. */
  readonly host: string | undefined;
  readonly anySubdomain: boolean;
  /** As written, with its colon; empty for the default one. */
  readonly port: string;
  readonly path: string;
  readonly anyPathBelow: boolean;
}

/**
 * The redirect URIs that clients may have at all, whatever they register: `allowedClientRedirectUris`.
 *
 * A pattern is a redirect URI in which two things may be open: `*.` before a host of two or more
 * labels stands for its subdomains, and `/*` at the end for every path below, with any query. On
 * loopback every port is meant (RFC 8252 §7.3).
 */
export class RedirectUriAllowList {
  readonly #patterns: readonly Pattern[];

  /** The patterns must be free of `redirectUriPatternIssues`; an empty list allows nothing. */
  constructor(patterns: readonly string[]) {
    this.#patterns = patterns.map(parsePattern).filter((p) => p !== undefined);
  }

  /** Tells whether the URI fits a pattern. The URI must be free of `redirectUriProblem`. */
  allows(uri: string): boolean {
    const match = uriParts.exec(uri);
    if (!match || redirectUriProblem(uri) !== null) return false;
    const [, scheme = '', authority, path = '', query] = match;
    return this.#patterns.some(
      (pattern) =>
        pattern.scheme === scheme &&
        fitsAuthority(pattern, authority) &&
        fitsPath(pattern, path, query),
    );
  }
}

/** What is wrong with the option `allowedClientRedirectUris`. */
export function redirectUriPatternIssues(patterns: unknown, path: string): ConfigurationIssue[] {
  if (patterns === undefined) return [];
  if (!Array.isArray(patterns)) return [{ path, problem: 'must be a list of patterns' }];
  return patterns.flatMap((pattern: unknown, index) => {
    const problem = patternProblem(pattern);
    return problem === null ? [] : [{ path: `${path}[${index}]`, problem }];
  });
}

function patternProblem(pattern: unknown): string | null {
  const parsed = typeof pattern === 'string' ? parsePattern(pattern) : undefined;
  if (!parsed) return 'must be a URI such as https://app.example.com/* with a path';
  const { scheme, host, port } = parsed;
  if (parsed.anySubdomain && !hasSubdomains(host ?? '')) {
    return 'has a * before a host that is not at least two labels long';
  }
  if (host !== undefined && loopbackHosts.includes(host) && port !== '') {
    return 'has a port on loopback, where every port is meant';
  }
  // With the open parts filled in, a pattern is a redirect URI like any other.
  const example = `${scheme}:${host === undefined ? '' : `//${host}${port}`}${parsed.path}`;
  if (example.includes('*')) return 'has a * elsewhere than before the host or at the end';
  return redirectUriProblem(parsed.anyPathBelow ? `${example}x` : example);
}

/** A name of two labels or more; an address has no subdomains. */
function hasSubdomains(host: string): boolean {
  return /^[^.]+(?:\.[^.]+)+$/.test(host) && !/^[\d.]+$/.test(host);
}

function parsePattern(pattern: string): Pattern | undefined {
  const match = patternParts.exec(pattern);
  if (!match) return undefined;
  const [, scheme = '', authority, path] = match;
  if (path === undefined) return undefined;
  const anyPathBelow = path.endsWith('/*');
  const anySubdomain = authority?.startsWith('*.') ?? false;
  const [, host, port = ''] =
    /^(.*?)(:[0-9]+)?$/.exec((anySubdomain ? authority?.slice(2) : authority) ?? '') ?? [];
  return {
    scheme,
    host: authority === undefined ? undefined : host,
    anySubdomain,
    port,
    path: anyPathBelow ? path.slice(0, -1) : path,
    anyPathBelow,
  };
}

function fitsAuthority(pattern: Pattern, authority: string | undefined): boolean {
  if (pattern.host === undefined || authority === undefined) {
    return pattern.host === authority;
  }
  if (loopbackHosts.includes(pattern.host)) {
    return authority.replace(/:[0-9]{1,5}$/, '') === pattern.host;
  }
  if (!pattern.anySubdomain) return authority === pattern.host + pattern.port;
  const suffix = `.${pattern.host}${pattern.port}`;
  return authority.length > suffix.length && authority.endsWith(suffix);
}

function fitsPath({ path, anyPathBelow }: Pattern, sent: string, query = ''): boolean {
  return anyPathBelow ? sent.startsWith(path) : sent + query === path;
}
