import type { Awaitable } from '../common/awaitable.js';
import type { KeyValueStore } from '../storage/key-value-store.js';
import type { ContractClause } from './contract-case.js';
import { DelayedStore } from './delayed-store.js';
import { ENTRY_CLAUSES } from './entry-clauses.js';
import { ManualClock } from './manual-clock.js';
import { RACE_CLAUSES } from './race-clauses.js';
import { TEXT_CLAUSES } from './text-clauses.js';
import { TIME_CLAUSES } from './time-clauses.js';

/** What `keyValueStoreContract` needs to know of a store. */
export interface KeyValueStoreContractOptions {
  /** Makes an empty store for a case, which closes it. One that goes by the app's time takes the clock. */
  readonly createStore: (clock: ManualClock) => Awaitable<KeyValueStore>;
  /** Lets so many seconds pass, for a store that goes by another time. @default moves the clock */
  readonly passTime?: ((seconds: number) => Awaitable<void>) | undefined;
}

/** A test: its name, which ends the sentence "A store …", and what to run. It rejects when it fails. */
export interface ContractCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/**
 * What every `KeyValueStore` must do, as cases for any test runner:
 * `for (const { name, run } of keyValueStoreContract({ createStore })) it(name, run);`
 *
 * The races are run twice, the second time with 0 to 20 ms before and after each call. Races between
 * processes are `raceInProcesses`.
 */
export function keyValueStoreContract(
  options: KeyValueStoreContractOptions,
): readonly ContractCase[] {
  const near = [...ENTRY_CLAUSES, ...TEXT_CLAUSES, ...TIME_CLAUSES, ...RACE_CLAUSES];
  return [
    ...near.map((clause) => caseOf(clause, options, (store) => store)),
    ...RACE_CLAUSES.map((clause) =>
      caseOf(
        { ...clause, name: `${clause.name}, from a distance` },
        options,
        (store) => new DelayedStore(store, clause.name.length),
      ),
    ),
  ];
}

function caseOf(
  { name, holds }: ContractClause,
  { createStore, passTime }: KeyValueStoreContractOptions,
  at: (store: KeyValueStore) => KeyValueStore,
): ContractCase {
  const run = async (): Promise<void> => {
    const clock = new ManualClock();
    const store = at(await createStore(clock));
    try {
      await holds({
        store,
        passTime: async (seconds) => {
          await (passTime ? passTime(seconds) : clock.advance(seconds));
        },
      });
    } finally {
      await store.close?.();
    }
  };
  return { name, run };
}
