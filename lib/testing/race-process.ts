// One process of a race: it makes its store, says that it is ready, and does as it is told.
import type { Awaitable } from '../common/awaitable.js';
import type { KeyValueStore } from '../storage/key-value-store.js';
import { DelayedStore } from './delayed-store.js';
import { raceKey, raceValue } from './race-message.js';
import type { RaceEntry, RaceNews, RaceRound } from './race-message.js';

/** How many calls a process has under way. */
const LANES = 50;

type StoreModule = {
  readonly createStore: (argument?: string) => Awaitable<KeyValueStore>;
};

const { storeModule, argument, racer, keys } = JSON.parse(process.argv[2] ?? '') as RaceEntry;
const { createStore } = (await import(storeModule)) as StoreModule;
const store = new DelayedStore(await createStore(argument), racer);
// Whatever a store does when first used, the race does not wait for it.
await store.get(raceKey(0));

process.on('message', (round: RaceRound) => void run(round));
tell('ready');

async function run(round: RaceRound): Promise<void> {
  if (round !== 'leave') return tell({ got: await tryEach(round) });
  await store.close();
  process.disconnect();
}

async function tryEach(round: 'add' | 'take'): Promise<[number, string][]> {
  const got: [number, string][] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < keys) {
      const key = next++;
      const value = await (round === 'add' ? added(key) : store.take(raceKey(key)));
      if (value !== undefined) got.push([key, value]);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return got;
}

async function added(key: number): Promise<string | undefined> {
  const value = raceValue(racer, key);
  return (await store.add(raceKey(key), value, 600)) ? value : undefined;
}

function tell(news: RaceNews): void {
  process.send?.(news);
}
