import { randomBytes } from 'node:crypto';
import { Client, Pool } from 'pg';
import { POSTGRES_URL } from './services.js';

/** A schema of one test file's own, and a connection to look into it. */
export class PostgresSchema {
  /** Needs no quotes in SQL; is also the name under which a test may make a role. */
  readonly name = `test_${randomBytes(6).toString('hex')}`;
  readonly #locks = new Set<Client>();
  readonly #pool = new Pool({ connectionString: POSTGRES_URL, max: 4 });

  static async create(): Promise<PostgresSchema> {
    const schema = new PostgresSchema();
    schema.#pool.on('error', () => {});
    await schema.query(`CREATE SCHEMA ${schema.name}`);
    return schema;
  }

  async query<T extends object>(text: string, values: unknown[] = []): Promise<T[]> {
    return (await this.#pool.query<T>(text, values)).rows;
  }

  async count(table: string): Promise<number> {
    const [row] = await this.query<{ n: number }>(
      `SELECT count(*)::integer AS n FROM ${this.name}.${table}`,
    );
    return row!.n;
  }

  /** Holds what the statement locks until the answered function is called. */
  async lock(text: string): Promise<() => Promise<void>> {
    const client = new Client({ connectionString: POSTGRES_URL });
    this.#locks.add(client);
    await client.connect();
    await client.query('BEGIN');
    await client.query(text);
    return () => client.end();
  }

  /** Holds up whoever writes to the table, and nobody who reads. */
  async lockWrites(table: string): Promise<() => Promise<void>> {
    return this.lock(`LOCK TABLE ${this.name}.${table} IN EXCLUSIVE MODE`);
  }

  /** How many connections under that name wait for a lock. */
  async waiting(applicationName: string): Promise<number> {
    const waits = `SELECT pid FROM pg_stat_activity
      WHERE application_name = $1 AND wait_event_type = 'Lock'`;
    return (await this.query(waits, [applicationName])).length;
  }

  /** Cuts every connection under that name. */
  async cut(applicationName: string): Promise<number> {
    const cut =
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1';
    return (await this.query(cut, [applicationName])).length;
  }

  async drop(): Promise<void> {
    for (const client of this.#locks) await client.end();
    await this.query(`DROP SCHEMA ${this.name} CASCADE`);
    await this.#pool.end();
  }
}
