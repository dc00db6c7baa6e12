import { describe, expect, it } from '@jest/globals';
import { constantTimeEqual } from './constant-time.js';

describe('constantTimeEqual', () => {
  it.each(['', 'a', 'a secret', '\ud800', 'x'.repeat(100_000)])('accepts equal texts', (text) => {
    expect(constantTimeEqual(text, Buffer.from(text, 'utf16le').toString('utf16le'))).toBe(true);
  });

  it.each([
    ['a', 'b'],
    ['a', ''],
    ['a', 'aa'],
    ['secret', 'secreT'],
    ['a\0', 'a'],
    ['é', 'e\u0301'],
    // UTF-8 would make both of them U+FFFD.
    ['\ud800', '\ufffd'],
  ])('refuses different texts', (a, b) => {
    expect(constantTimeEqual(a, b)).toBe(false);
    expect(constantTimeEqual(b, a)).toBe(false);
  });
});
