import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from '@jest/globals';
import { Redis } from 'ioredis';
import { open } from 'lmdb';
import type { StoreSettings } from './app-process.js';
import { PostgresSchema } from './postgres-schema.js';
import { describeWithPostgres, describeWithRedis, POSTGRES_URL, REDIS_URL } from './services.js';

export interface OpenedStore {
  readonly settings: StoreSettings;
  /** How many entries it holds, expired ones that are not yet gone among them. */
  count(): Promise<number>;
  remove(): Promise<void>;
}

/** The stores that several processes can share; each is opened empty. */
export const sharedStores: readonly {
  readonly name: string;
  readonly describe: (name: string, run: () => void) => void;
  readonly open: () => Promise<OpenedStore>;
}[] = [
  { name: 'LmdbStore', describe, open: openFolder },
  { name: 'RedisStore', describe: describeWithRedis, open: openRedis },
  { name: 'PostgresStore', describe: describeWithPostgres, open: openPostgres },
];

export async function openFolder(): Promise<OpenedStore> {
  const path = await mkdtemp(join(tmpdir(), 'shared-store-'));
  return {
    settings: { kind: 'lmdb', path },
    count: async () => {
      const db = open({ path, encoding: 'string', noSubdir: false, readOnly: true });
      try {
        return db.getCount();
      } finally {
        await db.close();
      }
    },
    remove: () => rm(path, { recursive: true, force: true }),
  };
}

export async function openRedis(): Promise<OpenedStore> {
  const keyPrefix = `test:${randomBytes(6).toString('hex')}:`;
  const redis = new Redis(REDIS_URL);
  const keys = (): Promise<string[]> => redis.keys(`${keyPrefix}*`);
  return {
    settings: { kind: 'redis', url: REDIS_URL, keyPrefix },
    count: async () => (await keys()).length,
    remove: async () => {
      for (const key of await keys()) await redis.unlink(key);
      redis.disconnect();
    },
  };
}

export async function openPostgres(): Promise<OpenedStore> {
  const schema = await PostgresSchema.create();
  return {
    settings: { kind: 'postgres', url: POSTGRES_URL, schema: schema.name },
    count: () => schema.count('mcp_auth'),
    remove: () => schema.drop(),
  };
}
