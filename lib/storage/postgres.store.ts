import { ConfigurationError, StorageError } from '../common/errors.js';
import { assertEntryKey, assertTtlSeconds } from './entry-rules.js';
import { KeyValueStore } from './key-value-store.js';
import { postgresSql, schemaSql } from './postgres-sql.js';
import type { PostgresSql } from './postgres-sql.js';
import { PostgresStatements, sqlState } from './postgres-statements.js';
import type { Rows } from './postgres-statements.js';
import { postgresStoreIssues, tableIssues } from './postgres-store-options.js';
import type { PostgresStoreOptions, PostgresTableOptions } from './postgres-store-options.js';

/** Each write pays for this many expired entries, so that a sweep outruns what is added. */
const SWEPT_PER_WRITE = 4;
const WRITES_PER_SWEEP = 64;

/** More than 3000 years. A timestamp of the database ends some time after. */
const MAX_TTL_SECONDS = 1e11;

/** Wrong password, no such database or schema, no rights or another table: no waiting mends it. */
const WRONG_SET_UP = /^(28|3D|3F|42)/;

/**
 * Keeps records in a table of PostgreSQL 12 or later, by the package `pg`: for several instances of
 * an app. The time is the database's. Works behind PgBouncer, in transaction mode too.
 *
 * A call whose connection broke or whose answer came too late throws, though the database may have
 * done what was asked, or may do it yet. Connections are made anew when they are next needed.
 */
export class PostgresStore extends KeyValueStore {
  readonly #statements: PostgresStatements;
  readonly #sql: PostgresSql;
  #isSweeping = false;
  #writesUntilSweep = WRITES_PER_SWEEP;

  /** @throws ConfigurationError when an option cannot be used, or nothing says where to connect. */
  constructor(options: PostgresStoreOptions) {
    super();
    ConfigurationError.assertNone(postgresStoreIssues(options));
    this.#sql = postgresSql(options, WRITES_PER_SWEEP * SWEPT_PER_WRITE);
    this.#statements = new PostgresStatements({ ...options }, this.#sql);
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
    return valueOf(await this.#statements.run(this.#sql.get, [bytes(key)]));
  }

  async set(key: string, value: string, ttlSeconds: number): Promise<void> {
    await this.#write(this.#sql.set, key, value, ttlSeconds);
  }

  async add(key: string, value: string, ttlSeconds: number): Promise<boolean> {
    const added = await this.#write(this.#sql.add, key, value, ttlSeconds);
    return added.length > 0;
  }

  async take(key: string): Promise<string | undefined> {
    assertEntryKey(key);
    return valueOf(await this.#statements.run(this.#sql.take, [bytes(key)]));
  }

  async delete(key: string): Promise<void> {
    assertEntryKey(key);
    await this.#statements.run(this.#sql.delete, [bytes(key)]);
  }

  /**
   * Warns of a database that cannot be reached, and of one that may forget what it confirmed.
   *
   * @throws ConfigurationError when pg or the table is missing, or what is there must not be used.
   */
  override async check(): Promise<readonly string[]> {
    try {
      await this.set('check', '', 1);
      await this.take('check');
      return doubtsOf(await this.#statements.run(this.#sql.durability, [this.#sql.table]));
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      // What is down at the start comes back as what goes down later does.
      if (!WRONG_SET_UP.test(sqlState(error.cause) ?? '')) return [error.message];
      throw new ConfigurationError([{ path: 'PostgresStore', problem: error.message }]);
    }
  }

  /** Waits for what is under way and closes the connections. The store cannot be used again. */
  override close(): Promise<void> {
    return this.#statements.close();
  }

  async #write(sql: string, key: string, value: string, ttlSeconds: number): Promise<Rows> {
    assertEntryKey(key);
    assertTtlSeconds(ttlSeconds);
    const ttl = Math.min(ttlSeconds, MAX_TTL_SECONDS);
    const rows = await this.#statements.run(sql, [bytes(key), bytes(value), ttl]);
    if (--this.#writesUntilSweep <= 0 && !this.#isSweeping) this.#startSweep();
    return rows;
  }

  #startSweep(): void {
    this.#writesUntilSweep = WRITES_PER_SWEEP;
    this.#isSweeping = true;
    this.#statements
      .run(this.#sql.sweep)
      .catch(() => {
        // Nobody waits for the sweep. What hinders it hinders the next call too, and that one tells.
      })
      .finally(() => (this.#isSweeping = false));
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

function doubtsOf(rows: Rows): readonly string[] {
  const { commit, fsync, unlogged } = (rows[0] ?? {}) as Readonly<Record<string, unknown>>;
  const doubts: string[] = [];
  if (commit === 'off' || fsync === 'off') {
    const setting = fsync === 'off' ? 'fsync' : 'synchronous_commit';
    doubts.push(
      `PostgreSQL may lose what it confirmed when it crashes (${setting} is off): what was used or ` +
        'revoked may then be accepted again',
    );
  }
  if (unlogged === true) {
    doubts.push('The table is UNLOGGED: when PostgreSQL crashes, everybody has to log in again');
  }
  return doubts;
}
