/**
 * What the stores cost: each operation, side by side on those that can be reached, as a ratio to
 * the same operation on MemoryStore. Leaves nothing behind.
 *
 * Run: npm run bench:stores
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KeyValueStore, LmdbStore, MemoryStore } from 'nestjs-mcp-multi-auth';
import { PostgresStore } from 'nestjs-mcp-multi-auth/postgres';
import { RedisStore } from 'nestjs-mcp-multi-auth/redis';

const rounds = 5;
const callsPerRound = 1000;
const concurrency = 20;
const value = 'x'.repeat(1000);

type Operation = (store: KeyValueStore, key: string) => Promise<unknown>;

/** In this order each finds what it needs: `take` what `add` added. */
const operations: Readonly<Record<string, Operation>> = {
  set: (store, key) => store.set(`set:${key}`, value, 60),
  get: (store, key) => store.get(`set:${key}`),
  add: (store, key) => store.add(`add:${key}`, value, 60),
  'add, refused': (store, key) => store.add(`add:${key}`, value, 60),
  take: (store, key) => store.take(`add:${key}`),
  delete: (store, key) => store.delete(`set:${key}`),
};

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-stores-'));
  const url = 'postgres://root@127.0.0.1:5432/test';
  const all: Record<string, KeyValueStore> = {
    memory: new MemoryStore(),
    lmdb: new LmdbStore({ path: folder }),
    redis: new RedisStore({ url: 'redis://127.0.0.1:6379', keyPrefix: `bench:${process.pid}:` }),
    postgres: new PostgresStore({ url, table: `bench_${process.pid}` }),
  };
  const times = new Map<string, number[]>();
  const reachable = await reachableOf(all);
  for (let round = 0; round <= rounds; round++) {
    for (const [operation, call] of Object.entries(operations)) {
      for (const [name, store] of Object.entries(reachable)) {
        const elapsed = await measure((i) => call(store, `${round}:${i}`));
        // The first round warms up.
        const id = `${operation} ${name}`;
        if (round > 0) times.set(id, [...(times.get(id) ?? []), elapsed]);
      }
    }
  }
  for (const operation of Object.keys(operations)) {
    const base = median(times.get(`${operation} memory`) ?? []);
    const ratios = Object.keys(reachable).map((name) => {
      const ratio = median(times.get(`${operation} ${name}`) ?? []) / base;
      return `${name} ${ratio.toFixed(1)}`.padEnd(18);
    });
    console.log(`${operation.padEnd(14)} ${ratios.join('')}`);
  }
  await Promise.all(Object.values(all).map(async (store) => store.close?.()));
  await rm(folder, { recursive: true });
  if ('postgres' in reachable) await dropTable(url);
}

async function reachableOf(
  stores: Readonly<Record<string, KeyValueStore>>,
): Promise<Record<string, KeyValueStore>> {
  const reachable: Record<string, KeyValueStore> = {};
  for (const [name, store] of Object.entries(stores)) {
    await store.get('a').then(
      () => (reachable[name] = store),
      () => console.log(`${name}: not reached`),
    );
  }
  return reachable;
}

async function measure(call: (i: number) => Promise<unknown>): Promise<number> {
  let left = callsPerRound;
  const begun = process.hrtime.bigint();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (left > 0) await call(left--);
    }),
  );
  return Number(process.hrtime.bigint() - begun);
}

async function dropTable(connectionString: string): Promise<void> {
  const { Client } = await import('pg');
  const client = new Client({ connectionString });
  await client.connect();
  await client.query(`DROP TABLE bench_${process.pid}`);
  await client.end();
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

await main();
