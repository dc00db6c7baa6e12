import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { readCookie, renderCookie } from './cookies.js';
import type { EndpointRequest, ResponseCookie } from './endpoint.js';

function withCookies(cookie: string | readonly string[] | undefined): EndpointRequest {
  return { method: 'GET', path: '/', rawQuery: '', headers: { cookie }, body: undefined };
}

const find = (cookie: string | readonly string[] | undefined): string | undefined =>
  readCookie(withCookies(cookie), '__Host-flow');

const aCookie = (change: Partial<ResponseCookie> = {}): ResponseCookie => ({
  name: '__Host-flow',
  value: 'abc',
  maxAgeSeconds: 600,
  secure: true,
  ...change,
});

describe('readCookie', () => {
  it.each([
    ['__Host-flow=abc'],
    ['a=1; __Host-flow=abc; b=2'],
    ['a=1;__Host-flow=abc;b=2'],
    ['  __Host-flow\t= abc ; b'],
    ['=x; ;; junk; a="q;r"; __Host-flow=abc; \u00ff=\u00ff'],
    [['a=1', '__Host-flow=abc']],
    ['__Host-flow=abc; __Host-flow=abc'],
  ])('finds the value in %j', (header) => {
    expect(find(header)).toBe('abc');
  });

  it('keeps equals signs of the value, and an empty value', () => {
    expect(find('__Host-flow=a==')).toBe('a==');
    expect(find('__Host-flow=')).toBe('');
  });

  it.each([
    [undefined],
    [''],
    ['__Host-flow'],
    ['__host-flow=abc'],
    ['x__Host-flow=abc'],
    ['a="__Host-flow=abc'],
    ['\u00a0__Host-flow=abc'],
    ['__Host-flow\u00a0=abc'],
    ['__Host-flow="abc"'],
    ['__Host-flow=a b'],
    ['__Host-flow=a,b'],
    ['__Host-flow=a\\b'],
    ['__Host-flow=é'],
  ])('finds nothing in %j', (header) => {
    expect(find(header)).toBeUndefined();
  });

  it.each([
    ['__Host-flow=abc; __Host-flow=evil'],
    ['__Host-flow=evil; a=1; __Host-flow=abc'],
    ['__Host-flow=abc; __Host-flow='],
    ['__Host-flow=abc; __Host-flow="abc"'],
    [['__Host-flow=abc', '__Host-flow=evil']],
  ])('lets no planted cookie win: %j', (header) => {
    expect(find(header)).toBeUndefined();
  });

  it('reads a header of 16 kB and refuses a longer one', () => {
    const start = '__Host-flow=abc; a=';
    expect(find(start.padEnd(16_384, 'x'))).toBe('abc');
    expect(find(start.padEnd(16_385, 'x'))).toBeUndefined();
  });
});

describe('renderCookie', () => {
  it('binds the cookie to the host and hides it from scripts', () => {
    expect(renderCookie(aCookie())).toBe(
      '__Host-flow=abc; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure',
    );
  });

  it('leaves out Secure for development over http', () => {
    expect(renderCookie(aCookie({ name: 'flow', secure: false }))).toBe(
      'flow=abc; Path=/; Max-Age=600; HttpOnly; SameSite=Lax',
    );
  });

  it('keeps a cookie from the requests of other sites where it is asked to', () => {
    expect(renderCookie(aCookie({ sameSite: 'Strict' }))).toBe(
      '__Host-flow=abc; Path=/; Max-Age=600; HttpOnly; SameSite=Strict; Secure',
    );
  });

  it('removes a cookie by an empty value and no age', () => {
    expect(renderCookie(aCookie({ value: '', maxAgeSeconds: 0 }))).toContain(
      '__Host-flow=; Path=/; Max-Age=0;',
    );
  });

  it.each<Partial<ResponseCookie>>([
    { name: '' },
    { name: 'a b' },
    { name: 'a;b' },
    { name: 'a=b' },
    { name: 'é' },
    { value: 'a b' },
    { value: 'a;b' },
    { value: 'a,b' },
    { value: '"a"' },
    { value: 'a\\b' },
    { value: 'a\r\nSet-Cookie: x=y' },
    { value: 'abc\n' },
    { name: 'abc\n' },
    { value: 'é' },
    { maxAgeSeconds: -1 },
    { maxAgeSeconds: 1.5 },
    { maxAgeSeconds: Number.NaN },
    { secure: false },
    { name: '__secure-x', secure: false },
  ])('refuses %j', (change) => {
    expect(() => renderCookie(aCookie(change))).toThrow(TypeError);
  });
});

describe('cookies, for every input', () => {
  const octet = fc.constantFrom(...Array.from("!#$%&'()*+-./0189:<=>?@AZ[]^_`az{|}~"));
  const value = fc.string({ unit: octet, maxLength: 60 });
  const noise = fc.array(
    fc.string().filter((text) => !text.includes('flow')),
    { maxLength: 10 },
  );

  it('gives back what was set, among anything', () => {
    fc.assert(
      fc.property(value, noise, noise, (value, before, after) => {
        const pair = renderCookie(aCookie({ value })).split('; ')[0] ?? '';
        expect(find([...before, pair, ...after].join('; '))).toBe(value);
      }),
      { numRuns: 1000 },
    );
  });

  it('gives no value but cookie octets, and never throws', () => {
    const hostile = fc.string({
      unit: fc.oneof(
        fc.constantFrom('__Host-flow=', ';', '=', '"', ' ', '\t', ',', '\\', '\u00a0'),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
      ),
    });
    fc.assert(
      fc.property(hostile, (header) => {
        expect(find(header) ?? '').toMatch(/^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/);
      }),
      { numRuns: 1000 },
    );
  });

  it('gives nothing when two values compete', () => {
    fc.assert(
      fc.property(value, value, noise, (one, other, between) => {
        fc.pre(one !== other);
        const header = [`__Host-flow=${one}`, ...between, `__Host-flow=${other}`].join('; ');
        expect(find(header)).toBeUndefined();
      }),
      { numRuns: 1000 },
    );
  });
});
