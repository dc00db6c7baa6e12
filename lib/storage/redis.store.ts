import { ConfigurationError, StorageError } from '../common/errors.js';
import { assertEntryKey, assertTtlSeconds } from './entry-rules.js';
import { KeyValueStore } from './key-value-store.js';
import { RedisConnection } from './redis-connection.js';
import { redisStoreOptionIssues, resendingIssues } from './redis-store-options.js';
import type { RedisStoreOptions } from './redis-store-options.js';

/**
 * Keeps records in Redis 6.2 or later (or Valkey), by the package `ioredis`: for several instances
 * of an app. It must be configured to evict nothing (`maxmemory-policy noeviction`).
 *
 * No command is ever sent twice, so a call that failed may have been carried out when the
 * connection broke before its answer came. The store reconnects by itself.
 */
export class RedisStore extends KeyValueStore {
  readonly #connection: RedisConnection;
  readonly #keyPrefix: string;

  /** @throws ConfigurationError when an option is wrong, or `client` may send a command twice. */
  constructor(options: RedisStoreOptions) {
    super();
    const { client, keyPrefix } = options;
    ConfigurationError.assertNone([
      ...redisStoreOptionIssues(options),
      ...(client ? resendingIssues(client, 'RedisStore.client.options') : []),
    ]);
    this.#connection = new RedisConnection({ ...options });
    this.#keyPrefix = keyPrefix ?? 'mcp-auth:';
  }

  async get(key: string): Promise<string | undefined> {
    const name = this.#nameOf(key);
    return (await this.#connection.run((client) => client.get(name))) ?? undefined;
  }

  async set(key: string, value: string, ttlSeconds: number): Promise<void> {
    const name = this.#nameOf(key);
    assertTtlSeconds(ttlSeconds);
    await this.#connection.run((client) => client.set(name, value, 'EX', ttlSeconds));
  }

  async add(key: string, value: string, ttlSeconds: number): Promise<boolean> {
    const name = this.#nameOf(key);
    assertTtlSeconds(ttlSeconds);
    const answer = await this.#connection.run((client) =>
      client.set(name, value, 'EX', ttlSeconds, 'NX'),
    );
    return answer === 'OK';
  }

  async take(key: string): Promise<string | undefined> {
    const name = this.#nameOf(key);
    return (await this.#connection.run((client) => client.getdel(name))) ?? undefined;
  }

  async delete(key: string): Promise<void> {
    const name = this.#nameOf(key);
    await this.#connection.run((client) => client.del(name));
  }

  /**
   * Warns of a Redis that cannot be reached, and of one that evicts.
   *
   * @throws ConfigurationError when ioredis is missing or Redis is older than 6.2.
   */
  override async check(): Promise<readonly string[]> {
    try {
      await this.take('check');
    } catch (error) {
      // What is down at the start comes back as what goes down later does.
      if (error instanceof StorageError) return [error.message];
      throw error;
    }
    const policy = await this.#evictionPolicy();
    return policy === 'noeviction'
      ? []
      : [
          `Redis drops records when its memory is full (maxmemory-policy ${policy}): what was used ` +
            'or revoked may then be accepted again; the policy must be noeviction',
        ];
  }

  /** Waits for what is under way and disconnects, unless the client is the app's own. */
  override close(): Promise<void> {
    return this.#connection.close();
  }

  async #evictionPolicy(): Promise<string> {
    // Not everyone may ask.
    const memory = await this.#connection.run((client) => client.info('memory')).catch(() => '');
    return /^maxmemory_policy:(\S+)/m.exec(memory)?.[1] ?? 'noeviction';
  }

  #nameOf(key: string): string {
    assertEntryKey(key);
    return this.#keyPrefix + key;
  }
}
