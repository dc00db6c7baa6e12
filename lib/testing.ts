export {
  type ContractCase,
  keyValueStoreContract,
  type KeyValueStoreContractOptions,
} from './testing/key-value-store-contract.js';
export { ManualClock } from './testing/manual-clock.js';
export { raceInProcesses, type RaceOptions, type RaceReport } from './testing/race-in-processes.js';
