import { describe, expect, it } from '@jest/globals';
import { isPlainJws } from './jws-spelling.js';

const jws = (header: string, signature: string): string =>
  `${Buffer.from(header).toString('base64url')}.e30.${signature}`;

describe('isPlainJws', () => {
  it.each(['', 'AAAA', 'AA', 'AAA', '-_-_'])('is true with the signature %j', (signature) => {
    expect(isPlainJws(jws('{"alg":"RS256"}', signature))).toBe(true);
  });

  it.each(['AB', 'AAB', 'AA==', 'AAA=', '+/+/', 'A', 'AA AA'])(
    'is false with the signature %j, which has a plainer spelling — AT-38',
    (signature) => {
      expect(isPlainJws(jws('{"alg":"RS256"}', signature))).toBe(false);
    },
  );

  it('is false when the header has a member twice — AT-28', () => {
    expect(isPlainJws(jws('{"alg":"none","alg":"RS256"}', 'AAAA'))).toBe(false);
  });
});
