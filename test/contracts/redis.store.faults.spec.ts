import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { ConfigurationError, StorageError } from '../../lib/index.js';
import { RedisStore } from '../../lib/redis.js';
import type { RedisStoreOptions } from '../../lib/redis.js';
import { Redis } from 'ioredis';
import { randomToken } from '../../lib/crypto/random.js';
import { eventuallySucceeds } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { RedisServer } from '../support/redis-server.js';
import { describeWithRedis } from '../support/services.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const stores: RedisStore[] = [];

function storeWith(options: RedisStoreOptions): RedisStore {
  const store = new RedisStore(options);
  stores.push(store);
  return store;
}

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});

describeWithRedis('RedisStore with a connection that breaks', () => {
  let server: RedisServer;
  let proxy: TcpProxy;
  let store: RedisStore;

  beforeAll(async () => {
    server = await RedisServer.start();
  });

  afterAll(() => server.remove());

  beforeEach(async () => {
    await server.call('flushall');
    proxy = await TcpProxy.start(server.port);
    store = storeWith({ url: `redis://127.0.0.1:${proxy.port}`, timeoutSeconds: 1 });
  });

  afterEach(() => proxy.close());

  it('says so when the answer of a take is lost, and does not ask again', async () => {
    await store.set('a', '1', 60);
    proxy.cutAtNextAnswer();
    await expect(store.take('a')).rejects.toThrow(StorageError);
    // Redis has given it away; nobody is told that it was never there.
    expect(await server.call('exists', 'mcp-auth:a')).toBe(0);
    expect(await store.take('a')).toBeUndefined();
    expect(proxy.timesSent('getdel')).toBe(2);
  });

  it('says so when the answer of an add is lost, and does not ask again', async () => {
    await store.get('a');
    proxy.cutAtNextAnswer();
    await expect(store.add('a', '1', 60)).rejects.toThrow(StorageError);
    expect(await store.get('a')).toBe('1');
    expect(proxy.timesSent('nx')).toBe(1);
  });

  it('gives the value when an answer is not lost', async () => {
    expect(await store.add('a', '1', 60)).toBe(true);
    expect(await store.take('a')).toBe('1');
    expect(proxy.timesSent('getdel')).toBe(1);
    expect(proxy.connections).toBe(1);
  });

  it('tells each of many callers when the connection is cut, and works again at once', async () => {
    const calls = Array.from({ length: 20 }, (_, i) => store.set(`${i}`, '1', 60));
    await Promise.all(calls);
    proxy.hold();
    const takes = Promise.allSettled(calls.map((_, i) => store.take(`${i}`)));
    await new Promise((resolve) => setTimeout(resolve, 50));
    proxy.cut();
    proxy.release();
    for (const outcome of await takes) expect(outcome.status).toBe('rejected');
    await store.set('a', '1', 60);
    expect(await store.get('a')).toBe('1');
  });

  it('gives up on a connection that has silently died, and makes another', async () => {
    await store.set('a', '1', 60);
    proxy.hold();
    await expect(store.get('a')).rejects.toThrow(StorageError);
    await expect(store.get('a')).rejects.toThrow(StorageError);
    proxy.release();
    await eventuallySucceeds(() => store.get('a'));
    expect(proxy.connections).toBeGreaterThan(1);
  });

  it('never sends a command whose caller has been told that it failed', async () => {
    const client = new Redis({ port: proxy.port, maxRetriesPerRequest: 0, lazyConnect: true });
    const patient = storeWith({ client, timeoutSeconds: 0.3 });
    proxy.hold();
    await expect(patient.add('a', '1', 60)).rejects.toThrow('Redis did not answer in 0.3 s');
    proxy.release();
    await eventuallySucceeds(() => patient.get('a'));
    expect(proxy.connections).toBe(1);
    expect(proxy.timesSent('nx')).toBe(0);
    client.disconnect();
  });

  it('waits for a slow Redis within its time limit', async () => {
    proxy.delayAnswers(100);
    expect(await store.add('a', '1', 60)).toBe(true);
    expect(await store.take('a')).toBe('1');
  });

  it('can be closed while Redis hangs', async () => {
    await store.get('a');
    proxy.hold();
    const call = store.get('a');
    const told = expect(call).rejects.toThrow(StorageError);
    await store.close();
    await told;
    await expect(store.get('a')).rejects.toThrow('The RedisStore is closed.');
  });
});

