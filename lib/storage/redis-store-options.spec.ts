import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../common/errors.js';
import { RedisStore } from './redis.store.js';
import type { RedisStoreOptions } from './redis-store-options.js';

const host = 'redis.example.com';
const password = 'the-password-of-redis';

function issuesOf(options: unknown): readonly string[] {
  try {
    expect(new RedisStore(options as RedisStoreOptions)).toBeInstanceOf(RedisStore);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(String(error)).not.toContain(password);
    return (error as ConfigurationError).issues.map(({ path }) => path);
  }
}

describe('the options of RedisStore', () => {
  it.each<[string, RedisStoreOptions]>([
    ['a URL', { url: `redis://${host}` }],
    ['a URL with everything', { url: `rediss://user:${password}@${host}:6380/15` }],
    ['a URL of an IPv6 address', { url: 'redis://[::1]:6379/' }],
    ['options of ioredis', { options: { host, password } }],
    ['a URL and options', { url: `redis://${host}`, options: { password } }],
    ['a cluster', { cluster: { nodes: [{ host, port: 6379 }] } }],
    ['a prefix and a limit', { url: `redis://${host}`, keyPrefix: 'x', timeoutSeconds: 0.5 }],
  ])('may be %s', (_what, options) => {
    expect(issuesOf(options)).toEqual([]);
  });

  it.each([
    ['nothing', {}, ['RedisStore']],
    ['two addresses', { url: `redis://${host}`, cluster: { nodes: [host] } }, ['RedisStore']],
    ['an unknown name', { url: `redis://${host}`, prefix: 'x' }, ['RedisStore.prefix']],
    ['a cluster without nodes', { cluster: { nodes: [] } }, ['RedisStore.cluster.nodes']],
    ['a cluster that is a list', { cluster: [{ host }] }, ['RedisStore.cluster.nodes']],
    ['an empty prefix', { url: `redis://${host}`, keyPrefix: '' }, ['RedisStore.keyPrefix']],
    [
      'two things that are wrong',
      { url: 'redis:', timeoutSeconds: 0 },
      ['RedisStore.url', 'RedisStore.timeoutSeconds'],
    ],
  ])('may not be %s', (_what, options, paths) => {
    expect(issuesOf(options)).toEqual(paths);
  });

  it.each([
    `${host}:6379`,
    `http://:${password}@${host}`,
    `redis://:${password}@${host}/name`,
    `redis://:${password}@${host}/0/1`,
    // What ioredis would take for options.
    `redis://:${password}@${host}?maxRetriesPerRequest=20`,
    `redis://:${password}@:6379`,
    `redis://:${password}@${host}:port`,
    '',
    6379,
    null,
  ])('may not have the URL %p, and do not show it', (url) => {
    expect(issuesOf({ url })).toEqual(['RedisStore.url']);
  });

  it.each([0, -1, 61, Number.NaN, Number.POSITIVE_INFINITY, '5'])(
    'may not have a limit of %p seconds',
    (timeoutSeconds) => {
      expect(issuesOf({ url: `redis://${host}`, timeoutSeconds })).toEqual([
        'RedisStore.timeoutSeconds',
      ]);
    },
  );
});
