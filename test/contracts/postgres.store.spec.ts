import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PostgresStoreOptions } from '../../lib/storage/postgres-store-options.js';
import { PostgresStore } from '../../lib/storage/postgres.store.js';
import { PostgresSchema } from '../support/postgres-schema.js';
import { expectEachKeyOnce } from '../support/race.js';
import { POSTGRES_URL, describeWithPostgres } from '../support/services.js';
import { describeKeyValueStoreContract } from './key-value-store.contract.js';

describeWithPostgres('on PostgreSQL', () => {
  let schema: PostgresSchema;
  let tables = 0;

  beforeAll(async () => {
    schema = await PostgresSchema.create();
  });

  afterAll(() => schema.drop());

  // The store goes by the time of the database, which no test can move: the entries are moved.
  const passTime = async (_: unknown, seconds: number): Promise<void> => {
    const shift = `UPDATE ${schema.name}.t${tables} SET expires_at = expires_at - $1 * interval '1 s'`;
    await schema.query(shift, [seconds]);
  };

  const optionsOfNew = (level: string): PostgresStoreOptions => {
    const isolation = `-c default_transaction_isolation=${level.replace(' ', '\\ ')}`;
    // What is on the disk matters after a crash only, and takes its time.
    const poolOptions = { options: `${isolation} -c synchronous_commit=off` };
    return { url: POSTGRES_URL, schema: schema.name, table: `t${++tables}`, poolOptions };
  };

  describe.each(['read committed', 'repeatable read', 'serializable'])(
    'where transactions are %s by default',
    (level) => {
      const factory = async (): Promise<PostgresStore> => new PostgresStore(optionsOfNew(level));
      describeKeyValueStoreContract('PostgresStore', factory, { passTime });
    },
  );

  it.each(['read committed', 'serializable'])(
    'gives each key to exactly one of four processes, where transactions are %s by default',
    (level) => expectEachKeyOnce('postgres.factory.ts', JSON.stringify(optionsOfNew(level))),
    120_000,
  );

  it('keeps what lives longer than the calendar of PostgreSQL goes', async () => {
    const store = new PostgresStore(optionsOfNew('read committed'));
    await store.set('a', '1', Number.MAX_SAFE_INTEGER);
    expect(await store.take('a')).toBe('1');
    await store.close();
  });
});
