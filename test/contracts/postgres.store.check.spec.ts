import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { ConfigurationError } from '../../lib/common/errors.js';
import type { PostgresStoreOptions } from '../../lib/storage/postgres-store-options.js';
import { PostgresStore } from '../../lib/storage/postgres.store.js';
import { PostgresSchema } from '../support/postgres-schema.js';
import { POSTGRES_URL, describeWithPostgres } from '../support/services.js';

describeWithPostgres('a PostgresStore that is checked at the start', () => {
  const stores: PostgresStore[] = [];
  let schema: PostgresSchema;

  const open = (options: PostgresStoreOptions = {}): PostgresStore => {
    const store = new PostgresStore({ url: POSTGRES_URL, schema: schema.name, ...options });
    stores.push(store);
    return store;
  };

  beforeAll(async () => {
    schema = await PostgresSchema.create();
  });

  beforeEach(async () => {
    await schema.query(`DROP TABLE IF EXISTS ${schema.name}.mcp_auth`);
  });

  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()));
  });

  afterAll(() => schema.drop());

  it('has nothing to say, makes its table, and leaves nothing in it', async () => {
    const poolOptions = { options: '-c synchronous_commit=on' };
    // One of two that start at once must not trip over the other.
    const doubts = await Promise.all([1, 2, 3].map(() => open({ poolOptions }).check()));
    expect(doubts.flat().filter((doubt) => !doubt.includes('(fsync is off)'))).toEqual([]);
    expect(await schema.count('mcp_auth')).toBe(0);
  });

  it('warns where the database may forget what it confirmed', async () => {
    const poolOptions = { options: '-c synchronous_commit=off' };
    expect((await open({ poolOptions }).check()).join()).toMatch(
      /\((synchronous_commit|fsync) is off\)/,
    );
  });

  it('warns of an unlogged table', async () => {
    await open().check();
    expect((await open().check()).join()).not.toContain('UNLOGGED');
    await schema.query(`ALTER TABLE ${schema.name}.mcp_auth SET UNLOGGED`);
    expect((await open().check()).join()).toContain('UNLOGGED');
  });

  it('warns where the database does not answer, and where it takes no writes', async () => {
    const down = open({ url: 'postgres://app:the-password@127.0.0.1:1/app' });
    const [refusal, ...more] = await down.check();
    expect(refusal).toContain('ECONNREFUSED');
    expect(refusal).not.toContain('the-password');
    expect(more).toEqual([]);
    await open().check();
    const standby = open({ poolOptions: { options: '-c default_transaction_read_only=on' } });
    expect((await standby.check()).join()).toContain('read-only transaction');
  });

  it.each<[string, PostgresStoreOptions, string]>([
    ['the table', { createTable: false }, 'PostgresStore.schemaSql()'],
    ['the schema', { schema: 'there_is_no_such_schema' }, 'does not exist'],
    ['the database', { url: `${POSTGRES_URL}_that_is_missing` }, 'does not exist'],
  ])('throws where %s is missing', async (_, options, problem) => {
    const failed = open(options).check();
    await expect(failed).rejects.toBeInstanceOf(ConfigurationError);
    await expect(failed).rejects.toThrow(problem);
  });

  it('throws where the table is another one', async () => {
    await schema.query(`CREATE TABLE ${schema.name}.mcp_auth (key bytea PRIMARY KEY)`);
    await expect(open().check()).rejects.toBeInstanceOf(ConfigurationError);
  });

  it('throws where the role may not write', async () => {
    await open().check();
    await schema.query(`CREATE ROLE ${schema.name}`);
    try {
      await schema.query(`GRANT USAGE ON SCHEMA ${schema.name} TO ${schema.name}`);
      await schema.query(`GRANT SELECT ON ${schema.name}.mcp_auth TO ${schema.name}`);
      const poolOptions = { options: `-c role=${schema.name}` };
      await expect(open({ poolOptions }).check()).rejects.toBeInstanceOf(ConfigurationError);
    } finally {
      await schema.query(`DROP OWNED BY ${schema.name}`);
      await schema.query(`DROP ROLE ${schema.name}`);
    }
  });
});
