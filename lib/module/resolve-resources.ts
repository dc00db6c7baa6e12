import type { ConfigurationIssue } from '../common/errors.js';
import { frozenCopy } from '../common/frozen-copy.js';
import { isLoopbackHost } from '../http/loopback.js';
import type { ProtectedResource } from '../resources/protected-resource.js';
import { canonicalResource } from '../resources/resource-identifier.js';
import { ResourceRegistry } from '../resources/resource-registry.js';
import { isScopeList, unknownOptionIssues } from '../common/option-issues.js';
import type { MultiAuthOptions, ResourceOptions } from './multi-auth-options.js';

const defaultName = 'default';
const defaultPath = '/mcp';
const unpublishedPrefix = 'urn:mcp:';
const resourceOptions = [
  'displayName',
  'documentation',
  'requiredScopes',
  'url',
] satisfies (keyof ResourceOptions)[];

/** The resources of a module; what is wrong with them is added to `issues`. */
export function resolveResources(
  given: Pick<MultiAuthOptions, 'resource' | 'resources'> & {
    readonly requiredScopes: readonly string[];
  },
  baseUrl: string | undefined,
  issues: ConfigurationIssue[],
): ResourceRegistry {
  if (given.resource !== undefined && given.resources !== undefined) {
    issues.push({
      path: 'resources',
      problem: 'cannot stand beside resource: give one of the two',
    });
  }
  const resolved = writtenResources(given).map(([name, options, path]) =>
    toResource(name, options, { path, baseUrl, issues, scopes: given.requiredScopes }),
  );
  addRepeated(resolved, issues);
  const [first, ...others] = resolved;
  if (first) return new ResourceRegistry([first, ...others]);
  issues.push({ path: 'resources', problem: 'is empty' });
  return new ResourceRegistry([unpublished(defaultName, given.requiredScopes)]);
}

function writtenResources({
  resource,
  resources,
}: Pick<MultiAuthOptions, 'resource' | 'resources'>): readonly (readonly [
  name: string,
  options: unknown,
  path: string,
])[] {
  if (resources === undefined) return [[defaultName, resource ?? defaultPath, 'resource']];
  if (typeof resources !== 'object' || resources === null || Array.isArray(resources)) {
    return [[defaultName, undefined, 'resources']];
  }
  return Object.entries(resources).map(([name, options]) => [name, options, `resources.${name}`]);
}

interface Surroundings {
  readonly path: string;
  readonly baseUrl: string | undefined;
  readonly issues: ConfigurationIssue[];
  readonly scopes: readonly string[];
}

function toResource(
  name: string,
  written: unknown,
  { path, baseUrl, issues, scopes }: Surroundings,
): ProtectedResource {
  const options: ResourceOptions =
    typeof written === 'string' ? { url: written } : (written as ResourceOptions);
  if (typeof (options as ResourceOptions | null | undefined)?.url !== 'string') {
    issues.push({ path, problem: 'is no URL and no path that begins with /' });
    return unpublished(name, scopes);
  }
  const requiredScopes = frozenCopy(options.requiredScopes ?? scopes);
  issues.push(...unknownOptionIssues(path, options, resourceOptions));
  if (options.requiredScopes !== undefined && !isScopeList(options.requiredScopes)) {
    issues.push({ path: `${path}.requiredScopes`, problem: 'must be a list of scope tokens' });
  }
  const common = {
    ...unpublished(name, requiredScopes),
    displayName: options.displayName,
    documentation: options.documentation,
  };
  const isPath = options.url.startsWith('/');
  // Verifiers alone publish nothing, so they need no URL either.
  if (isPath && baseUrl === undefined) return common;
  const identifier = canonicalResource(isPath ? `${baseUrl}${options.url}` : options.url);
  const problem =
    identifier === null ? 'is no URL and no path that begins with /' : unfit(identifier);
  if (problem !== null) issues.push({ path, problem });
  return { ...common, identifier: identifier ?? common.identifier };
}

/** Whether the resource has a URL: without one nothing can be told of it. */
export function isPublished({ identifier }: ProtectedResource): boolean {
  return !identifier.startsWith(unpublishedPrefix);
}

function unpublished(name: string, requiredScopes: readonly string[]): ProtectedResource {
  return {
    name,
    identifier: `${unpublishedPrefix}${encodeURIComponent(name)}`,
    requiredScopes,
    displayName: undefined,
    documentation: undefined,
  };
}

function unfit(identifier: string): string | null {
  const { protocol, hostname, pathname } = new URL(identifier);
  if (protocol === 'http:' && !isLoopbackHost(hostname)) {
    return 'must use https (http is for loopback only)';
  }
  return /^(?:\/[A-Za-z0-9._~-]+)*\/?$/.test(pathname) ? null : 'must have a plain path';
}

function addRepeated(resources: readonly ProtectedResource[], issues: ConfigurationIssue[]): void {
  const seen = new Map<string, string>();
  for (const { name, identifier } of resources) {
    const other = seen.get(identifier);
    if (other !== undefined) {
      issues.push({ path: `resources.${name}`, problem: `is the same URL as resources.${other}` });
    }
    seen.set(identifier, name);
  }
}
