import { describe, expect, it } from '@jest/globals';
import { hashSecret } from './hash.js';

describe('hashSecret', () => {
  it('is SHA-256 as base64url — FIPS 180-2 B.1', () => {
    const expected = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(Buffer.from(hashSecret('abc'), 'base64url').toString('hex')).toBe(expected);
    expect(hashSecret('abc')).toHaveLength(43);
  });

  it('hashes the UTF-8 bytes', () => {
    expect(hashSecret('é')).not.toBe(hashSecret('e'));
    expect(hashSecret('é')).toBe(hashSecret(Buffer.from([0xc3, 0xa9]).toString()));
  });
});
