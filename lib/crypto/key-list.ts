import type { Awaitable } from '../common/awaitable.js';
import type { Clock } from '../common/clock.js';
import { ConfigurationError, describeError } from '../common/errors.js';
import type { ConfigurationIssue } from '../common/errors.js';
import { frozenCopy } from '../common/frozen-copy.js';

/** Keys as an operator gives them: a list, or a function that tells which are in force. */
export type KeyListSource<T> = readonly T[] | (() => Awaitable<readonly T[]>);

/** What a `KeyList` must know beside its source. */
export interface KeyListRules {
  /** The option it stands for. */
  readonly path: string;
  /** What is wrong with a list; without its values. */
  readonly issues: (keys: unknown) => readonly ConfigurationIssue[];
  readonly clock: Clock;
  /** Hears why the keys in force were kept. */
  readonly onFailure: (reason: string) => void;
}

const askAgainSeconds = 60;
const answerMilliseconds = 10_000;

/**
 * The keys in force, the first of which signs. A function is asked at the start and then about once
 * a minute, used or not: so keys come and go without a restart, and an instance that was idle does
 * not come back with keys that are no more. An answer that cannot be used changes nothing.
 */
export class KeyList<T> {
  #keys: readonly T[] | undefined;
  #askedAt = 0;
  #turn: Promise<void> = Promise.resolve();
  readonly #source: KeyListSource<T>;
  readonly #rules: KeyListRules;
  #timer: NodeJS.Timeout | undefined;

  private constructor(source: KeyListSource<T>, rules: KeyListRules) {
    this.#source = source;
    this.#rules = rules;
  }

  /** @throws ConfigurationError when there are no usable keys. */
  static async load<T>(source: KeyListSource<T>, rules: KeyListRules): Promise<KeyList<T>> {
    const list = new KeyList(source, rules);
    await list.reload();
    list.#keepAsking();
    return list;
  }

  /** Asks no more. */
  stop(): void {
    clearInterval(this.#timer);
  }

  /** The keys; the same array as long as they are the same keys. */
  get current(): readonly T[] {
    if (!this.#keys) throw new Error('unreachable: a list is loaded before it is used');
    if (this.#isDue()) {
      this.reload().catch(() => {
        // Nobody waits for it; `onFailure` was told.
      });
    }
    return this.#keys;
  }

  /**
   * Asks for the keys now.
   * @throws ConfigurationError when the answer cannot be used; the keys in force stay
   */
  reload(): Promise<void> {
    this.#askedAt = this.#rules.clock.now();
    // One question at a time: the later answer is the one that counts.
    const turn = this.#turn.then(() => this.#ask());
    this.#turn = turn.catch(() => {});
    return turn;
  }

  #keepAsking(): void {
    if (typeof this.#source !== 'function') return;
    this.#timer = setInterval(() => {
      this.reload().catch(() => {
        // Nobody waits for it; `onFailure` was told.
      });
    }, askAgainSeconds * 1000);
    // Keys alone keep no process running.
    this.#timer.unref();
  }

  #isDue(): boolean {
    if (typeof this.#source !== 'function') return false;
    return Math.abs(this.#rules.clock.now() - this.#askedAt) >= askAgainSeconds;
  }

  async #ask(): Promise<void> {
    try {
      const answer = await this.#answer();
      ConfigurationError.assertNone(this.#rules.issues(answer));
      const keys = frozenCopy(answer);
      if (JSON.stringify(keys) !== JSON.stringify(this.#keys)) this.#keys = keys;
    } catch (error) {
      if (this.#keys) this.#rules.onFailure(describeError(error));
      throw error;
    }
  }

  async #answer(): Promise<readonly T[]> {
    const source = this.#source;
    if (typeof source !== 'function') return source;
    let timer: NodeJS.Timeout | undefined;
    try {
      const late = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => reject(new Error('no answer in time')), answerMilliseconds);
      });
      return await Promise.race([(async () => source())(), late]);
    } catch (error) {
      const problem = `the function failed: ${describeError(error)}`;
      throw new ConfigurationError([{ path: this.#rules.path, problem }]);
    } finally {
      clearTimeout(timer);
    }
  }
}
