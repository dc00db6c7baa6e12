import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import {
  isLoopbackUri,
  matchesRedirectUri,
  redirectTarget,
  redirectUriProblem,
} from './redirect-uri.js';

const good = [
  'https://app.test/cb',
  'https://app.test',
  'https://app.test:8443/cb?x=1&y=%2F',
  'https://xn--pp-8kc.test/cb',
  'https://[2001:db8::1]/cb',
  'http://127.0.0.1/cb',
  'http://127.0.0.1:51004/cb?x',
  'http://[::1]:1/',
  'http://localhost:6274/oauth/callback',
  'com.example.app:/cb',
  'cursor://anysphere.cursor-mcp/oauth/callback',
  'vscode://vscode.github-authentication/did-authenticate',
];

const printable = fc.string({ unit: fc.constantFrom(...asciiFrom(0x20, 0x7e)), maxLength: 40 });

function asciiFrom(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, i) => String.fromCharCode(first + i));
}

describe('redirectUriProblem', () => {
  it.each(good)('finds nothing wrong with %s', (uri) => {
    expect(redirectUriProblem(uri)).toBeNull();
  });

  it.each([
    ['no text', 7],
    ['a list', ['https://app.test/cb']],
    ['endless', `https://app.test/${'x'.repeat(2048)}`],
    ['empty', ''],
    ['relative', '/cb'],
    ['without a scheme', '//app.test/cb'],
    ['with a fragment', 'https://app.test/cb#f'],
    ['with an empty fragment', 'https://app.test/cb#'],
    ['with a space', 'https://app.test/c b'],
    ['with a backslash', 'https://app.test\\@evil.test/cb'],
    ['with a tab in the scheme', 'java\tscript:alert(1)'],
    ['beyond ASCII', 'https://\u0430pp.test/cb'],
    ['cleartext', 'http://app.test/cb'],
    ['cleartext on another loopback address', 'http://127.0.0.2/cb'],
    ['cleartext on a name that begins with loopback', 'http://localhost.evil.test/cb'],
    ['with a user', 'https://app.test@evil.test/cb'],
    ['with an encoded user', 'https://app.test%2f@evil.test/cb'],
    ['with a user under a custom scheme', 'myapp://user@host/cb'],
    ['without slashes', 'https:app.test'],
    ['with one slash', 'https:/app.test/cb'],
    ['with three slashes', 'https:///app.test/cb'],
    ['an encoded address', 'https://0x7f.1/cb'],
    ['a port out of range', 'http://127.0.0.1:65536/cb'],
    ['an empty port', 'https://app.test:/cb'],
    ['with dot segments', 'https://app.test/cb/../x'],
    ['with encoded dot segments', 'https://app.test/cb/%2E%2e/x'],
    ['with an encoded slash in them', 'https://app.test/cb%2f..%2fx'],
    ['with dots and a semicolon', 'https://app.test/cb/..;/x'],
    ['with the code in it', 'https://app.test/cb?code=x'],
    ['with an encoded answer in it', 'https://app.test/cb?a=1&%73tate=x'],
    ['a script', 'javascript:alert(1)'],
    ['a script with slashes', 'JavaScript://x/%0aalert(1)'],
    ['a handler of the system', 'ms-word:/x'],
    ['out of band', 'urn:ietf:wg:oauth:2.0:oob'],
    ['a custom scheme without a slash', 'myapp:cb'],
  ])('names what is wrong with one that is %s', (_name, uri) => {
    expect(redirectUriProblem(uri)).toEqual(expect.any(String));
  });

  it('keeps a web application to https on a real host', () => {
    expect(redirectUriProblem('https://app.test/cb', 'web')).toBeNull();
    for (const uri of ['http://127.0.0.1/cb', 'https://localhost/cb', 'myapp:/cb']) {
      expect(redirectUriProblem(uri, 'native')).toBeNull();
      expect(redirectUriProblem(uri, 'web')).toContain('application_type');
    }
  });

  it('lets nothing through that a URL parser would read as another host', () => {
    fc.assert(
      fc.property(fc.constantFrom('https:', 'http:', 'HTTPS:'), printable, (scheme, rest) => {
        const uri = `${scheme}//app.test${rest}`;
        if (redirectUriProblem(uri) !== null) return;
        const url = new URL(uri);
        expect([url.username, url.password, url.hash]).toEqual(['', '', '']);
        expect(url.protocol).toBe('https:');
        expect(uri.toLowerCase().startsWith(`https://${url.host}`)).toBe(true);
        // What is shown and compared is what a browser would open.
        if (rest.startsWith('/')) expect(url.pathname).toBe(rest.split('?', 1)[0]);
      }),
      { numRuns: 2000 },
    );
  });

  it('answers any value with null or a text that can stand in a response', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(redirectUriProblem(value) ?? '').toMatch(/^[\x20-\x5b\x5d-\x7e]*$/);
      }),
    );
  });
});

