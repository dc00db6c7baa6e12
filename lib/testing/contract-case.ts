import type { KeyValueStore } from '../storage/key-value-store.js';

/** What a case of the contract tries: an empty store. */
export interface ContractSubject {
  readonly store: KeyValueStore;
  /** Lets so many seconds pass for the store. */
  readonly passTime: (seconds: number) => Promise<void>;
}

/** One sentence of the contract, and how to find out whether a store keeps it. */
export interface ContractClause {
  readonly name: string;
  readonly holds: (subject: ContractSubject) => Promise<void>;
}

/** Who act at the same time in a race. */
export const RACERS: readonly number[] = Array.from({ length: 50 }, (_, i) => i);
