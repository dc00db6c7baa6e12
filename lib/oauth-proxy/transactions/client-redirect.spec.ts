import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { EndpointResponse } from '../../http/endpoint.js';
import { appendParameters, ClientRedirect } from './client-redirect.js';

const issuer = 'https://as.test/tenant';
const redirects = new ClientRedirect(issuer);
const to = { redirectUri: 'https://app.test/cb', method: 'GET' };

function locationOf(response: EndpointResponse): string {
  if (response.kind !== 'redirect') throw new Error(`a ${response.kind}`);
  return response.location;
}

describe('ClientRedirect', () => {
  it('answers with the code, the state and the issuer, each once — RFC 9207 §2', () => {
    const answer = new URL(locationOf(redirects.withCode({ ...to, state: 'a b' }, 'c')));
    expect([...answer.searchParams]).toEqual([
      ['code', 'c'],
      ['state', 'a b'],
      ['iss', issuer],
    ]);
  });

  it('answers with an error in the same way', () => {
    const answer = redirects.withError({ ...to, state: 's' }, 'access_denied', 'No.');
    expect(locationOf(answer)).toBe(
      'https://app.test/cb?error=access_denied&error_description=No.&state=s&iss=https%3A%2F%2Fas.test%2Ftenant',
    );
  });

  it('has no state where the client sent none', () => {
    expect(locationOf(redirects.withCode(to, 'c'))).not.toContain('state');
  });

  it('answers a POST with 303 — RFC 9700 §4.12', () => {
    expect(redirects.withCode({ ...to, method: 'POST' }, 'c')).toMatchObject({ status: 303 });
    expect(redirects.withCode(to, 'c')).toMatchObject({ status: 302 });
  });

  it('returns every printable state as it came, in one line of ASCII', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (state) => {
        fc.pre(/^[\x20-\x7e]*$/.test(state));
        const location = locationOf(redirects.withCode({ ...to, state }, 'c'));
        expect(location).toMatch(/^[\x21-\x7e]+$/);
        expect(new URL(location).searchParams.getAll('state')).toEqual([state]);
        expect(new URL(location).searchParams.getAll('code')).toEqual(['c']);
        expect(new URL(location).searchParams.getAll('iss')).toEqual([issuer]);
      }),
    );
  });
});

describe('appendParameters', () => {
  it.each([
    ['https://app.test/cb', 'https://app.test/cb?a=1'],
    ['https://app.test/cb?', 'https://app.test/cb?a=1'],
    ['https://app.test/cb?x', 'https://app.test/cb?x&a=1'],
    ['https://app.test/cb?x=%ff%2B&', 'https://app.test/cb?x=%ff%2B&a=1'],
    ['com.example.app:/cb', 'com.example.app:/cb?a=1'],
  ])('keeps the bytes of %s', (uri, expected) => {
    expect(appendParameters(uri, { a: '1' })).toBe(expected);
  });

  it('encodes what a value must not mean', () => {
    expect(appendParameters('https://a.test/', { a: '&b=c#d%\r\n' })).toBe(
      'https://a.test/?a=%26b%3Dc%23d%25%0D%0A',
    );
  });
});
