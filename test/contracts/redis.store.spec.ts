import { afterAll, it } from '@jest/globals';
import { randomToken } from '../../lib/crypto/random.js';
import { RedisStore } from '../../lib/redis.js';
import { expectEachKeyOnce } from '../support/race.js';
import { describeWithRedis, REDIS_URL } from '../support/services.js';
import { describeKeyValueStoreContract } from './key-value-store.contract.js';

describeWithRedis('a Redis', () => {
  const keyPrefix = `test:${randomToken(8)}:`;
  let stores = 0;

  // Each test has keys of its own; they expire by themselves.
  const newStore = async (): Promise<RedisStore> =>
    new RedisStore({ url: REDIS_URL, keyPrefix: `${keyPrefix}${stores++}:` });

  describeKeyValueStoreContract('RedisStore', newStore, {
    passTime: (_context, seconds) =>
      new Promise((resolve) => setTimeout(resolve, seconds * 1000 + 100)),
  });

  it('gives each key to exactly one of four processes', () =>
    expectEachKeyOnce('redis.factory.ts', `${REDIS_URL} ${keyPrefix}race:`));

  afterAll(() => removeKeys(keyPrefix));
});

async function removeKeys(prefix: string): Promise<void> {
  const { Redis } = await import('ioredis');
  const redis = new Redis(REDIS_URL);
  for await (const keys of redis.scanStream({ match: `${prefix}*`, count: 1000 })) {
    if (keys.length > 0) await redis.del(...(keys as string[]));
  }
  redis.disconnect();
}
