import { type ConfigurationIssue, StorageError } from '../common/errors.js';
import { KeyValueStore } from './key-value-store.js';

const maxSeconds = 60;

/**
 * Another store, for as long as it answers in time: what comes too late is a `StorageError`. A write
 * that was given up may still happen, at any later moment; so may one whose connection broke.
 */
export class TimeLimitedStore extends KeyValueStore {
  constructor(
    private readonly inner: KeyValueStore,
    private readonly seconds: number,
  ) {
    super();
  }

  /** What is wrong with the limit. */
  static issues(seconds: unknown, path: string): ConfigurationIssue[] {
    if (seconds === undefined) return [];
    if (typeof seconds === 'number' && seconds > 0 && seconds <= maxSeconds) return [];
    return [{ path, problem: `must be more than 0 and at most ${maxSeconds}` }];
  }

  get(key: string): Promise<string | undefined> {
    return this.#inTime('get', () => this.inner.get(key));
  }

  set(key: string, value: string, ttlSeconds: number): Promise<void> {
    return this.#inTime('set', () => this.inner.set(key, value, ttlSeconds));
  }

  add(key: string, value: string, ttlSeconds: number): Promise<boolean> {
    return this.#inTime('add', () => this.inner.add(key, value, ttlSeconds));
  }

  take(key: string): Promise<string | undefined> {
    return this.#inTime('take', () => this.inner.take(key));
  }

  delete(key: string): Promise<void> {
    return this.#inTime('delete', () => this.inner.delete(key));
  }

  /** Does not wait for ever either: the app has to close. */
  override async close(): Promise<void> {
    await this.#inTime('close', async () => this.inner.close?.());
  }

  // By hand: on the path of every guarded request a race of promises is the dearer way.
  #inTime<T>(operation: string, call: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const answer = Promise.resolve(call());
      const timer = setTimeout(() => {
        const problem = `did not answer within ${this.seconds} seconds`;
        reject(new StorageError(`The store ${problem} (${operation}).`));
      }, this.seconds * 1000);
      const inTime =
        <A>(settle: (outcome: A) => void) =>
        (outcome: A): void => {
          clearTimeout(timer);
          settle(outcome);
        };
      // The handlers stay on after the limit: a late rejection is nobody's unhandled one.
      answer.then(inTime(resolve), inTime(reject));
    });
  }
}
