import type { PostgresTableOptions } from './postgres-store-options.js';

/** The statements of a `PostgresStore`. */
export interface PostgresSql {
  /** The table's name as it stands in SQL. */
  readonly table: string;
  readonly get: string;
  readonly set: string;
  readonly add: string;
  readonly take: string;
  readonly delete: string;
  readonly sweep: string;
  readonly durability: string;
  readonly createTable: string;
}

/** Keys and values are bytes: text could not hold every character, nor compare the same anywhere. */
export function schemaSql(options: PostgresTableOptions): string {
  const { table = 'mcp_auth' } = options;
  const name = qualifiedName(options);
  // Entries come and go: dead rows are collected at a twentieth of the table instead of a fifth.
  return `CREATE TABLE IF NOT EXISTS ${name} (
  key bytea PRIMARY KEY,
  value bytea NOT NULL,
  expires_at timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX IF NOT EXISTS ${quoted(`${table}_expires_at`)} ON ${name} (expires_at);
`;
}

/**
 * Each is one statement, atomic in itself: under READ COMMITTED whoever waited for a row judges it
 * as it is by then. The time is the database's, one for all instances.
 */
export function postgresSql(options: PostgresTableOptions, sweepLimit: number): PostgresSql {
  const table = qualifiedName(options);
  const insert = `INSERT INTO ${table} AS entry (key, value, expires_at)
    SELECT $1::bytea, $2::bytea, clock_timestamp() + make_interval(secs => $3)`;
  const orReplace =
    'ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at';
  const isLive = 'expires_at > clock_timestamp()';
  return {
    table,
    get: `SELECT encode(value, 'base64') AS value FROM ${table}
      WHERE key = $1 AND ${isLive}`,
    set: `${insert} ${orReplace}`,
    // The first condition spares whoever comes late a write; the second decides between those who
    // come at once.
    add: `${insert} WHERE NOT EXISTS (SELECT FROM ${table} WHERE key = $1 AND ${isLive})
      ${orReplace} WHERE entry.expires_at <= clock_timestamp() RETURNING true AS added`,
    take: `DELETE FROM ${table} WHERE key = $1
      RETURNING CASE WHEN ${isLive} THEN encode(value, 'base64') END AS value`,
    delete: `DELETE FROM ${table} WHERE key = $1`,
    // What another instance sweeps or somebody writes is left alone, so nobody waits for a sweep
    // in turn with another.
    sweep: `DELETE FROM ${table} WHERE expires_at <= statement_timestamp() AND key = ANY (ARRAY(
      SELECT key FROM ${table} WHERE expires_at <= statement_timestamp()
      ORDER BY expires_at LIMIT ${sweepLimit} FOR UPDATE SKIP LOCKED))`,
    durability: `SELECT current_setting('fsync') AS fsync,
      current_setting('synchronous_commit') AS commit,
      (SELECT relpersistence = 'u' FROM pg_class WHERE oid = $1::regclass) AS unlogged`,
    // Without the lock instances that start at once would trip over each other's catalog entries.
    createTable: `BEGIN ISOLATION LEVEL READ COMMITTED;
      SELECT pg_advisory_xact_lock(${CREATION_LOCK});
      ${schemaSql(options)} COMMIT`,
  };
}

/** The letters `mcp_auth` as a number. */
const CREATION_LOCK = BigInt(`0x${Buffer.from('mcp_auth').toString('hex')}`);

function qualifiedName({ schema, table = 'mcp_auth' }: PostgresTableOptions): string {
  return schema === undefined ? quoted(table) : `${quoted(schema)}.${quoted(table)}`;
}

function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}
