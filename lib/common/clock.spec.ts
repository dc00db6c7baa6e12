import { describe, expect, it, jest } from '@jest/globals';
import { SystemClock } from './clock.js';

describe('SystemClock', () => {
  it('tells whole seconds, rounded down', () => {
    jest.useFakeTimers({ now: 1_700_000_000_999 });
    expect(new SystemClock().now()).toBe(1_700_000_000);
    jest.setSystemTime(1_700_000_001_000);
    expect(new SystemClock().now()).toBe(1_700_000_001);
    jest.useRealTimers();
  });
});
