import type { PostgresStoreOptions } from '../../lib/storage/postgres-store-options.js';
import { PostgresStore } from '../../lib/storage/postgres.store.js';

/** For the processes of a race: a store with these options, in JSON. */
export function createStore(options: string): PostgresStore {
  return new PostgresStore(JSON.parse(options) as PostgresStoreOptions);
}
