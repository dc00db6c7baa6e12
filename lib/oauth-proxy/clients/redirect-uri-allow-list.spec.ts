import { describe, expect, it } from '@jest/globals';
import { RedirectUriAllowList, redirectUriPatternIssues } from './redirect-uri-allow-list.js';

function allows(pattern: string, uri: string): boolean {
  expect(redirectUriPatternIssues([pattern], 'p')).toEqual([]);
  return new RedirectUriAllowList([pattern]).allows(uri);
}

describe('RedirectUriAllowList', () => {
  it.each([
    ['https://app.test/cb', 'https://app.test/cb'],
    ['https://app.test/cb?a=1', 'https://app.test/cb?a=1'],
    ['https://app.test/*', 'https://app.test/'],
    ['https://app.test/*', 'https://app.test/a/b?c=d'],
    ['https://app.test/oauth/*', 'https://app.test/oauth/cb'],
    ['https://app.test:8443/*', 'https://app.test:8443/cb'],
    ['https://*.corp.test/*', 'https://a.corp.test/cb'],
    ['https://*.corp.test/*', 'https://a.b.corp.test/cb'],
    ['https://*.corp.test:8443/cb', 'https://a.corp.test:8443/cb'],
    ['http://127.0.0.1/*', 'http://127.0.0.1:51004/cb'],
    ['http://localhost/cb', 'http://localhost/cb'],
    ['http://[::1]/cb', 'http://[::1]:8080/cb'],
    ['cursor://anysphere.cursor-mcp/*', 'cursor://anysphere.cursor-mcp/oauth/callback'],
    ['com.example.app:/*', 'com.example.app:/cb'],
  ])('%s allows %s', (pattern, uri) => {
    expect(allows(pattern, uri)).toBe(true);
  });

  it.each([
    ['https://app.test/cb', 'https://app.test/cb/'],
    ['https://app.test/cb', 'https://app.test/CB'],
    ['https://app.test/cb', 'https://app.test/cb?a=1'],
    ['https://app.test/cb', 'http://app.test/cb'],
    ['https://app.test/oauth/*', 'https://app.test/oauthx'],
    ['https://app.test/oauth/*', 'https://app.test/oauth/../steal'],
    ['https://app.test/*', 'https://app.test:8443/cb'],
    ['https://app.test/*', 'https://app.test.evil.test/cb'],
    ['https://app.test/*', 'https://app.test@evil.test/cb'],
    ['https://*.corp.test/*', 'https://corp.test/cb'],
    ['https://*.corp.test/*', 'https://.corp.test/cb'],
    ['https://*.corp.test/*', 'https://evilcorp.test/cb'],
    ['https://*.corp.test/*', 'https://a.corp.test:8443/cb'],
    ['http://127.0.0.1/*', 'http://127.0.0.1:51004@evil.test/cb'],
    ['http://127.0.0.1/*', 'http://127.0.0.2/cb'],
    ['http://127.0.0.1/*', 'https://127.0.0.1/cb'],
    ['http://localhost/*', 'http://localhost.evil.test/cb'],
    ['cursor://anysphere.cursor-mcp/*', 'cursor://other/oauth'],
    ['com.example.app:/*', 'com.example.app://evil/cb'],
    ['com.example.app://host/*', 'com.example.app:/cb'],
    ['https://app.test:8443/*', 'https://app.test/cb'],
    ['https://localhost/cb', 'https://app.test/cb'],
  ])('%s does not allow %s', (pattern, uri) => {
    expect(allows(pattern, uri)).toBe(false);
  });

  it('allows nothing when it is empty', () => {
    expect(new RedirectUriAllowList([]).allows('https://app.test/cb')).toBe(false);
  });
});

describe('redirectUriPatternIssues', () => {
  it('has nothing to say of an absent or an empty list', () => {
    expect(redirectUriPatternIssues(undefined, 'p')).toEqual([]);
    expect(redirectUriPatternIssues([], 'p')).toEqual([]);
  });

  it.each([
    ['*', 'must be a URI'],
    ['', 'must be a URI'],
    ['https://*', 'must be a URI'],
    ['https://*/', 'a * elsewhere'],
    ['https://*/cb', 'a * elsewhere'],
    ['https://*.com/*', 'at least two labels'],
    ['https://*./*', 'at least two labels'],
    ['https://*..test/*', 'at least two labels'],
    ['https://*.corp..test/*', 'at least two labels'],
    ['https://*.corp.test./*', 'at least two labels'],
    ['https://*.127.0.0.1/*', 'at least two labels'],
    ['http://*.localhost/*', 'at least two labels'],
    ['https://a.*.test/*', 'a * elsewhere'],
    ['https://a*.corp.test/*', 'a * elsewhere'],
    ['http*://x/*', 'must be a URI'],
    ['HTTPS://app.test/*', 'must be a URI'],
    ['https://app.test', 'must be a URI'],
    ['https://app.test/*/cb', 'a * elsewhere'],
    ['https://app.test/a*', 'a * elsewhere'],
    ['https://app.test/**', 'a * elsewhere'],
    ['https://app.test/../*', 'a dot segment'],
    ['https://app.test:*/*', 'a * elsewhere'],
    ['https://user@app.test/*', 'no plain host'],
    ['http://app.test/*', 'must use https'],
    ['http://localhost:3000/*', 'a port on loopback'],
    ['javascript:*', 'must be a URI'],
    ['javascript:/*', 'a forbidden scheme'],
    ['data:/x', 'a forbidden scheme'],
    ['https://app.test/cb#f', 'a fragment'],
    [null, 'must be a URI'],
    [7, 'must be a URI'],
  ])('refuses the pattern %p', (pattern, problem) => {
    expect(redirectUriPatternIssues([pattern], 'p')).toEqual([
      { path: 'p[0]', problem: expect.stringContaining(problem) },
    ]);
  });

  it.each(['https://*.a.b.corp.test/*', 'https://*.1.corp.test/*', 'https://*.corp.test.4/cb'])(
    'has nothing to say of %s but what a URL parser says',
    (pattern) => {
      const problems = redirectUriPatternIssues([pattern], 'p').map(({ problem }) => problem);
      expect(problems.join()).not.toContain('labels');
    },
  );

  it.each([null, '', 'https://app.test/*', {}])('refuses %p in place of a list', (patterns) => {
    expect(redirectUriPatternIssues(patterns, 'p')).toEqual([
      { path: 'p', problem: 'must be a list of patterns' },
    ]);
  });
});
