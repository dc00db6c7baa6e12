import { describe, expect, it } from '@jest/globals';

import { parseBearerToken } from './bearer-token.js';

const parse = (authorization: string) => parseBearerToken({ authorization });

describe('parseBearerToken', () => {
  it.each(['Bearer a', 'bearer a', 'BEARER a', 'bEaReR a'])(
    'takes the scheme of %s in any case (RFC 9110 §11.1)',
    (header) => {
      expect(parse(header)).toEqual({ kind: 'token', token: 'a' });
    },
  );

  it.each(['abc-._~+/09AZ', 'a==', 'eyJh.eyJz.c2ln'])('takes %s for a token', (token) => {
    expect(parse(`Bearer ${token}`)).toEqual({ kind: 'token', token });
  });

  it.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['the scheme alone', 'Bearer'],
    ['the scheme and a space', 'Bearer '],
    ['Basic', 'Basic dXNlcjpwYXNz'],
    ['DPoP', 'DPoP abc'],
    ['a scheme that begins alike', 'BearerX abc'],
    ['a shorter scheme', 'Bear abc'],
  ])('finds no credentials in %s (AT-01)', (_what, authorization) => {
    expect(parseBearerToken({ authorization })).toEqual({ kind: 'none' });
  });

  it('finds no credentials without any headers (NE-11)', () => {
    expect(parseBearerToken(undefined)).toEqual({ kind: 'none' });
    expect(parseBearerToken({})).toEqual({ kind: 'none' });
  });

  it.each([
    ['two words', 'Bearer a b'],
    ['a list', 'Bearer a,b'],
    ['two credentials joined', 'Bearer a, Bearer b'],
    ['two spaces', 'Bearer  a'],
    ['a tab', 'Bearer\ta'],
    ['a tab in the token', 'Bearer a\tb'],
    ['a byte above ASCII', 'Bearer a\u0080'],
    ['quotes', 'Bearer "a"'],
    ['padding inside', 'Bearer a=b'],
    ['padding alone', 'Bearer =='],
    ['a comma after the scheme', 'Bearer,a'],
    ['a NUL', 'Bearer a\0'],
  ])('refuses %s as a malformed request (AT-04, RFC 6750 §2.1)', (_what, header) => {
    expect(parse(header)).toEqual({ kind: 'malformed', status: 400 });
  });

  it('refuses a token over 16 KB by its length alone, and takes one of 16 KB (AT-36)', () => {
    const longest = 'a'.repeat(16 * 1024);
    expect(parse(`Bearer ${longest}`)).toEqual({ kind: 'token', token: longest });
    expect(parse(`Bearer ${longest}a`)).toEqual({ kind: 'malformed', status: 401 });
  });

  it('refuses a second Authorization header, which only the raw headers show', () => {
    const headers = { authorization: 'Bearer a' };
    const raw = ['Host', 'rs.test', 'authorization', 'Bearer a', 'AUTHORIZATION', 'Bearer b'];
    expect(parseBearerToken(headers, raw)).toEqual({ kind: 'malformed', status: 400 });
    expect(parseBearerToken(headers, raw.slice(0, 4))).toEqual({ kind: 'token', token: 'a' });
  });

  it('does not take a header value for a header name', () => {
    const raw = ['Authorization', 'Bearer a', 'X-Echo', 'Authorization'];
    expect(parseBearerToken({ authorization: 'Bearer a' }, raw)).toMatchObject({ kind: 'token' });
  });

  it('refuses several values from a server that collects them, and takes a single one', () => {
    expect(parseBearerToken({ authorization: ['Bearer a', 'Bearer b'] })).toEqual({
      kind: 'malformed',
      status: 400,
    });
    expect(parseBearerToken({ authorization: ['Bearer a'] })).toEqual({
      kind: 'token',
      token: 'a',
    });
  });
});
