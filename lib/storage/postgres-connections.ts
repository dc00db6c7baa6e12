import { ConfigurationError, StorageError, describeError } from '../common/errors.js';
import { late, within } from '../common/within.js';
import type {
  PostgresPool,
  PostgresPoolClient,
  PostgresStoreOptions,
} from './postgres-store-options.js';

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

  /**
   * Lends the work a connection. What it rejects with is what the work or the driver threw, or that
   * the time was up: work that has not begun by then never does.
   */
  async use<T>(work: (client: PostgresPoolClient) => Promise<T>): Promise<T> {
    const { pool } = await this.#open();
    const loan = new Loan();
    const result = await within(loan.use(pool, work), this.#timeoutSeconds);
    if (result !== late) return result;
    loan.cancel();
    throw new StorageError(`no answer within ${this.#timeoutSeconds} s`);
  }

  /** Closes the pool, if it is the store's own. */
  async close(): Promise<void> {
    const open = await this.#opening?.catch(() => undefined);
    if (open !== undefined) await within(open.end(), this.#timeoutSeconds);
  }

  #open(): Promise<OpenPool> {
    this.#opening ??= openPool(this.#options, this.#timeoutSeconds);
    return this.#opening;
  }
}

/** One use of a connection, which can be ended while it lasts. */
class Loan {
  #client: PostgresPoolClient | undefined;
  #isCancelled = false;

  async use<T>(
    pool: PostgresPool,
    work: (client: PostgresPoolClient) => Promise<T>,
  ): Promise<T | typeof late> {
    const client = await pool.connect();
    client.on('error', ignore);
    this.#client = client;
    let isSound = false;
    try {
      const result = this.#isCancelled ? late : await work(client);
      isSound = true;
      return result;
    } finally {
      this.#giveBack(isSound);
    }
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#giveBack(false);
  }

  #giveBack(isSound: boolean): void {
    const client = this.#client;
    this.#client = undefined;
    client?.release(!isSound);
    client?.off('error', ignore);
  }
}

async function openPool(options: PostgresStoreOptions, seconds: number): Promise<OpenPool> {
  const { pool: given, url, poolOptions } = options;
  if (given !== undefined) {
    given.on('error', ignore);
    return { pool: given, end: async () => given.off('error', ignore) };
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
