import type { Cluster, ClusterNode, ClusterOptions, Redis, RedisOptions } from 'ioredis';
import type { ConfigurationIssue } from '../common/errors.js';
import { isText, unknownOptionIssues } from '../common/option-issues.js';

/** A Redis Cluster: the nodes to ask first, and ioredis' own options for it. */
export interface RedisClusterOptions {
  readonly nodes: readonly ClusterNode[];
  /** What each connection needs, such as `tls` or `password`, is in its `redisOptions`. */
  readonly options?: ClusterOptions | undefined;
}

/** The options of `RedisStore`: `url` or `options` or both, or else `cluster`, or else `client`. */
export interface RedisStoreOptions {
  /** `redis://user:password@host:6379/0`, or `rediss://` for TLS. */
  readonly url?: string | undefined;
  /** ioredis' own options, as for TLS, a Unix socket, or Sentinel (`sentinels` and `name`). */
  readonly options?: RedisOptions | undefined;
  /** A Redis Cluster. */
  readonly cluster?: RedisClusterOptions | undefined;
  /**
   * A client of the app's own, which it closes itself. It must never send a command twice:
   * `maxRetriesPerRequest: 0`, or `retryDelayOnFailover: 0` for a cluster. Give it a
   * `socketTimeout`, so that it notices a connection that has silently died.
   */
  readonly client?: Redis | Cluster | undefined;
  /** What every key begins with. A `keyPrefix` of the client comes before it. @default 'mcp-auth:' */
  readonly keyPrefix?: string | undefined;
  /** How long a call may take, connecting included, before it is a `StorageError`. @default 5 */
  readonly timeoutSeconds?: number | undefined;
}

const KNOWN = ['url', 'options', 'cluster', 'client', 'keyPrefix', 'timeoutSeconds'] as const;
const MAX_TIMEOUT_SECONDS = 60;

/** Everything that is wrong with the options, each by its path; never a value. */
export function redisStoreOptionIssues(options: RedisStoreOptions): ConfigurationIssue[] {
  const { url, cluster, client, keyPrefix, timeoutSeconds } = options;
  const issues = unknownOptionIssues('RedisStore', options, KNOWN);
  const report = (path: string, problem: string): void => {
    issues.push({ path: path === '' ? 'RedisStore' : `RedisStore.${path}`, problem });
  };
  const single = url !== undefined || options.options !== undefined;
  if ([single, cluster !== undefined, client !== undefined].filter(Boolean).length !== 1) {
    report('', 'needs either url or options, or else cluster, or else client');
  }
  if (url !== undefined && !isRedisUrl(url)) {
    report(
      'url',
      'must be redis://host or rediss://host, with a database number for a path and no query',
    );
  }
  if (cluster !== undefined && !(Array.isArray(cluster.nodes) && cluster.nodes.length > 0)) {
    report('cluster.nodes', 'must be a list of at least one node');
  }
  if (keyPrefix !== undefined && !isText(keyPrefix)) {
    report('keyPrefix', 'must be a non-empty string');
  }
  if (timeoutSeconds !== undefined && !isTimeout(timeoutSeconds)) {
    report('timeoutSeconds', `must be a number above 0 and up to ${MAX_TIMEOUT_SECONDS}`);
  }
  return issues;
}

/**
 * What would let ioredis send a command a second time when its answer was lost. The second `take`
 * or `add` would then find its own first one, and a credential that was good would count as used.
 */
export function resendingIssues(client: Redis | Cluster, path: string): ConfigurationIssue[] {
  if (!client.isCluster) {
    return mustBe(
      0,
      (client as Redis).options.maxRetriesPerRequest,
      `${path}.maxRetriesPerRequest`,
    );
  }
  const { options } = client as Cluster;
  const { maxRetriesPerRequest } = options.redisOptions ?? {};
  return [
    ...mustBe(0, options.retryDelayOnFailover, `${path}.retryDelayOnFailover`),
    // A replica may not yet know that a credential was used.
    ...mustBe('master', options.scaleReads, `${path}.scaleReads`),
    ...(typeof options.clusterNodeRetryStrategy === 'function'
      ? mustBe(0, maxRetriesPerRequest, `${path}.redisOptions.maxRetriesPerRequest`)
      : []),
  ];
}

function mustBe(demanded: unknown, actual: unknown, path: string): ConfigurationIssue[] {
  return actual === demanded ? [] : [{ path, problem: `must be ${JSON.stringify(demanded)}` }];
}

function isTimeout(seconds: unknown): boolean {
  return typeof seconds === 'number' && seconds > 0 && seconds <= MAX_TIMEOUT_SECONDS;
}

function isRedisUrl(url: unknown): boolean {
  if (typeof url !== 'string' || !URL.canParse(url)) return false;
  const { protocol, pathname, hostname, search } = new URL(url);
  return /^rediss?:$/.test(protocol) && hostname !== '' && /^\/?\d*$/.test(pathname) && !search;
}
