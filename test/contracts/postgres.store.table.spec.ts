import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Pool } from 'pg';
import { ConfigurationError, StorageError } from '../../lib/common/errors.js';
import type { PostgresStoreOptions } from '../../lib/storage/postgres-store-options.js';
import { PostgresStore } from '../../lib/storage/postgres.store.js';
import { PostgresSchema } from '../support/postgres-schema.js';
import { POSTGRES_URL, describeWithPostgres } from '../support/services.js';

function issuesOf(options: object): readonly (readonly [string, string])[] {
  try {
    void new PostgresStore(options);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof ConfigurationError)) throw thrown;
    return thrown.issues.map(({ path, problem }) => [path, problem] as const);
  }
}

describe('the options of a PostgresStore', () => {
  it.each<[string, object]>([
    ['a URL', { url: 'postgres://db.example.com/app' }],
    ['a URL and more', { url: 'postgresql://db.example.com/app', poolOptions: { max: 3 } }],
    ['pool options', { poolOptions: { host: '/var/run/postgresql' } }],
    ['the environment', { poolOptions: {} }],
    ['a pool', { pool: new Pool() }],
    ['names', { poolOptions: {}, schema: 'x'.repeat(63), table: 'ж'.repeat(25) }],
    ['limits', { poolOptions: {}, timeoutSeconds: 0.1, createTable: false }],
  ])('are fine with %s', (_, options) => {
    expect(issuesOf(options)).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['nothing', {}, 'url'],
    ['a URL that is missing', { url: undefined, table: 'a' }, 'url'],
    ['a URL of another kind', { url: 'redis://secret@db.example.com' }, 'url'],
    ['a URL that cannot be read', { url: 'postgres://app:sec#ret/@[db/app' }, 'url'],
    ['a URL that is none', { url: 5432 }, 'url'],
    ['pool options that are none', { poolOptions: 'secret' }, 'poolOptions'],
    ['a pool beside a URL', { url: 'postgres://secret@db/app', pool: new Pool() }, 'pool'],
    ['a pool that is none', { pool: {} }, 'pool'],
    ['an unknown option', { poolOptions: {}, tabel: 'secret' }, 'tabel'],
    ['an empty name', { poolOptions: {}, table: '' }, 'table'],
    ['a long name', { poolOptions: {}, table: 'x'.repeat(51) }, 'table'],
    ['a long name in UTF-8', { poolOptions: {}, schema: 'ж'.repeat(32) }, 'schema'],
    ['a name with NUL', { poolOptions: {}, schema: 'a\0b' }, 'schema'],
    ['a name that is none', { poolOptions: {}, table: 5 }, 'table'],
    ['a half truth', { poolOptions: {}, createTable: 'no' }, 'createTable'],
    ['no time', { poolOptions: {}, timeoutSeconds: 0 }, 'timeoutSeconds'],
    ['too much time', { poolOptions: {}, timeoutSeconds: 61 }, 'timeoutSeconds'],
    ['a time that is none', { poolOptions: {}, timeoutSeconds: '5' }, 'timeoutSeconds'],
  ])('are refused with %s', (_, options, option) => {
    const issues = issuesOf(options);
    expect(issues.map(([path]) => path)).toEqual([`PostgresStore.${option}`]);
    expect(JSON.stringify(issues)).not.toContain('sec');
  });

  it('are refused with all their problems at once', () => {
    const issues = issuesOf({
      url: 'x',
      schema: '',
      table: '',
      createTable: 1,
      timeoutSeconds: -1,
    });
    expect(issues).toHaveLength(5);
  });
});

