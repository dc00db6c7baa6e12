import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { ConfigurationError, MultiAuthModule } from '../../../lib/index.js';
import { RedisStore } from '../../../lib/redis.js';
import { LogSink } from '../../support/log-sink.js';
import { RedisServer } from '../../support/redis-server.js';
import { describeWithRedis } from '../../support/services.js';
import { baseUrl, closeApps, startApp, unreachedProxy } from './support.js';

describeWithRedis('the start of an app with a RedisStore', () => {
  let server: RedisServer;
  let logger: LogSink;

  beforeEach(async () => {
    server = await RedisServer.start();
    logger = new LogSink();
  });

  afterEach(async () => {
    await closeApps();
    await server.remove();
  });

  const start = () => {
    const storage = new RedisStore({ url: server.url });
    const options = { baseUrl, server: unreachedProxy({ storage }) };
    return startApp({ logger, imports: [MultiAuthModule.forRoot(options)] });
  };
  const warnings = (): readonly string[] =>
    logger.matching('warn', 'configuration.warning').map(({ text }) => text);

  it('warns of a Redis that evicts, and of none that does not', async () => {
    await start();
    expect(warnings()).toEqual([]);
    await closeApps();
    await server.call('config', 'set', 'maxmemory-policy', 'volatile-lru');
    await start();
    expect(warnings()).toHaveLength(1);
    expect(warnings()[0]).toContain('"option":"server.storage"');
    expect(warnings()[0]).toContain('volatile-lru');
  });

  it('succeeds while Redis is down, and warns', async () => {
    await server.stop();
    await start();
    expect(warnings().join()).toContain('ECONNREFUSED');
  });

  it('fails with a Redis that can never do', async () => {
    await server.stop();
    await server.restart({ 'rename-command': 'GETDEL ""' });
    await expect(start()).rejects.toThrow(ConfigurationError);
  });
});
