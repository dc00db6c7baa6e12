import { describe, expect, it } from '@jest/globals';
import { hashSecret, readSecretHash } from './hash.js';

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

describe('readSecretHash', () => {
  const hex = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

  it('reads what sha256sum and hashSecret print', () => {
    expect(readSecretHash(hex)).toBe(hashSecret('abc'));
    expect(readSecretHash(hex.toUpperCase())).toBe(hashSecret('abc'));
    expect(readSecretHash(hashSecret('abc'))).toBe(hashSecret('abc'));
  });

  it.each([
    ['nothing', undefined],
    ['an empty text', ''],
    ['a number', 5],
    ['a shorter one', hex.slice(2)],
    ['a longer one', `${hex}00`],
    ['another spelling', `${hashSecret('abc')}=`],
    ['spare bits', `${hashSecret('abc').slice(0, -1)}1`],
    ['a list of one', [hashSecret('abc')]],
  ])('does not read %s', (_name, text) => {
    expect(readSecretHash(text)).toBeUndefined();
  });
});