describeWithRedis('RedisStore with a Redis in trouble', () => {
  let server: RedisServer;
  let store: RedisStore;

  beforeEach(async () => {
    server = await RedisServer.start();
    store = storeWith({ url: server.url, timeoutSeconds: 2 });
  });

  afterEach(async () => {
    await server.remove();
  });

  it('works as soon as a Redis that was down at the start is there', async () => {
    await server.stop();
    await expect(store.set('a', '1', 60)).rejects.toThrow(
      /^Redis cannot be reached: .*ECONNREFUSED/,
    );
    expect(await store.check()).toEqual([expect.stringContaining('ECONNREFUSED')]);
    await server.restart();
    await eventuallySucceeds(() => store.set('a', '1', 60));
    expect(await store.get('a')).toBe('1');
    expect(await store.check()).toEqual([]);
  });

  it('works again as soon as a Redis that went down is back', async () => {
    await store.set('a', '1', 60);
    await server.stop();
    await expect(store.get('a')).rejects.toThrow(StorageError);
    await expect(store.take('a')).rejects.toThrow(StorageError);
    await server.restart();
    await eventuallySucceeds(() => store.get('a'));
    expect(await store.add('a', '2', 60)).toBe(true);
  });

  it('throws where a name does not resolve', async () => {
    const lost = storeWith({ url: 'redis://no-such-host.invalid' });
    await expect(lost.get('a')).rejects.toThrow(/^Redis cannot be reached: .*no-such-host/);
  });

  it('throws while Redis loads its data', async () => {
    const value = randomToken(2000);
    for (let i = 0; i < 20; i++) await store.set(`${i}`, value, 60);
    await server.call('save');
    await server.stop();
    const delay = { 'key-load-delay': '100000', 'loading-process-events-interval-bytes': '1024' };
    const loading = server.restart(delay);
    await eventuallyThrows(() => store.take('3'), /^Redis refused: LOADING/);
    await loading;
    await eventuallySucceeds(() => store.get('3'));
    expect(await store.take('3')).toBe(value);
  });

  it('throws when the memory is full, and forgets nothing', async () => {
    await store.set('a', '1', 60);
    await server.call('config', 'set', 'maxmemory', '1');
    const error: unknown = await store.add('b', 'what is kept', 60).catch((e: unknown) => e);
    expect(String(error)).toMatch(/^StorageError: Redis refused: OOM/);
    // What ioredis throws holds the command that failed.
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain('what is kept');
    expect(await store.take('a')).toBe('1');
    await server.call('config', 'set', 'maxmemory', '0');
    expect(await store.add('b', '1', 60)).toBe(true);
  });

  it('throws when it has come to a replica, until that is the master', async () => {
    await store.set('a', '1', 60);
    const dead = await freePort();
    await server.call('replicaof', '127.0.0.1', dead);
    await expect(store.take('a')).rejects.toThrow(/^Redis refused: READONLY/);
    await server.call('replicaof', 'no', 'one');
    await eventuallySucceeds(() => store.get('a'));
    expect(await store.take('a')).toBe('1');
  });

  it('leaves the connection to what is the master no more', async () => {
    const proxy = await TcpProxy.start(server.port);
    const behind = storeWith({ url: `redis://127.0.0.1:${proxy.port}`, timeoutSeconds: 2 });
    await behind.get('a');
    await server.call('replicaof', '127.0.0.1', await freePort());
    await expect(behind.set('a', '1', 60)).rejects.toThrow('READONLY');
    await eventuallySucceeds(() => behind.get('a'));
    expect(proxy.connections).toBe(2);
    await proxy.close();
  });
});

describeWithRedis('RedisStore with a Redis that wants a password', () => {
  const password = 'the-Pass%word/of:redis';
  const encoded = encodeURIComponent(password);
  let server: RedisServer;

  beforeAll(async () => {
    server = await RedisServer.start({ user: `default on >${password} ~* &* +@all` });
  });

  afterAll(() => server.remove());

  const at = (credentials: string): string => `redis://${credentials}127.0.0.1:${server.port}`;

  it('gives the one of its URL, whatever is in it', async () => {
    const store = storeWith({ url: at(`:${encoded}@`) });
    await store.set('a', '1', 60);
    expect(await store.get('a')).toBe('1');
    expect(await storeWith({ url: at(`default:${encoded}@`) }).get('a')).toBe('1');
    expect(await storeWith({ url: at(''), options: { password } }).get('a')).toBe('1');
  });

  it('throws what shows neither a wrong password nor the command it was in', async () => {
    const wrong = `wrong-${password}`;
    const store = storeWith({ url: at(`:${encodeURIComponent(wrong)}@`), timeoutSeconds: 1 });
    const error: unknown = await store.get('a').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StorageError);
    expect(String(error)).toContain('WRONGPASS');
    const shown = inspect(error, { depth: null, showHidden: true }) + JSON.stringify(error);
    for (const text of [wrong, password, encoded]) expect(shown).not.toContain(text);
    const [warning] = await store.check();
    expect(warning).toContain('WRONGPASS');
    expect(inspect(store, { depth: null, showHidden: true })).not.toContain(password);
  });

  it('says that one is needed', async () => {
    const store = storeWith({ url: at(''), timeoutSeconds: 1 });
    await expect(store.get('a')).rejects.toThrow(/NOAUTH/);
  });
});

describeWithRedis('RedisStore.check', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await RedisServer.start();
  });

  afterAll(() => server.remove());

  it.each(['allkeys-lru', 'volatile-lru', 'volatile-ttl', 'allkeys-random'])(
    'warns of the policy %s, by which Redis forgets what was used',
    async (policy) => {
      await server.call('config', 'set', 'maxmemory-policy', policy);
      const warnings = await storeWith({ url: server.url }).check();
      expect(warnings).toEqual([expect.stringContaining(`maxmemory-policy ${policy}`)]);
      await server.call('config', 'set', 'maxmemory-policy', 'noeviction');
      expect(await storeWith({ url: server.url }).check()).toEqual([]);
    },
  );

  it('is content where it may not ask', async () => {
    await server.call('acl', 'setuser', 'app', 'on', '>app-pass', '~mcp-auth:*', '+get', '+set');
    await server.call('acl', 'setuser', 'app', '+getdel', '+del');
    const url = server.url.replace('//', '//app:app-pass@');
    expect(await storeWith({ url }).check()).toEqual([]);
  });

  it('stops the start where a Redis is too old to take a value atomically', async () => {
    // What 6.0 answers.
    const old = await RedisServer.start({ 'rename-command': 'GETDEL ""' });
    const store = storeWith({ url: old.url });
    await store.set('a', '1', 60);
    await expect(store.check()).rejects.toThrow(ConfigurationError);
    await expect(store.take('a')).rejects.toThrow('needs Redis 6.2 or later');
    expect(await store.get('a')).toBe('1');
    await old.remove();
  });
});

async function eventuallyThrows(call: () => Promise<unknown>, message: RegExp): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const error = await call().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (error instanceof StorageError && message.test(error.message)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`Nothing was thrown that says ${message}`);
}
