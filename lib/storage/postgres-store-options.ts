import type { ConfigurationIssue } from '../common/errors.js';
import { unknownOptionIssues } from '../common/option-issues.js';

/** Where a `PostgresStore` keeps its entries. */
export interface PostgresTableOptions {
  /** An existing schema. @default the first one of the role's `search_path` */
  readonly schema?: string | undefined;
  /** At most 50 bytes; taken as it is, so upper case counts. @default 'mcp_auth' */
  readonly table?: string | undefined;
}

/** The options of `PostgresStore`. One of `url`, `poolOptions` and `pool` is needed. */
export interface PostgresStoreOptions extends PostgresTableOptions {
  /** `postgres://user:password@host/database`, with what is special percent-encoded. */
  readonly url?: string | undefined;
  /**
   * What else `new Pool()` of the package pg takes, as `ssl`, `max` or, instead of `url`, `host` and
   * `user`. `{}` alone connects to where the environment (`PGHOST`, …) says.
   */
  readonly poolOptions?: object | undefined;
  /** A pool of your own, instead of both; `close()` leaves it open. */
  readonly pool?: PostgresPool | undefined;
  /** Makes the table when it is missing. @default true */
  readonly createTable?: boolean | undefined;
  /** How long one attempt may take, connecting included. At most 60. @default 5 */
  readonly timeoutSeconds?: number | undefined;
}

/** What the store needs of a `Pool` of the package pg. */
export interface PostgresPool {
  /** Hands out a connection. */
  connect(): Promise<PostgresPoolClient>;
  /** Tells of connections that break while nobody uses them. */
  on(event: 'error', listener: (error: Error) => void): unknown;
  /** Takes the listener away. */
  off(event: 'error', listener: (error: Error) => void): unknown;
}

/** What the store needs of a `PoolClient` of the package pg. */
export interface PostgresPoolClient {
  /** Runs one statement. */
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly object[] }>;
  /** Gives the connection back, or has it closed. */
  release(destroy?: boolean): void;
  /** Tells when the connection breaks. */
  on(event: 'error', listener: (error: Error) => void): unknown;
  /** Takes the listener away. */
  off(event: 'error', listener: (error: Error) => void): unknown;
}

const KNOWN = ['url', 'poolOptions', 'pool', 'schema', 'table', 'createTable', 'timeoutSeconds'];

/** PostgreSQL cuts off what is longer than 63, and the name of the index begins with the table's. */
const MAX_NAME_BYTES = { schema: 63, table: 50 };

/** Every problem of the options; never their values. */
export function postgresStoreIssues(options: PostgresStoreOptions): ConfigurationIssue[] {
  const { url, poolOptions, pool, createTable, timeoutSeconds: seconds = 5 } = options;
  const issues = unknownOptionIssues('PostgresStore', options, KNOWN);
  const complain = (option: string, problem: string): void => {
    issues.push({ path: `PostgresStore.${option}`, problem });
  };
  if (url === undefined && poolOptions === undefined && pool === undefined) {
    complain('url', 'is needed, or poolOptions or pool instead');
  }
  if (url !== undefined && !isPostgresUrl(url)) {
    complain('url', 'must be a URL that begins with postgres:// or postgresql://');
  }
  if (poolOptions !== undefined && !isObject(poolOptions)) {
    complain('poolOptions', 'must be an object');
  }
  if (pool !== undefined && (url !== undefined || poolOptions !== undefined)) {
    complain('pool', 'stands alone: url and poolOptions are for a pool of the store');
  }
  if (pool !== undefined && !(isObject(pool) && typeof pool.connect === 'function')) {
    complain('pool', 'must be a Pool of the package pg');
  }
  if (createTable !== undefined && typeof createTable !== 'boolean') {
    complain('createTable', 'must be true or false');
  }
  if (!Number.isFinite(seconds) || seconds <= 0 || seconds > 60) {
    complain('timeoutSeconds', 'must be a number above 0, at most 60');
  }
  return [...issues, ...tableIssues(options)];
}

/** Every problem of the names. */
export function tableIssues(options: PostgresTableOptions): ConfigurationIssue[] {
  return (['schema', 'table'] as const).flatMap((option) => {
    const name: unknown = options[option];
    if (name === undefined || isName(name, MAX_NAME_BYTES[option])) return [];
    const problem = `must be a name of 1 to ${MAX_NAME_BYTES[option]} bytes`;
    return [{ path: `PostgresStore.${option}`, problem }];
  });
}

function isPostgresUrl(url: unknown): boolean {
  return typeof url === 'string' && /^postgres(ql)?:\/\//.test(url) && URL.canParse(url);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isName(name: unknown, maxBytes: number): boolean {
  if (typeof name !== 'string' || name === '' || /[\0\p{Surrogate}]/u.test(name)) return false;
  return Buffer.byteLength(name) <= maxBytes;
}
