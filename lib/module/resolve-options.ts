import { ConfigurationError, type ConfigurationIssue } from '../common/errors.js';
import { frozenCopy } from '../common/frozen-copy.js';
import { type ImpliedScopes, isScopeToken } from '../common/scopes.js';
import { baseUrlIssues } from '../http/base-url.js';
import type { ResourceRegistry } from '../resources/resource-registry.js';
import { AuthProvider } from '../verifiers/auth-provider.js';
import { isScopeList, timeoutIssues } from '../common/option-issues.js';
import { sourcePropertyIssues } from '../verifiers/source-properties.js';
import type { TokenVerifier } from '../verifiers/token-verifier.js';
import type { MultiAuthOptions } from './multi-auth-options.js';
import { isPublished, resolveResources } from './resolve-resources.js';

/** The options with every default in place: what the object graph is built from. */
export interface ResolvedOptions {
  /** Without a trailing slash. */
  readonly baseUrl: string | undefined;
  readonly provider: AuthProvider | undefined;
  /** All sources in the order in which they are tried. */
  readonly sources: readonly TokenVerifier[];
  readonly hasServer: boolean;
  readonly requiredScopes: readonly string[];
  readonly impliedScopes: ImpliedScopes;
  readonly resources: ResourceRegistry;
  readonly sourceTimeoutSeconds: number;
}

const known = new Set<string>([
  'baseUrl',
  'impliedScopes',
  'requiredScopes',
  'resource',
  'resourceBaseUrl',
  'resources',
  'server',
  'sourceTimeoutSeconds',
  'verifiers',
] satisfies (keyof MultiAuthOptions)[]);

/** @throws ConfigurationError naming every option that is wrong. */
export function resolveOptions(given: MultiAuthOptions | undefined): ResolvedOptions {
  if (typeof given !== 'object' || given === null) {
    throw new ConfigurationError([{ path: 'options', problem: 'the factory returned none' }]);
  }
  const urlIssues = [
    ...baseUrlIssues(given.baseUrl, 'baseUrl'),
    ...baseUrlIssues(given.resourceBaseUrl, 'resourceBaseUrl'),
  ];
  const issues: ConfigurationIssue[] = [
    ...Object.keys(given)
      .filter((name) => !known.has(name))
      .map((name) => ({ path: name, problem: 'is not an option' })),
    ...urlIssues,
    ...sourceIssues(given),
    ...scopeIssues(given),
    ...timeoutIssues('sourceTimeoutSeconds', given.sourceTimeoutSeconds),
  ];
  const server = given.server;
  // Copies: what the app does to its lists later changes nothing here.
  const requiredScopes = frozenCopy(given.requiredScopes ?? server?.requiredScopes ?? []);
  // What is built on a wrong URL would only be reported a second time.
  const [baseUrl, resourceBaseUrl] =
    urlIssues.length > 0 ? [] : [given.baseUrl, given.resourceBaseUrl].map(withoutSlash);
  const resources = resolveResources(
    { ...given, requiredScopes },
    resourceBaseUrl ?? baseUrl,
    issues,
  );
  issues.push(...unboundIssues(given, resources));
  ConfigurationError.assertNone(issues);
  return {
    baseUrl,
    provider: server instanceof AuthProvider ? server : undefined,
    hasServer: server !== undefined,
    sources: [...(server ? [server] : []), ...verifiersOf(given)],
    requiredScopes,
    impliedScopes: frozenCopy(given.impliedScopes ?? {}),
    resources,
    sourceTimeoutSeconds: given.sourceTimeoutSeconds ?? 10,
  };
}

function withoutSlash(url: string | undefined): string | undefined {
  return url?.replace(/\/$/, '');
}

function verifiersOf({ verifiers }: MultiAuthOptions): readonly TokenVerifier[] {
  if (verifiers === undefined) return [];
  return Array.isArray(verifiers) ? [...verifiers] : [verifiers as TokenVerifier];
}

function sourceIssues(given: MultiAuthOptions): ConfigurationIssue[] {
  const verifiers = verifiersOf(given);
  const issues = verifiers.flatMap((verifier, index) =>
    issuesOfSource(`verifiers[${index}]`, verifier),
  );
  verifiers.forEach((verifier, index) => {
    if (!(verifier instanceof AuthProvider)) return;
    issues.push({
      path: `verifiers[${index}]`,
      problem: 'is a server, not a verifier: give it as server',
    });
  });
  if (given.server !== undefined) issues.push(...issuesOfSource('server', given.server));
  if (given.server === undefined && verifiers.length === 0) {
    issues.push({ path: 'server', problem: 'give at least a server or one verifier' });
  }
  if (given.server instanceof AuthProvider && given.baseUrl === undefined) {
    issues.push({
      path: 'baseUrl',
      problem: 'is missing: a server needs the public URL of the app',
    });
  }
  return issues;
}

/** A token cannot be for a resource that has no URL. */
function unboundIssues(given: MultiAuthOptions, resources: ResourceRegistry): ConfigurationIssue[] {
  if (resources.all.every(isPublished)) return [];
  const problem = 'has no audience, and the resource no URL: give it an audience, or give baseUrl';
  const sources: [string, TokenVerifier | undefined][] = [
    ['server', given.server],
    ...verifiersOf(given).map((v, i): [string, TokenVerifier] => [`verifiers[${i}]`, v]),
  ];
  return sources
    .filter(([, source]) => (source as TokenVerifier | null | undefined)?.boundToResource === true)
    .map(([path]) => ({ path, problem }));
}

function issuesOfSource(path: string, source: unknown): ConfigurationIssue[] {
  if (typeof (source as TokenVerifier | null | undefined)?.verifyToken !== 'function') {
    return [{ path, problem: 'is not a token verifier: it has no verifyToken method' }];
  }
  return sourcePropertyIssues(path, source as TokenVerifier);
}

function scopeIssues({ requiredScopes, impliedScopes }: MultiAuthOptions): ConfigurationIssue[] {
  const issues: ConfigurationIssue[] = [];
  if (requiredScopes !== undefined && !isScopeList(requiredScopes)) {
    issues.push({ path: 'requiredScopes', problem: 'must be a list of scope tokens' });
  }
  for (const [scope, implied] of Object.entries(impliedScopes ?? {})) {
    if (isScopeToken(scope) && isScopeList(implied)) continue;
    issues.push({ path: 'impliedScopes', problem: 'must map scope tokens to lists of them' });
  }
  return issues;
}
