import { LmdbStore } from '../../lib/storage/lmdb.store.js';

/** For the processes of a race: a store in that folder. */
export function createStore(path: string): LmdbStore {
  return new LmdbStore({ path });
}
