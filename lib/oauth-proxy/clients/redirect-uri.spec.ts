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

  it('takes 2048 characters and no more', () => {
    const longest = `https://app.test/${'x'.repeat(2048 - 17)}`;
    expect(redirectUriProblem(longest)).toBeNull();
    expect(redirectUriProblem(`${longest}x`)).toBe('is longer than 2048 characters');
  });

  it.each([
    'https://app.test:443/cb',
    'http://localhost:80/cb',
    'http://127.0.0.1:65535/cb',
    'https://app.test/a.b/...x/..y/z;./cb',
    'https://app.test/cb?a=../b',
    'https://app.test/cb?next=/..',
    'https://app.test/cb?decode=1&states=2',
    'https://app.test/code?a=b',
    'myapp://host/a@b',
    'myapp:/a/b',
    'a1+b-c.d:/cb',
  ])('finds nothing wrong with the odd but plain %s', (uri) => {
    expect(redirectUriProblem(uri)).toBeNull();
  });

  it.each([
    ['no text', 7, 'is not a string'],
    ['a list', ['https://app.test/cb'], 'is not a string'],
    ['endless', `https://app.test/${'x'.repeat(2048)}`, 'is longer'],
    ['empty', '', 'a character that'],
    ['relative', '/cb', 'not an absolute URI'],
    ['without a scheme', '//app.test/cb', 'not an absolute URI'],
    ['with a scheme further on', '/cb?u=https://app.test/', 'not an absolute URI'],
    ['with a digit for a scheme', '1a:/cb', 'not an absolute URI'],
    ['with a fragment', 'https://app.test/cb#f', 'has a fragment'],
    ['with an empty fragment', 'https://app.test/cb#', 'has a fragment'],
    ['with a space', 'https://app.test/c b', 'a character that'],
    ['with a backslash', 'https://app.test\\@evil.test/cb', 'a character that'],
    ['with a tab in the scheme', 'java\tscript:alert(1)', 'a character that'],
    ['beyond ASCII', 'https://\u0430pp.test/cb', 'a character that'],
    ['cleartext', 'http://app.test/cb', 'must use https'],
    ['cleartext on another loopback address', 'http://127.0.0.2/cb', 'must use https'],
    ['cleartext on a name like loopback', 'http://localhost.evil.test/cb', 'must use https'],
    ['with a user', 'https://app.test@evil.test/cb', 'no plain host'],
    ['with an encoded user', 'https://app.test%2f@evil.test/cb', 'no plain host'],
    ['with a user under a custom scheme', 'myapp://user@host/cb', 'has user information'],
    ['without slashes', 'https:app.test', 'no plain host'],
    ['with one slash', 'https:/app.test/cb', 'no plain host'],
    ['with three slashes', 'https:///app.test/cb', 'no plain host'],
    ['with a host further on', 'https:x?https://app.test/', 'no plain host'],
    ['an encoded address', 'https://0x7f.1/cb', 'in its plain form'],
    ['a port out of range', 'http://127.0.0.1:65536/cb', 'no plain host'],
    ['an empty port', 'https://app.test:/cb', 'in its plain form'],
    ['the other scheme’s port', 'http://localhost:443x/cb', 'no plain host'],
    ['a default port written with zeros', 'https://app.test:0443/cb', 'in its plain form'],
    ['with dot segments', 'https://app.test/cb/../x', 'a dot segment'],
    ['with a dot segment at its end', 'https://app.test/cb/.', 'a dot segment'],
    ['with a dot segment before a query', 'https://app.test/cb/..?a=b', 'a dot segment'],
    ['with encoded dot segments', 'https://app.test/cb/%2E%2e/x', 'a dot segment'],
    ['with an encoded slash in them', 'https://app.test/cb%2f..%2fx', 'a dot segment'],
    ['with an encoded backslash in them', 'https://app.test/cb%5C..%5Cx', 'a dot segment'],
    ['with dots and a semicolon', 'https://app.test/cb/..;/x', 'a dot segment'],
    ['with dot segments under a custom scheme', 'myapp:/cb/../x', 'a dot segment'],
    ['with dots right after a custom scheme', 'myapp:/../x', 'a dot segment'],
    ['with dots after a custom host', 'myapp://host/..', 'a dot segment'],
    ['with the code in it', 'https://app.test/cb?code=x', 'a query parameter'],
    ['with a state first', 'myapp:/?state', 'a query parameter'],
    ['with an encoded answer in it', 'https://app.test/cb?a=1&%73tate=x', 'a query parameter'],
    ['a script', 'javascript:alert(1)', 'a forbidden scheme'],
    ['a script with slashes', 'JavaScript://x/%0aalert(1)', 'a forbidden scheme'],
    ['a handler of the system', 'ms-word:/x', 'a forbidden scheme'],
    ['out of band', 'urn:ietf:wg:oauth:2.0:oob', 'a forbidden scheme'],
    ['a custom scheme without a slash', 'myapp:cb', 'that no slash follows'],
  ])('names what is wrong with one that is %s', (_name, uri, problem) => {
    expect(redirectUriProblem(uri)).toContain(problem);
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

  it('looks at all that is registered, on loopback too', () => {
    const registered = ['https://app.test/cb', 'http://localhost:1/cb', 'http://[::1]/cb'];
    expect(matchesRedirectUri(registered, 'http://localhost:2/cb')).toBe(true);
    expect(matchesRedirectUri(registered, 'http://localhost:2/other')).toBe(false);
    expect(matchesRedirectUri(registered, 'http://127.0.0.1:2/cb')).toBe(false);
    expect(matchesRedirectUri(registered, 'http://localhost:65535/cb')).toBe(true);
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
    ['http://127.255.100.12:80/', 'loopback', '127.255.100.12'],
    ['https://127.100.255.3/', 'loopback', '127.100.255.3'],
    ['https://app.test/?u=http://localhost/', 'web', 'app.test'],
    ['cursor://http://localhost/', 'app', 'cursor:'],
    ['cursor://anysphere/https:', 'app', 'cursor:'],
    ['cursor://anysphere/cb', 'app', 'cursor:'],
    ['com.example.app:/cb', 'app', 'com.example.app:'],
  ])('show %s as what it is', (uri, kind, name) => {
    expect(redirectTarget(uri)).toEqual({ kind, name });
    expect(isLoopbackUri(uri)).toBe(kind === 'loopback');
  });
});
