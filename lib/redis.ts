export { RedisStore } from './storage/redis.store.js';
export type { RedisClusterOptions, RedisStoreOptions } from './storage/redis-store-options.js';
