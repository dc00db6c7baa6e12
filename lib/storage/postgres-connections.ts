import { ConfigurationError, StorageError, describeError } from '../common/errors.js';
import { late, within } from '../common/within.js';
import type {
  PostgresPool,
  PostgresPoolClient,
  PostgresStoreOptions,
} from './postgres-store-options.js';

/** The rows of an answer. */
export type Rows = readonly object[];

/** Runs the statements of the work one after the other, on one connection. */
export type Run = (text: string, values?: unknown[]) => Promise<Rows>;

interface OpenPool {
  readonly pool: PostgresPool;
  readonly end: () => Promise<unknown>;
}

/**
 * Connections of a pool, each used for one piece of work. One that fails or answers late is closed
 * and not used again, so that no answer is ever taken for that of another statement.
 */
export class PostgresConnections {
  readonly #options: PostgresStoreOptions;
  readonly #timeoutSeconds: number;
  #opening: Promise<OpenPool> | undefined;

  constructor(options: PostgresStoreOptions) {
    this.#options = options;
    this.#timeoutSeconds = options.timeoutSeconds ?? 5;
  }

  /** Lends the work a connection. What it rejects with is what the work or the driver threw. */
  async use<T>(work: (run: Run) => Promise<T>): Promise<T> {
    const client = await this.#connect();
    client.on('error', ignore);
    let sound = false;
    try {
      const result = await work((text, values) => this.#run(client, text, values));
      sound = true;
      return result;
    } finally {
      client.release(!sound);
      client.off('error', ignore);
    }
  }

  /** Closes the pool, if it is the store's own. */
  async close(): Promise<void> {
    const open = await this.#opening?.catch(() => undefined);
    if (open === undefined) return;
    await within(open.end(), this.#timeoutSeconds);
    open.pool.off('error', ignore);
  }

  async #connect(): Promise<PostgresPoolClient> {
    const { pool } = await this.#open();
    const connecting = pool.connect();
    const client = await within(connecting, this.#timeoutSeconds);
    if (client !== late) return client;
    connecting.then((unused) => unused.release(), ignore);
    throw new StorageError(`no connection within ${this.#timeoutSeconds} s`);
  }

  async #run(client: PostgresPoolClient, text: string, values?: unknown[]): Promise<Rows> {
    const answer = await within(client.query(text, values), this.#timeoutSeconds);
    if (answer === late) throw new StorageError(`no answer within ${this.#timeoutSeconds} s`);
    return answer.rows;
  }

  #open(): Promise<OpenPool> {
    this.#opening ??= openPool(this.#options, this.#timeoutSeconds);
    return this.#opening;
  }
}

async function openPool(options: PostgresStoreOptions, seconds: number): Promise<OpenPool> {
  const { pool: given, url, poolOptions } = options;
  if (given !== undefined) {
    given.on('error', ignore);
    return { pool: given, end: () => Promise.resolve() };
  }
  const { Pool } = await importPg();
  const pool = new Pool({
    connectionTimeoutMillis: seconds * 1000,
    keepAlive: true,
    allowExitOnIdle: true,
    fallback_application_name: 'nestjs-mcp-multi-auth',
    ...poolOptions,
    ...(url === undefined ? {} : { connectionString: url }),
  });
  pool.on('error', ignore);
  return { pool, end: () => pool.end() };
}

/** For the errors of idle connections: unheard, they would end the process. Calls tell of theirs. */
function ignore(): void {}

async function importPg(): Promise<Pick<typeof import('pg'), 'Pool'>> {
  try {
    // Older versions have no named exports.
    return (await import('pg')).default;
  } catch (thrown) {
    const missing = (thrown as NodeJS.ErrnoException | undefined)?.code === 'ERR_MODULE_NOT_FOUND';
    const problem = missing
      ? 'PostgresStore needs the package pg: npm install pg'
      : `PostgresStore cannot load the package pg: ${describeError(thrown)}`;
    throw new ConfigurationError([{ path: 'storage', problem }]);
  }
}
