import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { propertyRuns } from '../../../test/support/property-runs.js';
import { documentUrlProblem, looksLikeDocumentUrl } from './document-url.js';

describe('looksLikeDocumentUrl', () => {
  it.each(['https://a.test/c', 'HTTPS://a.test/c', 'http://a.test/c', 'https:a'])(
    'takes %s for one, good or not',
    (id) => {
      expect(looksLikeDocumentUrl(id)).toBe(true);
    },
  );

  it.each(['', 'a', 'httpsx', 'https', 'com.example:x', ' https://a.test/c', 'urn:https:x'])(
    'does not take %j for one',
    (id) => {
      expect(looksLikeDocumentUrl(id)).toBe(false);
    },
  );
});

describe('documentUrlProblem', () => {
  it.each([
    'https://app.example.com/client.json',
    'https://app.example.com/c?v=1&w=a%20b',
    'https://app.example.com:8443/tenant/',
    'https://app.example.com//c',
    'https://app.example.com/...',
    'https://app.example.com/c:d@e',
    'https://192.0.2.1/c',
    'https://[2001:db8::1]/c',
    `https://a.test/${'a'.repeat(2048 - 15)}`,
  ])('finds nothing wrong with %s', (url) => {
    expect(documentUrlProblem(url)).toBeNull();
  });

  it.each([
    [`https://a.test/${'a'.repeat(2049 - 15)}`, 'is longer'],
    ['', 'has a character'],
    ['https://a.test/a b', 'has a character'],
    ['https://a.test/\t', 'has a character'],
    ['https://a.test/\u007f', 'has a character'],
    ['https://a.test/é', 'has a character'],
    ['https://a.test\\b', 'has a character'],
    ['https://a.test/{c}', 'has a character'],
    ['https://a.test/a|b', 'has a character'],
    ['http://a.test/c', 'does not begin'],
    ['HTTPS://a.test/c', 'does not begin'],
    ['https:a.test/c', 'does not begin'],
    ['https:/a.test/c', 'does not begin'],
    ['https://a.test/c#', 'has a fragment'],
    ['https://a.test/#/c', 'has a fragment'],
    ['https://a.test/c?', 'has an empty query'],
    ['https://a.test', 'is not written'],
    ['https://a.test?c', 'is not written'],
    ['https:///a.test/c', 'is not written'],
    ['https://A.test/c', 'is not written'],
    ['https://a.test:443/c', 'is not written'],
    ['https://a.test:/c', 'is not written'],
    ['https://a.test:99999/c', 'is not written'],
    ['https://a.test/b/../c', 'is not written'],
    ['https://a.test/b/%2E%2e', 'is not written'],
    ['https://127.1/c', 'is not written'],
    ['https://2130706433/c', 'is not written'],
    ['https://[::ffff:127.0.0.1]/c', 'is not written'],
    ['https://a%2etest/c', 'is not written'],
    ['https://@a.test/c', 'is not written'],
    ['https://a@b.test/c', 'has user information'],
    ['https://:a@b.test/c', 'has user information'],
    ['https://a.test./c', 'has a host that ends in a dot'],
    ['https://a.test/', 'has no path'],
    ['https://a.test/?c', 'has no path'],
  ])('says what is wrong with %j', (url, problem) => {
    expect(documentUrlProblem(url)).toContain(problem);
  });

  it('lets through only what parsers read as it is written', () => {
    const part = fc.stringMatching(/^[\x21-\x7e]{0,12}$/);
    const url = fc.tuple(part, part, part).map(([a, b, c]) => `https://${a}.test${b}/${c}`);
    fc.assert(
      fc.property(fc.oneof(url, fc.webUrl({ withQueryParameters: true })), (text) => {
        fc.pre(documentUrlProblem(text) === null);
        const { href, protocol, username, password, hash, pathname } = new URL(text);
        expect({ href, protocol, username, password, hash }).toEqual({
          href: text,
          protocol: 'https:',
          username: '',
          password: '',
          hash: '',
        });
        expect(pathname).not.toBe('/');
      }),
      { numRuns: propertyRuns() },
    );
  });
});
