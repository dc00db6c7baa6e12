import { describe, expect, it } from '@jest/globals';
import { readUnverifiedJwt } from './unverified-jwt.js';

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('readUnverifiedJwt', () => {
  it('reads header and claims', () => {
    expect(readUnverifiedJwt(`${part({ alg: 'RS256' })}.${part({ iss: 'a' })}.c2ln`)).toEqual({
      header: { alg: 'RS256' },
      claims: { iss: 'a' },
    });
  });

  it.each([
    ['an opaque token', 'opaque'],
    ['nothing', ''],
    ['five parts', `${part({})}.${part({})}.x.y.z`],
    ['two parts', `${part({})}.${part({})}`],
    ['an array for a header', `${part([])}.${part({})}.x`],
    ['an array for claims', `${part({})}.${part([])}.x`],
    ['null for claims', `${part({})}.${part(null)}.x`],
    ['what is no JSON', `e30.%%%.x`],
    ['an empty part', `.${part({})}.x`],
  ])('is undefined for %s', (_what, token) => {
    expect(readUnverifiedJwt(token)).toBeUndefined();
  });
});
