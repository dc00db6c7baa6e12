import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import type { StoreSettings } from '../test/support/app-process.js';

const redisUrl = 'redis://127.0.0.1:6379';
const postgresUrl = 'postgres://root@127.0.0.1:5432/test';

interface BenchStore {
  readonly settings: StoreSettings;
  remove(): Promise<unknown>;
}

/** By the name that the command line gives them: a store that is empty, and whole to remove. */
export const benchStores: Readonly<Record<string, () => Promise<BenchStore>>> = {
  async lmdb() {
    const path = await mkdtemp(join(tmpdir(), 'many-grants-'));
    return {
      settings: { kind: 'lmdb', path },
      remove: () => rm(path, { recursive: true, force: true }),
    };
  },

  async redis() {
    const keyPrefix = `bench:${randomBytes(6).toString('hex')}:`;
    return {
      settings: { kind: 'redis', url: redisUrl, keyPrefix },
      remove: async () => {
        const redis = new Redis(redisUrl);
        for await (const keys of redis.scanStream({ match: `${keyPrefix}*`, count: 1000 })) {
          if ((keys as string[]).length > 0) await redis.unlink(...(keys as string[]));
        }
        redis.disconnect();
      },
    };
  },

  async postgres() {
    const schema = `bench_${randomBytes(6).toString('hex')}`;
    const pool = new Pool({ connectionString: postgresUrl, max: 1 });
    await pool.query(`CREATE SCHEMA ${schema}`);
    return {
      settings: { kind: 'postgres', url: postgresUrl, schema },
      remove: async () => {
        await pool.query(`DROP SCHEMA ${schema} CASCADE`);
        await pool.end();
      },
    };
  },
};
