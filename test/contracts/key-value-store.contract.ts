import { describe, it } from '@jest/globals';
import type { KeyValueStore } from '../../lib/storage/key-value-store.js';
import { keyValueStoreContract } from '../../lib/testing.js';
import type { ManualClock } from '../../lib/testing.js';

export interface ContractContext {
  /** The clock the store must go by, if it goes by one. */
  readonly clock: ManualClock;
}

export interface ContractOptions {
  /** Lets time pass for the store. @default moves the clock of the context */
  readonly passTime?: (context: ContractContext, seconds: number) => Promise<void> | void;
}

/** The contract as Jest's tests. The factory makes an empty store for each, which closes it. */
export function describeKeyValueStoreContract(
  name: string,
  factory: (context: ContractContext) => Promise<KeyValueStore>,
  { passTime }: ContractOptions = {},
): void {
  let context: ContractContext;
  const cases = keyValueStoreContract({
    createStore: (clock) => {
      context = { clock };
      return factory(context);
    },
    passTime: passTime && ((seconds) => passTime(context, seconds)),
  });
  describe(`${name} keeps the KeyValueStore contract:`, () => {
    for (const { name: sentence, run } of cases) it(sentence, run);
  });
}
