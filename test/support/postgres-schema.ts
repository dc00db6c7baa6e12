import { randomBytes } from 'node:crypto';
import { Client, Pool } from 'pg';

const address = { host: '127.0.0.1', port: 5432, user: 'root', database: 'test' };

/** How the PostgreSQL of the tests is reached. */
export const postgresUrl = `postgres://${address.user}@${address.host}:${address.port}/${address.database}`;

/** A schema of one test file's own, and a connection to look into it. */
export class PostgresSchema {
  /** Needs no quotes in SQL. */
  readonly name = `test_${randomBytes(6).toString('hex')}`;
  readonly #pool = new Pool({ ...address, max: 4 });

  static async create(): Promise<PostgresSchema> {
    const schema = new PostgresSchema();
    schema.#pool.on('error', () => {});
    await schema.query(`CREATE SCHEMA ${schema.name}`);
    return schema;
  }

  async query<T extends object>(text: string, values: unknown[] = []): Promise<T[]> {
    return (await this.#pool.query<T>(text, values)).rows;
  }

  /** Cuts every connection that calls itself so. */
  async cutConnections(applicationName: string): Promise<number> {
    const cut = await this.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1',
      [applicationName],
    );
    return cut.length;
  }

  async drop(): Promise<void> {
    await this.query(`DROP SCHEMA ${this.name} CASCADE`);
    await this.#pool.end();
  }
}

/** Tells whether there is a PostgreSQL to test with. */
export async function hasPostgres(): Promise<boolean> {
  const client = new Client({ ...address, connectionTimeoutMillis: 5000 });
  client.on('error', () => {});
  return client.connect().then(
    () => client.end().then(() => true),
    () => false,
  );
}
