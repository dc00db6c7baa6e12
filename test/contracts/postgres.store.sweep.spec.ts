import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { PostgresStore } from '../../lib/storage/postgres.store.js';
import { PostgresSchema } from '../support/postgres-schema.js';
import { POSTGRES_URL, describeWithPostgres } from '../support/services.js';

describeWithPostgres('the sweep of a PostgresStore', () => {
  const stores: PostgresStore[] = [];
  let schema: PostgresSchema;
  let table = '';
  let tables = 0;

  const open = (): PostgresStore => {
    const store = new PostgresStore({ url: POSTGRES_URL, schema: schema.name, table });
    stores.push(store);
    return store;
  };
  const insert = (prefix: string, count: number, seconds: number): Promise<object[]> =>
    schema.query(
      `INSERT INTO ${schema.name}.${table}
       SELECT convert_to($1 || i, 'UTF8'), 'v', now() + make_interval(secs => $3)
       FROM generate_series(1, $2) AS i`,
      [prefix, count, seconds],
    );
  const write = async (store: PostgresStore, count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await store.set('written', '1', 60);
  };

  beforeAll(async () => {
    schema = await PostgresSchema.create();
  });

  beforeEach(async () => {
    table = `t${++tables}`;
    await open().get('a');
  });

  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()));
  });

  afterAll(() => schema.drop());

  it('removes what has expired, so much at a time, and nothing else', async () => {
    await insert('old:', 600, -1);
    await insert('live:', 50, 60);
    const store = open();
    await write(store, 63);
    expect(await schema.count(table)).toBe(651);
    await write(store, 1);
    await store.close();
    expect(await schema.count(table)).toBe(651 - 256);
    const other = open();
    await write(other, 64);
    await other.close();
    // The third batch finds less than it may.
    const third = open();
    await write(third, 64);
    await third.close();
    expect(await schema.count(table)).toBe(51);
    expect(await open().get('live:50')).toBe('v');
  });

  it('goes on sweeping with one store after another batch of writes', async () => {
    await insert('old:', 400, -1);
    const store = open();
    await write(store, 200);
    await store.close();
    expect(await schema.count(table)).toBe(1);
  });

  it('is done by many instances at once without any of them failing', async () => {
    await insert('old:', 3000, -1);
    const many = Array.from({ length: 8 }, open);
    await Promise.all(
      many.map(async (store, i) => {
        for (let n = 0; n < 130; n++) {
          // Also on what is being swept: as new, and to the last.
          expect(await store.add(`old:${i * 300 + n + 1}`, 'new', 60)).toBe(true);
        }
      }),
    );
    await Promise.all(many.map((store) => store.close()));
    const live = await schema.query(
      `SELECT 1 FROM ${schema.name}.${table} WHERE value = 'new' AND expires_at > now()`,
    );
    expect(live).toHaveLength(8 * 130);
    const left = await schema.count(table);
    expect(left).toBeLessThan(3000 - 256);
  });

  it('passes over what somebody else holds', async () => {
    await insert('held:', 10, -2);
    await insert('old:', 10, -1);
    const held = `SELECT * FROM ${schema.name}.${table} WHERE key LIKE 'held:%'::bytea FOR UPDATE`;
    const unlock = await schema.lock(held);
    const store = open();
    await write(store, 64);
    await store.close();
    expect(await schema.count(table)).toBe(11);
    await unlock();
  });

  it('finds what has expired by an index', async () => {
    await insert('live:', 20_000, 600);
    await insert('old:', 10, -1);
    await schema.query(`ANALYZE ${schema.name}.${table}`);
    const plan = await schema.query(
      `EXPLAIN SELECT key FROM ${schema.name}.${table} WHERE expires_at <= statement_timestamp()
       ORDER BY expires_at LIMIT 256 FOR UPDATE SKIP LOCKED`,
    );
    expect(JSON.stringify(plan)).toContain(`Index Scan using ${table}_expires_at`);
  });
});
