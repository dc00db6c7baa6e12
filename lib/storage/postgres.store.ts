import { ConfigurationError, StorageError, describeError } from '../common/errors.js';
import { assertEntryKey, assertTtlSeconds } from './entry-rules.js';
import { KeyValueStore } from './key-value-store.js';
import { PostgresConnections } from './postgres-connections.js';
import type { Rows } from './postgres-connections.js';
import { postgresSql, schemaSql } from './postgres-sql.js';
import type { PostgresSql } from './postgres-sql.js';
import { postgresStoreIssues, tableIssues } from './postgres-store-options.js';
import type { PostgresStoreOptions, PostgresTableOptions } from './postgres-store-options.js';

/** Each write pays for this many expired entries, so that a sweep outruns what is added. */
const SWEPT_PER_WRITE = 4;
const WRITES_PER_SWEEP = 64;

/** More than 3000 years. A timestamp of the database ends some time after. */
const MAX_TTL_SECONDS = 1e11;

/** The codes of PostgreSQL after which nothing of the statement was done. */
const UNDEFINED_TABLE = '42P01';
const SERIALIZATION_FAILURE = '40001';
const DEADLOCK = '40P01';

/** One for each of them, and the last. */
const MAX_ATTEMPTS = 4;

/**
 * Keeps records in a table of PostgreSQL, by the package `pg`: for several instances on several
 * machines. The time is the database's. Works behind PgBouncer, in transaction mode too.
 *
 * A call whose connection broke or whose answer came too late throws, though the database may have
 * done what was asked: a `take` that throws may have removed the entry.
 */
export class PostgresStore extends KeyValueStore {
  readonly #connections: PostgresConnections;
  readonly #sql: PostgresSql;
  readonly #createsTable: boolean;
  readonly #running = new Set<Promise<unknown>>();
  #creating: Promise<unknown> | undefined;
  #closing: Promise<void> | undefined;
  #sweeping = false;
  #writesUntilSweep = WRITES_PER_SWEEP;
  /** Whether the database's default is another level, as a first conflict tells. */
  #setsIsolation = false;

  /** @throws ConfigurationError when an option cannot be used, or nothing says where to connect. */
  constructor(options: PostgresStoreOptions) {
    super();
    ConfigurationError.assertNone(postgresStoreIssues(options));
    this.#connections = new PostgresConnections(options);
    this.#sql = postgresSql(options, WRITES_PER_SWEEP * SWEPT_PER_WRITE);
    this.#createsTable = options.createTable ?? true;
  }

  /**
   * The SQL that makes the table, for a migration; it changes nothing where the table is.
   *
   * @throws ConfigurationError when a name cannot be used.
   */
  static schemaSql(options: PostgresTableOptions = {}): string {
    ConfigurationError.assertNone(tableIssues(options));
    return schemaSql(options);
  }

  async get(key: string): Promise<string | undefined> {
    assertEntryKey(key);
    return valueOf(await this.#run(this.#sql.get, [bytes(key)]));
  }

  async set(key: string, value: string, ttlSeconds: number): Promise<void> {
    await this.#store(this.#sql.set, key, value, ttlSeconds);
  }

  async add(key: string, value: string, ttlSeconds: number): Promise<boolean> {
    const added = await this.#store(this.#sql.add, key, value, ttlSeconds);
    return added.length > 0;
  }

  async take(key: string): Promise<string | undefined> {
    assertEntryKey(key);
    return valueOf(await this.#run(this.#sql.take, [bytes(key)]));
  }

  async delete(key: string): Promise<void> {
    assertEntryKey(key);
    await this.#run(this.#sql.delete, [bytes(key)]);
  }

  /** Waits for what is under way and closes the connections. The store cannot be used again. */
  override close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#running).then(() => this.#connections.close());
    return this.#closing;
  }

  async #store(sql: string, key: string, value: string, ttlSeconds: number): Promise<Rows> {
    assertEntryKey(key);
    assertTtlSeconds(ttlSeconds);
    const ttl = Math.min(ttlSeconds, MAX_TTL_SECONDS);
    const rows = await this.#run(sql, [bytes(key), bytes(value), ttl]);
    if (--this.#writesUntilSweep <= 0 && !this.#sweeping && !this.#closing) this.#startSweep();
    return rows;
  }

  #startSweep(): void {
    this.#writesUntilSweep = WRITES_PER_SWEEP;
    this.#sweeping = true;
    this.#run(this.#sql.sweep)
      .catch(() => {
        // Nobody waits for the sweep. What hinders it hinders the next call too, and that one tells.
      })
      .finally(() => (this.#sweeping = false));
  }

  async #run(sql: string, values?: unknown[]): Promise<Rows> {
    if (this.#closing) throw new StorageError('The PostgresStore is closed.');
    const running = this.#guarded(sql, values);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async #guarded(sql: string, values?: unknown[]): Promise<Rows> {
    try {
      return await this.#persist(sql, values);
    } catch (thrown) {
      if (thrown instanceof ConfigurationError) throw thrown;
      const message = `The PostgresStore failed: ${describeError(thrown)}`;
      throw new StorageError(message, { cause: thrown });
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
    return this.#connections.use(async (run) => {
      if (!this.#setsIsolation) return run(sql, values);
      await run('BEGIN ISOLATION LEVEL READ COMMITTED');
      const rows = await run(sql, values);
      await run('COMMIT');
      return rows;
    });
  }

  /** Does something about it so that another attempt is due, or throws. */
  async #remedy(thrown: unknown): Promise<void> {
    const code = (thrown as { code?: unknown } | undefined)?.code;
    if (code === SERIALIZATION_FAILURE) this.#setsIsolation = true;
    else if (code === UNDEFINED_TABLE) await this.#createTable(thrown);
    else if (code !== DEADLOCK) throw thrown;
  }

  async #createTable(cause: unknown): Promise<void> {
    const { table, createTable } = this.#sql;
    if (!this.#createsTable) {
      const advice = 'make it with the SQL that PostgresStore.schemaSql() tells';
      throw new StorageError(`the table ${table} is missing: ${advice}`, { cause });
    }
    this.#creating ??= this.#connections
      .use((run) => run(createTable))
      .catch((error: unknown) => {
        const reason = describeError(error);
        throw new StorageError(`the table ${table} cannot be made: ${reason}`, { cause: error });
      })
      .finally(() => (this.#creating = undefined));
    await this.#creating;
  }
}

function bytes(text: string): Buffer {
  return Buffer.from(text);
}

function valueOf(rows: Rows): string | undefined {
  const { value } = (rows[0] ?? {}) as { value?: string | null };
  // PostgreSQL wraps base64 into lines, which decoding passes over.
  return typeof value === 'string' ? Buffer.from(value, 'base64').toString() : undefined;
}
