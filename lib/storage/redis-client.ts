import type { Cluster, Redis, RedisOptions } from 'ioredis';
import { ConfigurationError, describeError } from '../common/errors.js';
import { resendingIssues } from './redis-store-options.js';
import type { RedisStoreOptions } from './redis-store-options.js';

/** A client of ioredis: of one server, of the one that Sentinel names, or of a cluster. */
export type RedisClient = Redis | Cluster;

const MAX_RETRY_MILLISECONDS = 1000;
/** The shape of answers on which the types of the commands rest. */
const REPLIES = { replyMapping: 'legacy' } as const;

/** Makes the client that the options describe; it connects when first asked to. */
export async function openRedisClient(
  { url, options, cluster }: RedisStoreOptions,
  timeoutSeconds: number,
): Promise<RedisClient> {
  const { Redis, Cluster } = await importIoredis();
  const own = connectionOptions(timeoutSeconds);
  if (cluster) {
    const { redisOptions, ...rest } = cluster.options ?? {};
    const all = { lazyConnect: true, retryDelayOnFailover: 0, ...rest };
    const each = { ...own, ...redisOptions, ...REPLIES };
    const client = new Cluster([...cluster.nodes], { ...all, redisOptions: each });
    return checked(client, 'RedisStore.cluster.options');
  }
  const single: RedisOptions = {
    ...own,
    ...(url === undefined ? {} : addressIn(new URL(url))),
    lazyConnect: true,
    // A command that waits for a connection could be sent long after its caller gave up.
    enableOfflineQueue: false,
    // A master that Sentinel names has to say itself that it is one. Elsewhere Redis' answer to the
    // command tells more than that it was not ready.
    enableReadyCheck: options?.sentinels !== undefined,
    ...options,
  };
  return checked(new Redis({ ...single, ...REPLIES }), 'RedisStore.options');
}

/** Not left to ioredis, which takes a URL's query for options that come before all others. */
function addressIn({ protocol, hostname, port, username, password, pathname }: URL): RedisOptions {
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    ...(port === '' ? {} : { port: Number(port) }),
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    db: Number(pathname.slice(1)),
    ...(protocol === 'rediss:' ? { tls: {} } : {}),
  };
}

function connectionOptions(timeoutSeconds: number): RedisOptions {
  return {
    connectTimeout: timeoutSeconds * 1000,
    // A connection that has silently died is replaced, instead of being trusted for many minutes:
    // before the call that noticed it is given up, so that the next one finds another.
    socketTimeout: timeoutSeconds * 800,
    disconnectTimeout: 250,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (attempt) => Math.min(attempt * 50, MAX_RETRY_MILLISECONDS),
    // After a failover: what was the master is so no more.
    reconnectOnError: ({ message }) => message.startsWith('READONLY'),
  };
}

function checked(client: RedisClient, path: string): RedisClient {
  const issues = resendingIssues(client, path);
  if (issues.length > 0) client.disconnect();
  ConfigurationError.assertNone(issues);
  return client;
}

/** Waits until the client is connected, or the attempt to connect that is under way has failed. */
export function untilConnected(client: RedisClient): Promise<void> {
  return new Promise((resolve, reject) => {
    const events = ['ready', 'close', 'end'];
    const settle = (): void => {
      for (const event of events) client.off(event, settle);
      if (client.status === 'ready') resolve();
      else reject(new Error('the connection is closed'));
    };
    for (const event of events) client.on(event, settle);
    if (client.status === 'ready' || client.status === 'end') settle();
    // Why it failed is told by the client's `error` event.
    else if (client.status === 'wait') client.connect().catch(() => {});
  });
}

async function importIoredis(): Promise<Pick<typeof import('ioredis'), 'Redis' | 'Cluster'>> {
  try {
    return await import('ioredis');
  } catch (thrown) {
    const missing = (thrown as NodeJS.ErrnoException | undefined)?.code === 'ERR_MODULE_NOT_FOUND';
    const problem = missing
      ? 'RedisStore needs the package ioredis: npm install ioredis'
      : `RedisStore cannot load the package ioredis: ${describeError(thrown)}`;
    throw new ConfigurationError([{ path: 'storage', problem }]);
  }
}
