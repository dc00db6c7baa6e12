import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { readCookie, renderCookie } from '../../lib/http/cookies.js';
import { propertyRuns } from '../support/property-runs.js';
import { aRequest } from './requests.js';

const options = { numRuns: propertyRuns() };
const name = '__Host-flow';

/** RFC 6265 §4.1.1 as it is written. */
function isOctets(text: string): boolean {
  return Array.from(text, (c) => c.codePointAt(0) ?? 0).every(
    (c) =>
      c === 0x21 ||
      (c >= 0x23 && c <= 0x2b) ||
      (c >= 0x2d && c <= 0x3a) ||
      (c >= 0x3c && c <= 0x5b) ||
      (c >= 0x5d && c <= 0x7e),
  );
}

/** The one value that the header has for the name, found by a single expression. */
function expectedValue(header: string): string | undefined {
  const found = header.matchAll(/(?<=^|;)[ \t]*([^;=]*?)[ \t]*=[ \t]*([^;]*?)[ \t]*(?=;|$)/g);
  const values = new Set([...found].filter(([, n]) => n === name).map(([, , value]) => value));
  const [value] = values;
  return values.size === 1 && value !== undefined && isOctets(value) ? value : undefined;
}

const header = fc.string({
  unit: fc.oneof(
    {
      weight: 9,
      arbitrary: fc.constantFrom(
        ...`${name}=|${name}=|; ${name}=|${name}|;${name} = |other=1|__host-flow=`.split('|'),
        ...';|; | |\t|=|a|b|value|"|,|\\|%3B|x|\u00a0|\u3000|\0|\u007f|\r|\n|\u00e9'.split('|'),
      ),
    },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
  ),
  maxLength: 14,
});

describe('A cookie', () => {
  it('is read when there is one value for it, made of what cookies are made of', () => {
    fc.assert(
      fc.property(header, (header) => {
        const read = readCookie(aRequest({ headers: { cookie: header } }), name);
        expect([header, read]).toEqual([header, expectedValue(header)]);
      }),
      options,
    );
  });

  it('is read alike from several headers and from one', () => {
    fc.assert(
      fc.property(fc.array(header, { maxLength: 3 }), (headers) => {
        const [several, one] = [headers, headers.join('; ')].map((cookie) =>
          readCookie(aRequest({ headers: { cookie } }), name),
        );
        expect(several).toBe(one);
      }),
      options,
    );
  });

  it('is lost when anyone plants another value beside it, and only then', () => {
    const octets = fc.string({ unit: 'grapheme-ascii', maxLength: 8 }).filter(isOctets);
    fc.assert(
      fc.property(octets, octets, fc.boolean(), (own, planted, isFirst) => {
        const pairs = [`${name}=${own}`, `${name}=${planted}`];
        const cookie = (isFirst ? pairs : pairs.toReversed()).join('; ');
        const read = readCookie(aRequest({ headers: { cookie } }), name);
        expect(read).toBe(own === planted ? own : undefined);
      }),
      options,
    );
  });

  it('is set by one line that no value can break out of', () => {
    const anyText = fc.string({
      unit: fc.oneof(
        fc.constantFrom('a', 'Z', '0', '-', '_', '.', ';', ',', ' ', '=', '\r\n', '"', '\\'),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
      ),
      maxLength: 5,
    });
    fc.assert(
      fc.property(anyText, anyText, fc.double(), fc.boolean(), (suffix, value, age, secure) => {
        const set = (): string =>
          renderCookie({ name: `flow${suffix}`, value, maxAgeSeconds: age, secure });
        const isName = /^[\w!#$%&'*+.^`|~-]*$/.test(suffix);
        if (!isName || !isOctets(value) || !Number.isSafeInteger(age) || age < 0) {
          expect(set).toThrow(TypeError);
          return;
        }
        const [pair, ...attributes] = set().split('; ');
        expect(pair).toBe(`flow${suffix}=${value}`);
        const expected = ['Path=/', `Max-Age=${age}`, 'HttpOnly', 'SameSite=Lax'];
        expect(attributes).toEqual(secure ? [...expected, 'Secure'] : expected);
      }),
      options,
    );
  });
});