describeWithPostgres('the table of a PostgresStore', () => {
  const stores: PostgresStore[] = [];
  let schema: PostgresSchema;

  const open = (options: PostgresStoreOptions = {}): PostgresStore => {
    const store = new PostgresStore({ url: POSTGRES_URL, schema: schema.name, ...options });
    stores.push(store);
    return store;
  };

  const describeTable = (table: string): Promise<object[]> =>
    schema.query(
      `SELECT attname, format_type(atttypid, atttypmod), attnotnull, relpersistence, reloptions,
         (SELECT string_agg(replace(indexdef, $2, ''), ';' ORDER BY indexdef) FROM pg_indexes
          WHERE schemaname = $1 AND tablename = $2) AS indexes
       FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
       WHERE attrelid = format('%I.%I', $1::text, $2::text)::regclass AND attnum > 0 ORDER BY attnum`,
      [schema.name, table],
    );

  beforeAll(async () => {
    schema = await PostgresSchema.create();
  });

  beforeEach(async () => {
    await schema.query(`DROP SCHEMA ${schema.name} CASCADE`);
    await schema.query(`CREATE SCHEMA ${schema.name}`);
  });

  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()));
  });

  afterAll(() => schema.drop());

  it('is made when it is first needed, by a read too', async () => {
    expect(await open().get('a')).toBeUndefined();
    expect(await schema.count('mcp_auth')).toBe(0);
  });

  it('is made by twenty instances that start at once', async () => {
    const added = await Promise.all(
      Array.from({ length: 20 }, () => open({ poolOptions: { max: 1 } }).add('a', '1', 60)),
    );
    expect(added.filter(Boolean)).toHaveLength(1);
  });

  it('is the same as a migration makes, and is left as it is when it is there', async () => {
    await open({ table: 'made' }).set('a', '1', 60);
    const sql = PostgresStore.schemaSql({ schema: schema.name, table: 'migrated' });
    await schema.query(sql);
    await schema.query(sql);
    const migrated = await describeTable('migrated');
    expect(migrated).toHaveLength(3);
    expect(JSON.stringify(migrated)).toContain('expires_at');
    expect(await describeTable('made')).toEqual(migrated);
    await open({ table: 'migrated', createTable: false }).set('a', '1', 60);
    await schema.query(sql);
    expect(await schema.count('migrated')).toBe(1);
  });

  it('is asked for when it is missing and must not be made, and found once it is there', async () => {
    const store = open({ createTable: false });
    const failed = store.get('a');
    await expect(failed).rejects.toBeInstanceOf(StorageError);
    await expect(failed).rejects.toThrow(`"${schema.name}"."mcp_auth" is missing`);
    await expect(store.add('a', '1', 60)).rejects.toThrow('PostgresStore.schemaSql()');
    await schema.query(PostgresStore.schemaSql({ schema: schema.name }));
    expect(await store.add('a', '1', 60)).toBe(true);
  });

  it('is made anew when somebody drops it', async () => {
    const store = open();
    await store.set('a', '1', 60);
    await schema.query(`DROP TABLE ${schema.name}.mcp_auth`);
    expect(await Promise.all([store.get('a'), store.take('a'), store.get('a')])).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(await store.add('a', '2', 60)).toBe(true);
  });

  it('may have any name, which is never taken for SQL', async () => {
    const odd = [
      'Upper',
      'with space',
      '"quoted"',
      'x"; DROP SCHEMA public; --',
      'ж',
      "it's",
      '$1',
    ];
    for (const table of odd) {
      const store = open({ table });
      await store.set('a', table, 60);
      expect(await store.take('a')).toBe(table);
    }
    const names = await schema.query<{ name: string }>(
      'SELECT tablename AS name FROM pg_tables WHERE schemaname = $1',
      [schema.name],
    );
    expect(names.map(({ name }) => name).sort()).toEqual(odd.toSorted());
  });

  it('is in the first schema of the search_path when none is named', async () => {
    const poolOptions = { options: `-c search_path=${schema.name}` };
    await open({ schema: undefined, poolOptions }).set('a', '1', 60);
    expect(await schema.count('mcp_auth')).toBe(1);
  });

  it('cannot be made in a schema that is not there', async () => {
    const failed = open({ schema: 'there_is_no_such_schema' }).get('a');
    await expect(failed).rejects.toBeInstanceOf(StorageError);
    await expect(failed).rejects.toThrow(/cannot be made: schema .* does not exist/);
  });

  it('needs no more rights than on its rows', async () => {
    const poolOptions = { options: `-c role=${schema.name}` };
    await schema.query(`CREATE ROLE ${schema.name}`);
    try {
      await schema.query(`GRANT USAGE ON SCHEMA ${schema.name} TO ${schema.name}`);
      const failed = open({ poolOptions }).get('a');
      await expect(failed).rejects.toBeInstanceOf(StorageError);
      await expect(failed).rejects.toThrow('cannot be made: permission denied for schema');

      await schema.query(PostgresStore.schemaSql({ schema: schema.name }));
      await expect(open({ poolOptions }).get('a')).rejects.toThrow('permission denied for table');
      await schema.query(
        `GRANT SELECT, INSERT, UPDATE, DELETE ON ${schema.name}.mcp_auth TO ${schema.name}`,
      );
      const store = open({ poolOptions });
      for (let i = 0; i < 70; i++) await store.set(`${i}`, '1', 60);
      expect(await store.add('a', '1', 60)).toBe(true);
      expect(await store.take('a')).toBe('1');
      await store.delete('0');
      await store.close();
      expect(await schema.count('mcp_auth')).toBe(69);
    } finally {
      await schema.query(`DROP OWNED BY ${schema.name}`);
      await schema.query(`DROP ROLE ${schema.name}`);
    }
  });

  it('is refused when it is another one', async () => {
    await schema.query(`CREATE TABLE ${schema.name}.mcp_auth (id integer)`);
    await expect(open().get('a')).rejects.toBeInstanceOf(StorageError);
  });
});
