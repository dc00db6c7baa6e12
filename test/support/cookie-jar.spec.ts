import { describe, expect, it } from '@jest/globals';
import { CookieJar } from './cookie-jar.js';

const get = { method: 'GET', crossSite: false } as const;

function headerAfter(setAt: string, setCookie: string, readAt: string): string | undefined {
  const jar = new CookieJar();
  jar.store(new URL(setAt), setCookie);
  return jar.header(new URL(readAt), get);
}

describe('CookieJar', () => {
  it.each([
    ['on the same host', 'https://a.example/', 'x=1', 'https://a.example/', 'x=1'],
    ['not on a subdomain', 'https://a.example/', 'x=1', 'https://b.a.example/', undefined],
    [
      'on a subdomain with Domain',
      'https://a.example/',
      'x=1; Domain=a.example',
      'https://b.a.example/',
      'x=1',
    ],
    [
      'not from a foreign Domain',
      'https://a.example/',
      'x=1; Domain=b.example',
      'https://b.example/',
      undefined,
    ],
    ['on every port', 'http://127.0.0.1:1/', 'x=1', 'http://127.0.0.1:2/', 'x=1'],
    [
      'not between localhost and 127.0.0.1',
      'http://localhost/',
      'x=1',
      'http://127.0.0.1/',
      undefined,
    ],
    [
      'below its path',
      'https://a.example/',
      'x=1; Path=/auth',
      'https://a.example/auth/callback',
      'x=1',
    ],
    [
      'not beside its path',
      'https://a.example/',
      'x=1; Path=/auth',
      'https://a.example/authorize',
      undefined,
    ],
    [
      'below the default path',
      'https://a.example/auth/x',
      'x=1',
      'https://a.example/auth/y',
      'x=1',
    ],
    [
      'not above the default path',
      'https://a.example/auth/x',
      'x=1',
      'https://a.example/',
      undefined,
    ],
    ['Secure over https', 'https://a.example/', 'x=1; Secure', 'https://a.example/', 'x=1'],
    ['not Secure over http', 'https://a.example/', 'x=1; Secure', 'http://a.example/', undefined],
    ['not Secure from http', 'http://127.0.0.1/', 'x=1; Secure', 'http://127.0.0.1/', undefined],
    [
      'not Secure set over http, even later',
      'http://a.example/',
      'x=1; Secure',
      'https://a.example/',
      undefined,
    ],
    [
      'not SameSite=None without Secure',
      'https://a.example/',
      'x=1; SameSite=None',
      'https://a.example/',
      undefined,
    ],
    [
      'a good __Host-',
      'https://a.example/',
      '__Host-x=1; Secure; Path=/',
      'https://a.example/',
      '__Host-x=1',
    ],
    [
      'not __Host- without Secure',
      'https://a.example/',
      '__Host-x=1; Path=/',
      'https://a.example/',
      undefined,
    ],
    [
      'not __Host- with another path',
      'https://a.example/',
      '__Host-x=1; Secure; Path=/a',
      'https://a.example/a',
      undefined,
    ],
    [
      'not __Host- with Domain',
      'https://a.example/',
      '__Host-x=1; Secure; Path=/; Domain=a.example',
      'https://a.example/',
      undefined,
    ],
    [
      'not __Secure- without Secure',
      'https://a.example/',
      '__Secure-x=1',
      'https://a.example/',
      undefined,
    ],
    ['not with Max-Age=0', 'https://a.example/', 'x=1; Max-Age=0', 'https://a.example/', undefined],
    [
      'not when Expires is past',
      'https://a.example/',
      'x=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
      'https://a.example/',
      undefined,
    ],
  ])('sends a cookie back: %s', (_name, setAt, setCookie, readAt, expected) => {
    expect(headerAfter(setAt, setCookie, readAt)).toBe(expected);
  });

  it.each([
    ['Lax', 'GET', true, 'x=1'],
    ['Lax', 'POST', true, undefined],
    ['Lax', 'POST', false, 'x=1'],
    ['Strict', 'GET', true, undefined],
    ['Strict', 'GET', false, 'x=1'],
    ['None; Secure', 'POST', true, 'x=1'],
  ])('obeys SameSite=%s for a %s (cross-site: %s)', (sameSite, method, crossSite, expected) => {
    const jar = new CookieJar();
    const url = new URL('https://a.example/');
    jar.store(url, `x=1; SameSite=${sameSite}`);
    expect(jar.header(url, { method, crossSite })).toBe(expected);
  });

  it('removes a cookie when its time is over or the server ends it', () => {
    let now = 0;
    const jar = new CookieJar(() => now);
    const url = new URL('https://a.example/');
    jar.store(url, 'x=1; Max-Age=10');
    jar.store(url, 'y=2');
    now = 9_999;
    expect(jar.header(url, get)).toBe('x=1; y=2');
    now = 10_000;
    expect(jar.header(url, get)).toBe('y=2');
    jar.store(url, 'y=; Max-Age=0');
    expect(jar.header(url, get)).toBeUndefined();
  });
});
