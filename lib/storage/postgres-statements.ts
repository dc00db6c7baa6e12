import {
  ConfigurationError,
  MultiAuthError,
  StorageError,
  describeError,
} from '../common/errors.js';
import { PostgresConnections } from './postgres-connections.js';
import type { PostgresSql } from './postgres-sql.js';
import type { PostgresStoreOptions } from './postgres-store-options.js';

/** What a statement answers. */
export type Rows = readonly object[];

/** The codes of PostgreSQL after which nothing of the statement was done. */
const UNDEFINED_TABLE = '42P01';
const SERIALIZATION_FAILURE = '40001';
const DEADLOCK = '40P01';

/** One for each of them, and the last. */
const MAX_ATTEMPTS = 4;

/**
 * Runs statements. One is run again only where PostgreSQL said that nothing of it was done; after a
 * broken connection nobody knows.
 */
export class PostgresStatements {
  readonly #connections: PostgresConnections;
  readonly #createsTable: boolean;
  readonly #running = new Set<Promise<unknown>>();
  #creating: Promise<unknown> | undefined;
  #closing: Promise<void> | undefined;
  /** Whether the database's default is another level, as a first conflict tells. */
  #setsIsolation = false;

  constructor(
    options: PostgresStoreOptions,
    private readonly sql: PostgresSql,
  ) {
    this.#connections = new PostgresConnections(options);
    this.#createsTable = options.createTable ?? true;
  }

  /**
   * @throws StorageError when it failed, or may have.
   * @throws ConfigurationError when the package pg is missing.
   */
  async run(sql: string, values?: unknown[]): Promise<Rows> {
    if (this.#closing) throw new StorageError('The PostgresStore is closed.');
    const running = this.#guarded(sql, values);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Waits for what is under way and closes the connections. */
  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#running).then(() => this.#connections.close());
    return this.#closing;
  }

  async #guarded(sql: string, values?: unknown[]): Promise<Rows> {
    try {
      return await this.#persist(sql, values);
    } catch (thrown) {
      if (thrown instanceof ConfigurationError) throw thrown;
      const message = `The PostgresStore failed: ${describeError(thrown)}`;
      const cause = thrown instanceof MultiAuthError ? thrown.cause : thrown;
      throw new StorageError(message, { cause });
    }
  }

  async #persist(sql: string, values?: unknown[]): Promise<Rows> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(sql, values);
      } catch (thrown) {
        if (attempt === MAX_ATTEMPTS) throw thrown;
        await this.#remedy(thrown);
      }
    }
  }

  #attempt(sql: string, values?: unknown[]): Promise<Rows> {
    const setsIsolation = this.#setsIsolation;
    return this.#connections.use(async (client) => {
      if (setsIsolation) await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
      const { rows } = await client.query(sql, values);
      if (setsIsolation) await client.query('COMMIT');
      return rows;
    });
  }

  /** Does something about it so that another attempt is due, or throws. */
  async #remedy(thrown: unknown): Promise<void> {
    const code = sqlState(thrown);
    if (code === SERIALIZATION_FAILURE) this.#setsIsolation = true;
    else if (code === UNDEFINED_TABLE) await this.#createTable(thrown);
    else if (code !== DEADLOCK) throw thrown;
  }

  async #createTable(cause: unknown): Promise<void> {
    const { table, createTable } = this.sql;
    if (!this.#createsTable) {
      const advice = 'make it with the SQL that PostgresStore.schemaSql() tells';
      throw new StorageError(`the table ${table} is missing: ${advice}`, { cause });
    }
    this.#creating ??= this.#connections
      .use((client) => client.query(createTable))
      .catch((error: unknown) => {
        const reason = describeError(error);
        throw new StorageError(`the table ${table} cannot be made: ${reason}`, { cause: error });
      })
      .finally(() => (this.#creating = undefined));
    await this.#creating;
  }
}

/** The code that PostgreSQL gave the error, if it was PostgreSQL's. */
export function sqlState(thrown: unknown): string | undefined {
  const code = (thrown as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}
