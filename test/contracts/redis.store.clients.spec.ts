import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import { ConfigurationError, StorageError } from '../../lib/index.js';
import { RedisStore } from '../../lib/redis.js';
import type { RedisStoreOptions } from '../../lib/redis.js';
import { selfSigned } from '../support/certificate.js';
import { eventuallySucceeds } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { RedisServer } from '../support/redis-server.js';
import { describeWithRedis } from '../support/services.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const host = '127.0.0.1';
const stores: RedisStore[] = [];

function storeWith(options: RedisStoreOptions): RedisStore {
  const store = new RedisStore(options);
  stores.push(store);
  return store;
}

async function expectToWork(store: RedisStore): Promise<void> {
  expect(await store.add('a', '1', 60)).toBe(true);
  expect(await store.add('a', '2', 60)).toBe(false);
  expect(await store.get('a')).toBe('1');
  expect(await store.take('a')).toBe('1');
  expect(await store.take('a')).toBeUndefined();
  await store.set('a', '3', 60);
  await store.delete('a');
  expect(await store.get('a')).toBeUndefined();
}

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});

describeWithRedis('RedisStore connects', () => {
  let server: RedisServer;
  const { cert, key } = selfSigned(host);
  let tlsPort: number;

  beforeAll(async () => {
    tlsPort = await freePort();
    server = await RedisServer.start();
    await writeFile(join(server.folder, 'cert.pem'), cert);
    await writeFile(join(server.folder, 'key.pem'), key);
    await server.stop();
    await server.restart({
      unixsocket: join(server.folder, 'redis.sock'),
      'tls-port': String(tlsPort),
      'tls-cert-file': join(server.folder, 'cert.pem'),
      'tls-key-file': join(server.folder, 'key.pem'),
      'tls-ca-cert-file': join(server.folder, 'cert.pem'),
      'tls-auth-clients': 'no',
    });
  });

  afterAll(() => server.remove());

  it('by a URL, to the database it names, under the prefix', async () => {
    const store = storeWith({ url: `${server.url}/3`, keyPrefix: 'my-app:' });
    await expectToWork(store);
    await store.set('a', '1', 60);
    await server.call('select', 3);
    expect(await server.call('keys', '*')).toEqual(['my-app:a']);
    await server.call('flushall');
    await server.call('select', 0);
  });

  it('by the options of ioredis', () =>
    expectToWork(storeWith({ options: { host, port: server.port, connectionName: 'auth' } })));

  it('by a Unix socket', () =>
    expectToWork(storeWith({ options: { path: join(server.folder, 'redis.sock') } })));

  it('by TLS, to whom it can trust', async () => {
    const url = `REDISS://${host}:${tlsPort}`;
    await expectToWork(storeWith({ url, options: { tls: { ca: cert } } }));
    const trusting = storeWith({ url, timeoutSeconds: 1 });
    await expect(trusting.get('a')).rejects.toThrow(/^Redis cannot be reached: .*certificate/);
    await expect(storeWith({ url: `redis://${host}:${tlsPort}` }).get('a')).rejects.toThrow(
      StorageError,
    );
  });

  it('by TLS, and may be closed at any moment', async () => {
    // Redis complains of a handshake that is broken off, and somebody has to hear that.
    const closed = Array.from({ length: 80 }, async (_, moment) => {
      const store = new RedisStore({ url: `rediss://${host}:${tlsPort}`, timeoutSeconds: 0.2 });
      const told = expect(store.get('a')).rejects.toThrow(StorageError);
      await new Promise((resolve) => setTimeout(resolve, 2 * moment));
      await Promise.all([told, store.close()]);
    });
    await Promise.all(closed);
  });

  it('by a client of the app, under its prefix too, and leaves it open', async () => {
    const client = new Redis({
      port: server.port,
      host,
      keyPrefix: 'app:',
      maxRetriesPerRequest: 0,
    });
    const store = storeWith({ client, keyPrefix: 'auth:' });
    await expectToWork(store);
    await store.set('a', '1', 60);
    expect(await server.call('exists', 'app:auth:a')).toBe(1);
    await store.close();
    await expect(store.get('a')).rejects.toThrow('The RedisStore is closed.');
    expect(await client.get('auth:a')).toBe('1');
    expect(client.listenerCount('error') + client.listenerCount('node error')).toBe(0);
    await client.quit();
    await expect(storeWith({ client }).get('a')).rejects.toThrow(/^Redis cannot be reached/);
  });

  it('not by a client that would send a command again', async () => {
    const client = new Redis({ port: server.port, host, lazyConnect: true });
    expect(() => new RedisStore({ client })).toThrow(ConfigurationError);
    expect(() => new RedisStore({ client })).toThrow(
      'RedisStore.client.options.maxRetriesPerRequest: must be 0',
    );
    const store = storeWith({ url: server.url, options: { maxRetriesPerRequest: 20 } });
    await expect(store.get('a')).rejects.toThrow('RedisStore.options.maxRetriesPerRequest');
  });
});

