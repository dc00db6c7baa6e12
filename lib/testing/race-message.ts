/** What a race tells each of its processes, as the arguments of the program. */
export interface RaceEntry {
  /** The module that exports `createStore`. */
  readonly storeModule: string;
  readonly argument: string | undefined;
  /** The number of the process. */
  readonly racer: number;
  /** How many keys all of them race for. */
  readonly keys: number;
}

/** What a process is told to do with every key. */
export type RaceRound = 'add' | 'take' | 'leave';

/** What a process tells: that it is ready, or which keys it got, with the values it took. */
export type RaceNews =
  'ready' | { readonly got: readonly (readonly [key: number, value: string])[] };

/** The key of that number. */
export function raceKey(number: number): string {
  return `race:${number}`;
}

/** What a process adds: it tells whose it is. */
export function raceValue(racer: number, key: number): string {
  return `${racer}:${key}`;
}
