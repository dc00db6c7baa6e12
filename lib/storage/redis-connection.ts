import type { Redis } from 'ioredis';
import {
  ConfigurationError,
  MultiAuthError,
  StorageError,
  describeError,
} from '../common/errors.js';
import { late, within } from '../common/within.js';
import { openRedisClient, untilConnected } from './redis-client.js';
import type { RedisClient } from './redis-client.js';
import type { RedisStoreOptions } from './redis-store-options.js';

/** The events by which ioredis tells why it is not connected. */
const TROUBLES = ['error', 'node error'] as const;

/** Sends commands to Redis: each once, within a time limit, and with one kind of failure. */
export class RedisConnection {
  readonly #options: RedisStoreOptions;
  readonly #timeoutSeconds: number;
  readonly #running = new Set<Promise<unknown>>();
  #opening: Promise<RedisClient> | undefined;
  #connecting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #trouble: string | undefined;

  constructor(options: RedisStoreOptions) {
    this.#options = options;
    this.#timeoutSeconds = options.timeoutSeconds ?? 5;
  }

  /**
   * Sends the command once the client is connected, and answers what Redis does.
   *
   * @throws StorageError when Redis refuses or does not answer; it may have done the work then.
   * @throws ConfigurationError when Redis does not know the command.
   */
  async run<T>(command: (client: RedisClient) => Promise<T>): Promise<T> {
    if (this.#closing) throw new StorageError('The RedisStore is closed.');
    const running = this.#answerOf(command);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Waits for what is under way and disconnects, unless the client is the app's own. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#running);
    const client = await this.#opening?.catch(() => undefined);
    if (!client) return;
    if (this.#options.client) {
      for (const event of TROUBLES) client.off(event, this.#note);
      client.off('ready', this.#forget);
      return;
    }
    const ended = new Promise((resolve) => {
      client.once('end', resolve);
    });
    // Between two attempts to connect there is nothing to end, and no event would tell of it.
    const isConnected = client.status !== 'reconnecting' && client.status !== 'end';
    for (const { stream } of 'nodes' in client ? client.nodes() : [client]) {
      // ioredis hears one error of a socket; a TLS handshake that is broken off may have another.
      (stream as Redis['stream'] | undefined)?.on('error', () => {});
    }
    client.disconnect();
    if (isConnected) await within(ended, 1);
  }

  async #answerOf<T>(command: (client: RedisClient) => Promise<T>): Promise<T> {
    let isAwaited = true;
    const send = async (): Promise<T | typeof late> => {
      const client = await this.#connected();
      // Whoever gave up has said so: it must not happen after that.
      return isAwaited ? command(client) : late;
    };
    try {
      const answer = await within(send(), this.#timeoutSeconds);
      if (answer !== late) return answer;
    } catch (thrown) {
      throw this.#failure(thrown);
    } finally {
      isAwaited = false;
    }
    const trouble = this.#trouble === undefined ? '' : `: ${this.#trouble}`;
    throw new StorageError(`Redis did not answer in ${this.#timeoutSeconds} s${trouble}`);
  }

  async #connected(): Promise<RedisClient> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    const client = await this.#opening;
    if (client.status === 'ready') return client;
    this.#connecting ??= untilConnected(client).finally(() => {
      this.#connecting = undefined;
    });
    await this.#connecting;
    return client;
  }

  async #open(): Promise<RedisClient> {
    const client =
      this.#options.client ?? (await openRedisClient(this.#options, this.#timeoutSeconds));
    for (const event of TROUBLES) client.on(event, this.#note);
    client.on('ready', this.#forget);
    return client;
  }

  readonly #note = (error: Error & { readonly lastNodeError?: unknown }): void => {
    this.#trouble = describeError(error.lastNodeError ?? error);
  };

  readonly #forget = (): void => {
    this.#trouble = undefined;
  };

  /** No error of ioredis becomes a cause: it holds the command, and with it any password. */
  #failure(thrown: unknown): MultiAuthError {
    if (thrown instanceof MultiAuthError) return thrown;
    if (!(thrown instanceof Error) || thrown.name !== 'ReplyError') {
      const trouble = this.#trouble ?? 'the connection was lost before the answer came';
      return new StorageError(`Redis cannot be reached: ${trouble}`);
    }
    if (/unknown command/i.test(thrown.message)) {
      const problem = 'needs Redis 6.2 or later, which has the command GETDEL';
      return new ConfigurationError([{ path: 'RedisStore', problem }]);
    }
    return new StorageError(`Redis refused: ${thrown.message}`);
  }
}
