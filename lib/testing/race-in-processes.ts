import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { extname } from 'node:path';
import { raceValue } from './race-message.js';
import type { RaceEntry, RaceNews, RaceRound } from './race-message.js';

/** A race of several processes for the entries of one store. */
export interface RaceOptions {
  /**
   * The module, such as `new URL('./my-store.factory.js', import.meta.url)`, that exports
   * `createStore(argument)`: it makes, in each process, a store of the same entries.
   */
  readonly storeModule: URL | string;
  /** Handed to `createStore`: where the entries are, such as a folder or a prefix of keys. */
  readonly argument?: string | undefined;
  /** @default 4 */
  readonly processes?: number | undefined;
  /** How often, by all processes together, `add` is tried, and as often `take`. @default 20_000 */
  readonly attempts?: number | undefined;
  /** The options of Node for the processes, as a loader of TypeScript. @default those of this one */
  readonly execArgv?: readonly string[] | undefined;
}

/** How a race went in which every key had exactly one winner. */
export interface RaceReport {
  /** How many keys there were. */
  readonly keys: number;
  /** How many of them each process added, and how many it took. */
  readonly added: readonly number[];
  readonly taken: readonly number[];
}

/**
 * Lets several processes, each 0 to 20 ms away from the store, add the same keys at once and then
 * take them at once. The store has to be empty.
 *
 * @throws AssertionError unless each key was added by exactly one and taken by exactly one.
 */
export async function raceInProcesses(options: RaceOptions): Promise<RaceReport> {
  const { processes = 4, attempts = 20_000 } = options;
  const keys = Math.ceil(attempts / processes);
  const racers = Array.from({ length: processes }, (_, racer) =>
    Racer.start(options, {
      storeModule: String(options.storeModule),
      argument: options.argument,
      racer,
      keys,
    }),
  );
  try {
    await Promise.all(racers.map((racer) => racer.news()));
    const added = await round(racers, 'add');
    const adder = winners(added, keys, 'added');
    const taken = await round(racers, 'take');
    winners(taken, keys, 'taken');
    for (const [key, value] of taken.flat()) {
      assert.equal(value, raceValue(adder[key] ?? -1, key), `key ${key} was taken with the value`);
    }
    await Promise.all(racers.map((racer) => racer.leave()));
    const counts = (got: readonly Got[]): number[] => got.map(({ length }) => length);
    return { keys, added: counts(added), taken: counts(taken) };
  } finally {
    for (const racer of racers) racer.kill();
  }
}

/** The keys that a process got, with their values. */
type Got = readonly (readonly [key: number, value: string])[];

function round(racers: readonly Racer[], what: 'add' | 'take'): Promise<readonly Got[]> {
  for (const racer of racers) racer.tell(what);
  return Promise.all(
    racers.map(async (racer) => {
      const news = await racer.news();
      return news === 'ready' ? [] : news.got;
    }),
  );
}

/** Who got each key. */
function winners(got: readonly Got[], keys: number, verb: string): readonly number[] {
  const all = Array.from({ length: keys }, (): number[] => []);
  got.forEach((list, racer) => list.forEach(([key]) => all[key]?.push(racer)));
  const odd = all.findIndex(({ length }) => length !== 1);
  assert.equal(odd, -1, `key ${odd} was ${verb} ${all[odd]?.length} times`);
  return all.flat();
}

class Racer {
  readonly #process: ChildProcess;
  readonly #ended: Promise<never>;
  readonly #left: Promise<void>;
  #errors = '';

  constructor(process: ChildProcess) {
    this.#process = process;
    process.stderr?.on('data', (text: Buffer) => (this.#errors += text.toString()));
    const exit = new Promise<number | null>((resolve, reject) => {
      process.once('error', reject);
      process.once('close', resolve);
    });
    this.#left = exit.then((code) => assert.equal(code, 0, this.#errors));
    this.#ended = exit.then((code) => {
      throw new Error(`A process of the race ended with ${code}: ${this.#errors}`);
    });
    // Whoever waits is told; when nobody does, it has been told to leave.
    this.#left.catch(() => {});
    this.#ended.catch(() => {});
  }

  static start({ execArgv }: RaceOptions, entry: RaceEntry): Racer {
    // In the published package it is JavaScript, in its sources TypeScript.
    const program = new URL(`./race-process${extname(import.meta.url)}`, import.meta.url);
    return new Racer(
      fork(program, [JSON.stringify(entry)], {
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
        ...(execArgv ? { execArgv: [...execArgv] } : {}),
      }),
    );
  }

  tell(round: RaceRound): void {
    this.#process.send(round);
  }

  /** What it tells next. */
  news(): Promise<RaceNews> {
    const next = new Promise<RaceNews>((resolve) => {
      this.#process.once('message', (news) => resolve(news as RaceNews));
    });
    return Promise.race([next, this.#ended]);
  }

  async leave(): Promise<void> {
    this.tell('leave');
    await this.#left;
  }

  kill(): void {
    this.#process.kill();
  }
}
