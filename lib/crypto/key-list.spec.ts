import { describe, expect, it, jest } from '@jest/globals';
import { Clock } from '../common/clock.js';
import { ConfigurationError } from '../common/errors.js';
import { KeyList, type KeyListSource } from './key-list.js';

class StillClock extends Clock {
  seconds = 1_000_000;
  now(): number {
    return this.seconds;
  }
}

function setUp(source: KeyListSource<string>) {
  const clock = new StillClock();
  const failures: string[] = [];
  const load = () =>
    KeyList.load(source, {
      path: 'secrets',
      clock,
      onFailure: (reason) => failures.push(reason),
      issues: (keys) =>
        Array.isArray(keys) && keys.length > 0
          ? []
          : [{ path: 'secrets', problem: 'must be a list of at least one secret' }],
    });
  return { clock, failures, load };
}

/** Lets what was begun and needs no timer come to its end. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('a KeyList of a list', () => {
  it('has its members, whatever becomes of the list', async () => {
    const given = ['a', 'b'];
    const list = await setUp(given).load();
    given[0] = 'c';
    expect(list.current).toEqual(['a', 'b']);
    expect(Object.isFrozen(list.current)).toBe(true);
  });

  it('is the same array for ever', async () => {
    const { clock, load } = setUp(['a']);
    const list = await load();
    const before = list.current;
    clock.seconds += 3600;
    await list.reload();
    expect(list.current).toBe(before);
  });

  it('is refused when it is unusable', async () => {
    const { failures, load } = setUp([]);
    await expect(load()).rejects.toThrow(ConfigurationError);
    expect(failures).toEqual([]);
  });
});

describe('a KeyList of a function', () => {
  it('asks at the start, and again after a minute of use, in the background', async () => {
    const source = jest.fn<() => Promise<string[]>>().mockResolvedValue(['a']);
    const { clock, load } = setUp(source);
    const list = await load();
    clock.seconds += 59;
    expect(list.current).toEqual(['a']);
    await settle();
    expect(source).toHaveBeenCalledTimes(1);
    source.mockResolvedValue(['b', 'a']);
    clock.seconds += 1;
    expect(list.current).toEqual(['a']);
    expect(list.current).toEqual(['a']);
    await settle();
    expect(source).toHaveBeenCalledTimes(2);
    expect(list.current).toEqual(['b', 'a']);
  });

  it('asks nothing while nobody uses it', async () => {
    const source = jest.fn(() => ['a']);
    const { clock, load } = setUp(source);
    await load();
    clock.seconds += 100_000;
    await settle();
    expect(source).toHaveBeenCalledTimes(1);
  });

  it('asks again when the clock went back', async () => {
    const source = jest.fn(() => ['a']);
    const { clock, load } = setUp(source);
    const list = await load();
    clock.seconds -= 60;
    expect(list.current).toEqual(['a']);
    await settle();
    expect(source).toHaveBeenCalledTimes(2);
  });

  it('is the same array as long as the answer says the same', async () => {
    const list = await setUp(() => ['a', 'b']).load();
    const before = list.current;
    await list.reload();
    expect(list.current).toBe(before);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['an unusable list', () => [], /at least one secret/],
    ['no list', () => undefined, /at least one secret/],
    ['a promise of none', () => Promise.resolve(null), /at least one secret/],
    [
      'an exception',
      () => {
        throw new Error('the vault is sealed');
      },
      /the vault is sealed/,
    ],
    ['a rejection', () => Promise.reject(new Error('the vault is sealed')), /the vault is sealed/],
  ])('keeps its keys on %s, and says so', async (_name, bad, reason) => {
    let answer: () => unknown = () => ['a'];
    const { clock, failures, load } = setUp(() => answer() as string[]);
    const list = await load();
    const before = list.current;
    answer = bad;
    await expect(list.reload()).rejects.toThrow(ConfigurationError);
    clock.seconds += 60;
    expect(list.current).toBe(before);
    await settle();
    expect(list.current).toBe(before);
    expect(failures).toEqual([expect.stringMatching(reason), expect.stringMatching(reason)]);
    // The next good answer counts.
    answer = () => ['b'];
    await list.reload();
    expect(list.current).toEqual(['b']);
  });

  it('keeps its keys when no answer comes, and asks again later', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
    try {
      let hangs = false;
      const { failures, load } = setUp(() => (hangs ? new Promise(() => {}) : ['a']));
      const list = await load();
      hangs = true;
      const reload = list.reload();
      const refused = expect(reload).rejects.toThrow('no answer in time');
      await jest.advanceTimersByTimeAsync(10_000);
      await refused;
      expect(list.current).toEqual(['a']);
      expect(failures).toHaveLength(1);
      hangs = false;
      await list.reload();
    } finally {
      jest.useRealTimers();
    }
  });

  it('lets the later question have the last word', async () => {
    const answers: ((keys: string[]) => void)[] = [];
    const list = await (async () => {
      const { load } = setUp(() => new Promise<string[]>((resolve) => answers.push(resolve)));
      const loading = load();
      await settle();
      answers[0]?.(['a']);
      return loading;
    })();
    const early = list.reload();
    const late = list.reload();
    await settle();
    // The second question waits for the answer to the first.
    expect(answers).toHaveLength(2);
    answers[1]?.(['b']);
    await early;
    await settle();
    answers[2]?.(['c']);
    await late;
    expect(list.current).toEqual(['c']);
  });
});

describe('a KeyList that nobody uses', () => {
  it('asks every minute all the same, until it is stopped', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    try {
      let answer = ['a'];
      const source = jest.fn(async () => answer);
      const list = await setUp(source).load();
      answer = ['b', 'a'];
      jest.advanceTimersByTime(60_000);
      await settle();
      expect(source).toHaveBeenCalledTimes(2);
      expect(list.current).toEqual(['b', 'a']);
      list.stop();
      jest.advanceTimersByTime(600_000);
      await settle();
      expect(source).toHaveBeenCalledTimes(2);
    } finally {
      jest.useRealTimers();
    }
  });
});
