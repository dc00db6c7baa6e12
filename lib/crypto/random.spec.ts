import { describe, expect, it } from '@jest/globals';
import { randomAlphanumeric, randomToken } from './random.js';

describe('randomToken', () => {
  it('has 32 bytes unless told otherwise', () => {
    expect(randomToken()).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(Buffer.from(randomToken(16), 'base64url')).toHaveLength(16);
  });

  it('never repeats itself', () => {
    expect(new Set(Array.from({ length: 1000 }, () => randomToken())).size).toBe(1000);
  });
});

describe('randomAlphanumeric', () => {
  it('has as many letters and digits as asked for, and favours none', () => {
    const counts = new Map<string, number>();
    for (const character of randomAlphanumeric(62_000)) {
      counts.set(character, (counts.get(character) ?? 0) + 1);
    }
    expect([...counts.keys()].toSorted().join('')).toMatch(/^[0-9A-Za-z]{62}$/);
    // 1000 expected of each, with a standard deviation of 32; a plain modulo gives some 1210.
    for (const count of counts.values()) {
      expect(count).toBeGreaterThan(800);
      expect(count).toBeLessThan(1200);
    }
    expect(randomAlphanumeric(12)).toHaveLength(12);
  });

  it('never repeats itself', () => {
    expect(new Set(Array.from({ length: 1000 }, () => randomAlphanumeric(12))).size).toBe(1000);
  });
});
