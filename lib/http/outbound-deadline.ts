import { OutboundError } from './outbound-error.js';

/**
 * Does the work of one call to its last byte, or ends it: by time, or by the caller's own signal.
 * @throws OutboundError, or the abort reason of the caller's own signal
 */
export async function withDeadline<T>(
  url: URL,
  seconds: number,
  caller: AbortSignal | null | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new Deadline(url, seconds, caller);
  try {
    return await deadline.race(work);
  } catch (error) {
    throw deadline.end(error);
  } finally {
    deadline.clear();
  }
}

/**
 * One end for a whole call. `AbortSignal.any` would do, but on Node 20 a timeout signal that only
 * it holds can be collected before it fires.
 */
class Deadline {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #origin: string;
  readonly #caller: AbortSignal | undefined;
  readonly #onCallerAbort = (): void => this.#controller.abort(this.#caller?.reason);

  constructor(url: URL, seconds: number, caller: AbortSignal | null | undefined) {
    this.#origin = url.origin;
    this.#caller = caller ?? undefined;
    const timeout = new OutboundError(`${url.origin} took longer than ${seconds} s.`, 'timeout');
    this.#timer = setTimeout(() => this.#controller.abort(timeout), seconds * 1000);
    this.#caller?.addEventListener('abort', this.#onCallerAbort);
    if (this.#caller?.aborted) this.#onCallerAbort();
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener('abort', this.#onCallerAbort);
  }

  /** The outcome, or the abort, whichever is first: a sender may be deaf to signals. */
  async race<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { signal } = this.#controller;
    signal.throwIfAborted();
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });
    return Promise.race([aborted, work(signal)]);
  }

  /** What the caller of the network gets to see of an error. */
  end(error: unknown): unknown {
    const { signal } = this.#controller;
    // A sender that hears the signal may have failed first, with an error of its own making.
    const reason: unknown = signal.aborted ? signal.reason : error;
    // Also ends a transfer that nobody reads any more.
    this.#controller.abort(reason);
    if (reason instanceof OutboundError || reason === this.#caller?.reason) return reason;
    return new OutboundError(`${this.#origin} could not be reached.`, 'network', { cause: reason });
  }
}
