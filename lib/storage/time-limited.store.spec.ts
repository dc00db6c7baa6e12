import { beforeEach, describe, expect, it } from '@jest/globals';
import { Gate } from '../../test/support/gate.js';
import { StorageError } from '../common/errors.js';
import { MemoryStore } from './memory.store.js';
import { TimeLimitedStore } from './time-limited.store.js';

/** Waits wherever it is asked, once it is told to. */
class SlowStore extends MemoryStore {
  readonly gate = new Gate(() => {});
  isSlow = false;
  isClosed = false;

  override async get(key: string): Promise<string | undefined> {
    if (this.isSlow) await this.gate.pass();
    return super.get(key);
  }

  override async set(key: string, value: string, ttlSeconds: number): Promise<void> {
    if (this.isSlow) await this.gate.pass();
    await super.set(key, value, ttlSeconds);
  }

  override async add(key: string, value: string, ttlSeconds: number): Promise<boolean> {
    if (this.isSlow) await this.gate.pass();
    return super.add(key, value, ttlSeconds);
  }

  override async take(key: string): Promise<string | undefined> {
    if (this.isSlow) await this.gate.pass();
    return super.take(key);
  }

  override async delete(key: string): Promise<void> {
    if (this.isSlow) await this.gate.pass();
    await super.delete(key);
  }

  override async close(): Promise<void> {
    if (this.isSlow) await this.gate.pass();
    this.isClosed = true;
  }
}

let slow: SlowStore;
let store: TimeLimitedStore;

beforeEach(() => {
  slow = new SlowStore();
  store = new TimeLimitedStore(slow, 0.01);
});

const timers = (): number =>
  process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

describe('TimeLimitedStore', () => {
  it('is the other store as long as that answers, and leaves no timer behind', async () => {
    const before = timers();
    await store.set('a', '1', 60);
    expect(await store.add('a', '2', 60)).toBe(false);
    expect(await store.add('b', '2', 60)).toBe(true);
    expect(await store.get('a')).toBe('1');
    expect(await store.take('b')).toBe('2');
    expect(await store.get('b')).toBeUndefined();
    await store.delete('a');
    expect(await slow.get('a')).toBeUndefined();
    await store.close();
    expect(slow.isClosed).toBe(true);
    expect(timers()).toBe(before);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['get', () => store.get('a')],
    ['set', () => store.set('a', '1', 60)],
    ['add', () => store.add('a', '1', 60)],
    ['take', () => store.take('a')],
    ['delete', () => store.delete('a')],
    ['close', () => store.close()],
  ])('gives up a %s that takes too long, and goes on when it is over', async (name, call) => {
    slow.isSlow = true;
    const failed = call();
    await expect(failed).rejects.toBeInstanceOf(StorageError);
    await expect(failed).rejects.toThrow(`did not answer within 0.01 seconds (${name})`);
    slow.gate.release();
    slow.isSlow = false;
    await expect(call()).resolves.not.toThrow();
  });

  it('passes on what the other store throws, at once or later', async () => {
    class Broken extends MemoryStore {
      override get(): Promise<string | undefined> {
        throw new TypeError('at once');
      }

      override async take(): Promise<string | undefined> {
        throw new TypeError('later');
      }
    }
    const before = timers();
    const broken = new TimeLimitedStore(new Broken(), 60);
    await expect(broken.get('a')).rejects.toThrow('at once');
    await expect(broken.take('a')).rejects.toThrow('later');
    expect(timers()).toBe(before);
  });

  it('leaves no rejection to nobody when the other store fails after the limit', async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown): number => unhandled.push(reason);
    process.on('unhandledRejection', listener);
    slow.isSlow = true;
    slow.get = async () => {
      await slow.gate.pass();
      throw new Error('too late to matter');
    };
    await expect(store.get('a')).rejects.toThrow('did not answer');
    slow.gate.release();
    await new Promise((resolve) => setTimeout(resolve, 5));
    process.off('unhandledRejection', listener);
    expect(unhandled).toEqual([]);
  });

  it.each([0, -1, 60.1, Number.NaN, Infinity, '5', null])('takes no limit of %p', (seconds) => {
    const [issue] = TimeLimitedStore.issues(seconds, 'server.storageTimeoutSeconds');
    expect(issue?.path).toBe('server.storageTimeoutSeconds');
  });

  it.each([undefined, 0.1, 5, 60])('takes a limit of %p', (seconds) => {
    expect(TimeLimitedStore.issues(seconds, 'here')).toEqual([]);
  });
});
