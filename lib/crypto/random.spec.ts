import { describe, expect, it } from '@jest/globals';
import { randomToken } from './random.js';

describe('randomToken', () => {
  it('has 32 bytes unless told otherwise', () => {
    expect(randomToken()).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(Buffer.from(randomToken(16), 'base64url')).toHaveLength(16);
  });

  it('never repeats itself', () => {
    expect(new Set(Array.from({ length: 1000 }, () => randomToken())).size).toBe(1000);
  });
});
