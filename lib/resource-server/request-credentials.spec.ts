import { describe, expect, it } from '@jest/globals';
import type { RequestHeaders } from './bearer-token.js';
import { parseCredentials } from './request-credentials.js';

const parse = (headers: RequestHeaders, names = ['x-api-key', 'x-legacy']) =>
  parseCredentials(headers, [], names);
const refused = { kind: 'malformed', status: 400 };

describe('parseCredentials', () => {
  it('reads the Authorization header, and the headers that sources named', () => {
    expect(parse({ authorization: 'Bearer a' })).toEqual({ kind: 'token', token: 'a' });
    expect(parse({ 'x-api-key': 'k_1' })).toEqual({
      kind: 'token',
      token: 'k_1',
      header: 'x-api-key',
    });
    expect(parse({})).toEqual({ kind: 'none' });
    expect(parseCredentials(undefined, undefined, ['x-api-key'])).toEqual({ kind: 'none' });
  });

  it('ignores headers that no source named', () => {
    expect(parse({ 'x-api-key': 'k' }, [])).toEqual({ kind: 'none' });
    const both = { 'x-api-key': 'k', authorization: 'Bearer a' };
    expect(parse(both, ['x-legacy'])).toEqual({ kind: 'token', token: 'a' });
  });

  it.each<[string, RequestHeaders]>([
    ['a bearer token', { authorization: 'Bearer a' }],
    ['the same text as a bearer token', { authorization: 'Bearer k' }],
    ['another scheme', { authorization: 'Basic dTpw' }],
    ['a malformed header', { authorization: 'Bearer a b' }],
    ['several Authorization headers', { authorization: ['Bearer a', 'Bearer b'] }],
    ['a key in another header', { 'x-legacy': 'l' }],
  ])('refuses a key beside %s (RFC 6750 §3.1)', (_what, others) => {
    expect(parse({ 'x-api-key': 'k', ...others })).toEqual(refused);
    expect(parse({ 'x-api-key': 'k' })).toMatchObject({ kind: 'token' });
  });

  it('takes an empty header for none', () => {
    expect(parse({ 'x-api-key': '', authorization: 'Bearer a' })).toMatchObject({ token: 'a' });
    expect(parse({ 'x-api-key': 'k', authorization: '' })).toMatchObject({ token: 'k' });
  });

  it.each([
    ['two keys, as Node joins them', 'k, k'],
    ['a scheme', 'Bearer k'],
    ['quotes', '"k"'],
    ['what is no ASCII', 'kü'],
    ['several values', ['k', 'k']],
  ])('refuses %s', (_what, value) => {
    expect(parse({ 'x-api-key': value })).toEqual(refused);
  });

  it('refuses a key over 16 KB by its length alone', () => {
    expect(parse({ 'x-api-key': 'k'.repeat(16 * 1024 + 1) })).toEqual({
      kind: 'malformed',
      status: 401,
    });
  });

  it('refuses a second Authorization header, which only the raw headers show', () => {
    const raw = ['Authorization', 'Bearer a', 'authorization', 'Bearer b'];
    expect(parseCredentials({ authorization: 'Bearer a' }, raw, ['x-api-key'])).toEqual(refused);
  });
});
