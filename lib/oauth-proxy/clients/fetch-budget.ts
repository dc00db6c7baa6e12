import type { EndpointRequest } from '../../http/endpoint.js';

/** Too much is being fetched already; later it may be possible. */
export class FetchBudgetExceeded extends Error {}

/** How much may be fetched at a time. */
export interface FetchBudgetLimits {
  readonly maxRunning: number;
  readonly maxRunningOfOrigin: number;
}

/** How often one address may make the server fetch what nobody uses yet. */
export interface LookupLimit {
  /** @throws OAuthError with status 429 where it was too often; StorageError */
  assertCounted(request: EndpointRequest): Promise<void>;
}

/** What strangers can make the server fetch at a time. */
export const strangersBudget: FetchBudgetLimits = { maxRunning: 20, maxRunningOfOrigin: 4 };

/** What the clients that people use can; nothing that strangers do counts here. */
export const usersBudget: FetchBudgetLimits = { maxRunning: 50, maxRunningOfOrigin: 4 };

/**
 * How much is fetched at a time, in all and of one origin. What went wrong is not held against an
 * origin: whoever asks for what it does not have would keep others from what it has.
 */
export class FetchBudget {
  #running = 0;
  readonly #runningOfOrigin = new Map<string, number>();

  constructor(private readonly limits: FetchBudgetLimits) {}

  /** @throws FetchBudgetExceeded without having begun, or what the action throws */
  async spend<T>(origin: string, action: () => Promise<T>): Promise<T> {
    const { maxRunning, maxRunningOfOrigin } = this.limits;
    const running = this.#runningOfOrigin.get(origin) ?? 0;
    if (this.#running >= maxRunning || running >= maxRunningOfOrigin) {
      throw new FetchBudgetExceeded('Too many documents are being fetched.');
    }
    this.#running += 1;
    this.#runningOfOrigin.set(origin, running + 1);
    try {
      return await action();
    } finally {
      this.#end(origin);
    }
  }

  // No more origins than run, so this map needs no other bound.
  #end(origin: string): void {
    this.#running -= 1;
    const running = (this.#runningOfOrigin.get(origin) ?? 1) - 1;
    if (running > 0) this.#runningOfOrigin.set(origin, running);
    else this.#runningOfOrigin.delete(origin);
  }
}