describe('matchesRedirectUri', () => {
  it.each(good)('knows %s again', (uri) => {
    expect(matchesRedirectUri(['https://other.test/', uri], uri)).toBe(true);
  });

  it('matches nothing when nothing is registered', () => {
    expect(matchesRedirectUri([], 'https://app.test/cb')).toBe(false);
  });

  it.each([
    ['http://127.0.0.1/cb', 'http://127.0.0.1:51004/cb'],
    ['http://127.0.0.1:1/cb', 'http://127.0.0.1/cb'],
    ['http://[::1]:1/cb?x=1', 'http://[::1]:2/cb?x=1'],
    ['http://localhost:1', 'http://localhost:2'],
  ])('forgives another port on loopback: %s and %s — RFC 8252 §7.3', (known, asked) => {
    expect(matchesRedirectUri([known], asked)).toBe(true);
  });

  it.each([
    ['another loopback name', 'http://127.0.0.1:1/cb', 'http://localhost:1/cb'],
    ['another path', 'http://127.0.0.1:1/cb', 'http://127.0.0.1:2/cb/'],
    ['a query', 'http://127.0.0.1:1/cb', 'http://127.0.0.1:2/cb?'],
    ['another scheme', 'http://127.0.0.1:1/cb', 'https://127.0.0.1:1/cb'],
    ['a port out of range', 'http://127.0.0.1:1/cb', 'http://127.0.0.1:65536/cb'],
    ['a host behind the port', 'http://127.0.0.1:1/cb', 'http://127.0.0.1:2@evil.test/cb'],
    ['a line behind the path', 'http://127.0.0.1:1/cb', 'http://127.0.0.1:2/cb\n'],
    ['another port elsewhere', 'https://app.test:1/cb', 'https://app.test:2/cb'],
    ['another port on loopback with TLS', 'https://localhost:1/cb', 'https://localhost:2/cb'],
    ['another case', 'https://app.test/cb', 'https://app.test/CB'],
    ['a prefix', 'https://app.test/cb', 'https://app.test/cbx'],
  ])('refuses %s', (_name, known, asked) => {
    expect(matchesRedirectUri([known], asked)).toBe(false);
  });

  it('matches, off loopback, no text but the registered one', () => {
    fc.assert(
      fc.property(fc.constantFrom(...good), printable, fc.nat(40), (uri, inserted, at) => {
        const asked = uri.slice(0, at) + inserted + uri.slice(at);
        const matches = matchesRedirectUri([uri], asked);
        if (asked === uri) expect(matches).toBe(true);
        else if (matches) {
          const [known, other] = [new URL(uri), new URL(asked)];
          expect(known.protocol).toBe('http:');
          known.port = other.port = '';
          expect(other.href).toBe(known.href);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('isLoopbackUri and redirectTarget', () => {
  it.each([
    ['http://127.0.0.1:51004/cb', 'loopback', '127.0.0.1:51004'],
    ['http://[::1]/cb', 'loopback', '[::1]'],
    ['https://dev.localhost:3/cb', 'loopback', 'dev.localhost:3'],
    ['https://app.test:8443/cb', 'web', 'app.test:8443'],
    ['https://localhost.evil.test/cb', 'web', 'localhost.evil.test'],
    ['cursor://anysphere/cb', 'app', 'cursor:'],
    ['com.example.app:/cb', 'app', 'com.example.app:'],
  ])('show %s as what it is', (uri, kind, name) => {
    expect(redirectTarget(uri)).toEqual({ kind, name });
    expect(isLoopbackUri(uri)).toBe(kind === 'loopback');
  });
});
