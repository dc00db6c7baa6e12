import { KeyValueStore } from '../../lib/storage/key-value-store.js';
import type { StoreOperation } from './store-spy.js';

/**
 * What goes wrong with one call: it is not done; it is done and the answer is lost; it is not done and
 * nothing is heard; nothing is heard and it is done later; the answer is no record, or another record.
 */
export const storeFaults = [
  'fails',
  'loses the answer',
  'hangs',
  'hangs and then does it',
  'answers garbage',
  'answers with another record',
] as const;

export type StoreFault = (typeof storeFaults)[number];

/** A fault that was ordered: which call it struck, as `get client`, and how it ends. */
export interface ArmedFault {
  readonly struck: string | undefined;
  /** What hung goes on, and an order that struck nothing is forgotten. */
  end(): void;
}

interface Order extends ArmedFault {
  readonly fault: StoreFault;
  left: number;
  struck: string | undefined;
  readonly ended: Promise<void>;
}

/** A store of which any one call, whatever its operation, goes wrong. */
export class FaultyStore extends KeyValueStore {
  #order: Order | undefined;
  /** By the collection: a value that was read before, and its key. */
  readonly #read = new Map<string, Map<string, string>>();

  constructor(private readonly inner: KeyValueStore) {
    super();
  }

  /** The nth call from now on goes wrong. */
  arm(nth: number, fault: StoreFault): ArmedFault {
    let resolve = (): void => {};
    const ended = new Promise<void>((done) => (resolve = done));
    const order: Order = {
      fault,
      left: nth,
      struck: undefined,
      ended,
      end: () => {
        if (this.#order === order) this.#order = undefined;
        resolve();
      },
    };
    this.#order = order;
    return order;
  }

  get(key: string): Promise<string | undefined> {
    return this.#call('get', key, () => this.inner.get(key));
  }

  set(key: string, value: string, ttlSeconds: number): Promise<void> {
    return this.#call('set', key, () => this.inner.set(key, value, ttlSeconds));
  }

  add(key: string, value: string, ttlSeconds: number): Promise<boolean> {
    return this.#call('add', key, () => this.inner.add(key, value, ttlSeconds));
  }

  take(key: string): Promise<string | undefined> {
    return this.#call('take', key, () => this.inner.take(key));
  }

  delete(key: string): Promise<void> {
    return this.#call('delete', key, () => this.inner.delete(key));
  }

  override async close(): Promise<void> {
    await this.inner.close?.();
  }

  async #call<T>(operation: StoreOperation, key: string, run: () => Promise<T>): Promise<T> {
    const order = this.#order;
    if (!order || --order.left > 0) return this.#noted(key, await run());
    this.#order = undefined;
    order.struck = `${operation} ${collectionOf(key)}`;
    switch (order.fault) {
      case 'fails':
        throw new Error('the store is down');
      case 'loses the answer':
        await run();
        throw new Error('the connection to the store broke');
      case 'hangs':
        return new Promise(() => {});
      case 'hangs and then does it':
        await order.ended;
        return run();
      case 'answers garbage':
      case 'answers with another record':
        return this.#misread(order.fault, key, await run());
    }
  }

  /** Only a text can be another one: what else a store answers is yes, no or nothing. */
  #misread<T>(fault: StoreFault, key: string, answer: T): T {
    if (typeof answer === 'boolean') return answer;
    const others = this.#read.get(collectionOf(key)) ?? new Map<string, string>();
    const other = [...others].find(([itsKey]) => itsKey !== key)?.[1];
    return (fault === 'answers garbage' ? 'v1.\u0000{"not": a record' : other) as T;
  }

  #noted<T>(key: string, answer: T): T {
    if (typeof answer === 'string') {
      const collection = collectionOf(key);
      const known = this.#read.get(collection) ?? new Map<string, string>();
      this.#read.set(collection, known.set(key, answer));
    }
    return answer;
  }
}

function collectionOf(key: string): string {
  return key.split(':')[0] ?? '';
}
