import type { ConfigurationIssue } from '../../common/errors.js';
import { unknownOptionIssues } from '../../common/option-issues.js';

const daySeconds = 86_400;

/** Which client ids may be the URL of a document that describes the client, and how it is fetched. */
export interface ClientIdMetadataDocumentOptions {
  /**
   * The hosts whose documents are taken: `app.example.com`, or `*.example.com` for its subdomains.
   * @default every public host
   */
  readonly allowedHosts?: readonly string[];
  /** The ports that may be called. @default [443] */
  readonly allowedPorts?: readonly number[] | undefined;
  /**
   * How long a document may be used unasked, in seconds, whatever its host says.
   * @default 86400, which is also the most
   */
  readonly maxAgeSeconds?: number | undefined;
  /**
   * Replaces the network, for egress proxies and tests. It then has to keep away from private
   * addresses itself.
   * @default a client that connects to public addresses only
   */
  readonly fetch?: typeof fetch | undefined;
}

/** The options with every default in place. */
export interface ResolvedDocumentOptions {
  /** Undefined: every host. */
  readonly allowedHosts: readonly string[] | undefined;
  readonly allowedPorts: readonly number[];
  readonly maxAgeSeconds: number;
  readonly fetch: typeof fetch | undefined;
}

const known: readonly (keyof ClientIdMetadataDocumentOptions)[] = [
  'allowedHosts',
  'allowedPorts',
  'fetch',
  'maxAgeSeconds',
];

/** What is wrong with the option `clientIdMetadataDocuments`. */
export function documentOptionIssues(
  options: boolean | ClientIdMetadataDocumentOptions | undefined,
  path: string,
): ConfigurationIssue[] {
  if (options === undefined || typeof options === 'boolean') return [];
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    return [{ path, problem: 'must be true, false or an object of options' }];
  }
  const issues = unknownOptionIssues(path, options, known);
  const add = (name: keyof ClientIdMetadataDocumentOptions, problem: string): void => {
    issues.push({ path: `${path}.${name}`, problem });
  };
  const { allowedHosts, allowedPorts, maxAgeSeconds } = options;
  // Present and undefined is a variable that is not set: it must not let every host in.
  if ('allowedHosts' in options && !isListOf(allowedHosts, isHostPattern)) {
    add('allowedHosts', 'must list hosts in lower case, such as app.example.com or *.example.com');
  }
  if (allowedPorts !== undefined && !isListOf(allowedPorts, isPort)) {
    add('allowedPorts', 'must list ports, from 1 to 65535');
  }
  if (maxAgeSeconds !== undefined && !isWhole(maxAgeSeconds, 0, daySeconds)) {
    add('maxAgeSeconds', `must be whole seconds, from 0 to ${daySeconds}`);
  }
  if (options.fetch !== undefined && typeof options.fetch !== 'function')
    add('fetch', 'must be a function');
  return issues;
}

/** The options in force; undefined when documents are switched off. */
export function resolveDocumentOptions(
  options: boolean | ClientIdMetadataDocumentOptions | undefined,
): ResolvedDocumentOptions | undefined {
  if (options === false) return undefined;
  const given = typeof options === 'object' ? options : {};
  return {
    allowedHosts: given.allowedHosts,
    allowedPorts: given.allowedPorts ?? [443],
    maxAgeSeconds: given.maxAgeSeconds ?? daySeconds,
    fetch: given.fetch,
  };
}

/** Says why a document may not be fetched from there, or null. The URL must be in its plain form. */
export function untrustedReason(url: URL, options: ResolvedDocumentOptions): string | null {
  const port = url.port === '' ? 443 : Number(url.port);
  if (!options.allowedPorts.includes(port)) return 'has a port that is not allowed';
  const { allowedHosts: hosts } = options;
  if (!hosts || hosts.some((pattern) => matchesHost(pattern, url.hostname))) return null;
  return 'has a host that is not allowed';
}

function matchesHost(pattern: string, host: string): boolean {
  if (!pattern.startsWith('*.')) return host === pattern;
  const suffix = pattern.slice(1);
  return host.length > suffix.length && host.endsWith(suffix);
}

// With `*.` at least two labels: `*.com` would be anyone.
function isHostPattern(host: unknown): boolean {
  if (typeof host !== 'string') return false;
  const name = host.startsWith('*.') ? host.slice(2) : host;
  const plain = /^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/.test(name) && URL.canParse(`https://${name}`);
  if (!plain || new URL(`https://${name}`).hostname !== name) return false;
  return name === host || name.includes('.');
}

function isPort(port: unknown): boolean {
  return isWhole(port, 1, 65_535);
}

function isWhole(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}

/** An empty list is a mistake: nothing would ever be let in, and `false` says that. */
function isListOf(list: unknown, isMember: (member: unknown) => boolean): boolean {
  return Array.isArray(list) && list.length > 0 && list.every(isMember);
}
