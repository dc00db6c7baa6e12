import { afterAll, beforeAll, describe } from '@jest/globals';
import { PostgresStore } from '../../lib/storage/postgres.store.js';
import { PostgresSchema } from '../support/postgres-schema.js';
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

  const levels = ['read committed', 'repeatable read', 'serializable'];
  describe.each(levels)('where transactions are %s by default', (level) => {
    describeKeyValueStoreContract(
      'PostgresStore',
      async () => {
        const table = `t${++tables}`;
        const options = `-c default_transaction_isolation=${level.replace(' ', '\\ ')}`;
        const poolOptions = { options };
        return new PostgresStore({ url: POSTGRES_URL, schema: schema.name, table, poolOptions });
      },
      { passTime },
    );
  });
});
