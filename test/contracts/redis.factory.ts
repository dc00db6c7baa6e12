import { RedisStore } from '../../lib/storage/redis.store.js';

/** For the processes of a race: a store at `<url> <prefix of the keys>`. */
export function createStore(place: string): RedisStore {
  const [url = '', keyPrefix] = place.split(' ');
  return new RedisStore({ url, keyPrefix });
}