describeWithRedis('RedisStore with a Redis Cluster', () => {
  let server: RedisServer;
  let proxy: TcpProxy;

  beforeAll(async () => {
    server = await RedisServer.start({ 'cluster-enabled': 'yes' });
    proxy = await TcpProxy.start(server.port);
    // Clients are sent to where it says that it is: behind the proxy.
    await server.call('config', 'set', 'cluster-announce-ip', host);
    await server.call('config', 'set', 'cluster-announce-port', proxy.port);
    await server.call('cluster', 'addslotsrange', 0, 16383);
    for (let tries = 0; tries < 200; tries++) {
      if (String(await server.call('cluster', 'info')).includes('cluster_state:ok')) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('The cluster is not complete.');
  });

  afterAll(async () => {
    await proxy.close();
    await server.remove();
  });

  const cluster = (): RedisStoreOptions => ({
    cluster: { nodes: [{ host, port: proxy.port }] },
    timeoutSeconds: 2,
  });

  it('keeps its entries there', async () => {
    const store = storeWith(cluster());
    await expectToWork(store);
    await Promise.all(Array.from({ length: 50 }, (_, i) => store.set(`k${i}`, `v${i}`, 60)));
    const values = await Promise.all(Array.from({ length: 50 }, (_, i) => store.take(`k${i}`)));
    expect(values).toEqual(Array.from({ length: 50 }, (_, i) => `v${i}`));
    expect(await store.check()).toEqual([]);
  });

  it('keeps them there by a client of the app', async () => {
    const client = new Cluster([{ host, port: proxy.port }], { retryDelayOnFailover: 0 });
    await expectToWork(storeWith({ client }));
    client.disconnect();
  });

  it('does not send a take again whose answer was lost', async () => {
    const store = storeWith(cluster());
    await store.set('a', '1', 60);
    const before = proxy.timesSent('getdel');
    proxy.cutAtNextAnswer();
    await expect(store.take('a')).rejects.toThrow(StorageError);
    expect(proxy.timesSent('getdel')).toBe(before + 1);
    await eventuallySucceeds(() => store.get('a'));
    expect(await store.take('a')).toBeUndefined();
  });

  it('refuses a client that would send it again, or asks replicas', async () => {
    const nodes = [{ host, port: proxy.port }];
    const client = new Cluster(nodes, {
      lazyConnect: true,
      scaleReads: 'slave',
      clusterNodeRetryStrategy: () => 100,
    });
    const path = 'RedisStore.client.options';
    expect(() => new RedisStore({ client })).toThrow(
      new ConfigurationError([
        { path: `${path}.retryDelayOnFailover`, problem: 'must be 0' },
        { path: `${path}.scaleReads`, problem: 'must be "master"' },
        { path: `${path}.redisOptions.maxRetriesPerRequest`, problem: 'must be 0' },
      ]),
    );
    const store = storeWith({ cluster: { nodes, options: { retryDelayOnFailover: 100 } } });
    await expect(store.get('a')).rejects.toThrow('RedisStore.cluster.options.retryDelayOnFailover');
  });

  it('throws while it is away, and works when it is back', async () => {
    const store = storeWith(cluster());
    await store.set('a', '1', 60);
    await proxy.close();
    await expect(store.get('a')).rejects.toThrow(StorageError);
    await expect(store.take('a')).rejects.toThrow(StorageError);
    await proxy.listen();
    await eventuallySucceeds(() => store.get('a'));
    expect(await store.take('a')).toBe('1');
  });
});

describeWithRedis('RedisStore with Sentinel', () => {
  it('follows the master to another server', async () => {
    const master = await RedisServer.start();
    const replica = await RedisServer.start({ replicaof: `${host} ${master.port}` });
    const sentinel = await RedisServer.startSentinel('auth', master);
    const servers = [sentinel, replica, master];
    try {
      const sentinels = [{ host, port: sentinel.port }];
      const store = storeWith({ options: { sentinels, name: 'auth' }, timeoutSeconds: 2 });
      await expectToWork(store);
      await store.set('a', '1', 60);
      expect(await master.call('exists', 'mcp-auth:a')).toBe(1);
      expect(await master.call('wait', 1, 5000)).toBe(1);
      await eventuallySucceeds(() => sentinel.call('sentinel', 'failover', 'auth'));
      await master.stop();
      await eventuallySucceeds(() => store.set('b', '1', 60));
      expect(await replica.call('exists', 'mcp-auth:b')).toBe(1);
      expect(await store.take('a')).toBe('1');
      await store.close();
    } finally {
      for (const server of servers) await server.remove();
    }
  }, 90_000);

  it('says that no Sentinel can be reached', async () => {
    const sentinels = [{ host, port: await freePort() }];
    const store = storeWith({ options: { sentinels, name: 'auth' }, timeoutSeconds: 1 });
    await expect(store.get('a')).rejects.toThrow(/ECONNREFUSED|All sentinels are unreachable/);
  });
});

describeWithRedis('a process with a RedisStore', () => {
  it.each(['unused', 'used', 'without Redis', 'with a cluster that is away'])(
    'ends by itself once the store is closed: %s',
    async (job) => {
      expect(await childResult(job, await freePort())).toBe('closed');
    },
  );

  it('is told which package to install when ioredis is missing', async () => {
    expect(await childResult('without ioredis', 1)).toEqual([
      'ConfigurationError',
      'ERR_MULTI_AUTH_CONFIGURATION',
      expect.stringContaining('npm install ioredis'),
    ]);
  });
});

async function childResult(job: string, deadPort: number): Promise<unknown> {
  const loader = join(import.meta.dirname, '../support/ts-loader.mjs');
  const script = join(import.meta.dirname, 'redis.store.child.mjs');
  const child = spawn(process.execPath, ['--import', loader, script, job, String(deadPort)]);
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  child.stderr.on('data', (text: Buffer) => (output += text.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`The child process ended with ${code}: ${output}`);
  return JSON.parse(output) as unknown;
}
