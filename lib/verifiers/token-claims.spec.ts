import { describe, expect, it } from '@jest/globals';
import { clientIdOf, matchedAudiences, scopesOf, verifiedTokenOf } from './token-claims.js';

describe('clientIdOf', () => {
  it.each([
    [{ client_id: 'c', azp: 'a', sub: 's' }, 'c'],
    [{ azp: 'a', sub: 's' }, 'a'],
    [{ sub: 's' }, 's'],
    [{}, 'unknown'],
    [{ client_id: 7, azp: '', sub: 's' }, 's'],
    [{ client_id: ['c'], azp: null, sub: { s: 1 } }, 'unknown'],
  ])('reads %j as %s', (claims, clientId) => {
    expect(clientIdOf(claims)).toBe(clientId);
  });
});

describe('scopesOf', () => {
  it.each([
    ['a string', { scope: 'read write' }, ['read', 'write']],
    ['a string with spaces too many', { scope: ' read  write ' }, ['read', 'write']],
    ['a repeated scope once', { scope: 'read read' }, ['read']],
    ['an array', { scope: ['read', 'write'] }, ['read', 'write']],
    ['scp when there is no scope', { scp: 'read' }, ['read']],
    ['an array of scp', { scp: ['read'] }, ['read']],
    ['nothing as none', {}, []],
    ['an empty string as none', { scope: '' }, []],
  ])('reads %s — AT-30', (_what, claims, scopes) => {
    expect(scopesOf(claims)).toEqual(scopes);
  });

  it('takes scope before scp and never both — AT-30', () => {
    expect(scopesOf({ scope: 'read', scp: 'admin' })).toEqual(['read']);
    expect(scopesOf({ scope: '', scp: ['admin'] })).toEqual([]);
    expect(scopesOf({ scope: 7, scp: ['admin'] })).toBeNull();
  });

  it.each([
    ['a scope with a space in an array', { scope: ['read admin'] }],
    ['an empty scope in an array', { scope: [''] }],
    ['a nested array', { scope: [['read']] }],
    ['a number', { scope: 7 }],
    ['null', { scope: null }],
    ['an object', { scope: { read: true } }],
    ['a tab', { scope: 'read\tadmin' }],
    ['a quote', { scp: 'read"' }],
    ['a letter outside of ASCII', { scp: ['réad'] }],
  ])('does not understand %s — AT-30', (_what, claims) => {
    expect(scopesOf(claims)).toBeNull();
  });
});

describe('matchedAudiences', () => {
  const audiences = ['https://a.example/mcp', 'https://b.example/mcp'];

  it('finds the audiences a token names', () => {
    expect(matchedAudiences({ aud: audiences[1] }, audiences)).toEqual([audiences[1]]);
    expect(matchedAudiences({ aud: ['x', audiences[0]] }, audiences)).toEqual([audiences[0]]);
  });

  it.each([
    undefined,
    null,
    7,
    '',
    [],
    {},
    'https://a.example',
    'https://a.example/mcp/',
    'https://A.example/mcp',
    ['https://a.example/mcp', 7],
    [['https://a.example/mcp']],
  ])('finds none in %j — AT-17', (aud) => {
    expect(matchedAudiences({ aud }, audiences)).toEqual([]);
  });
});

describe('verifiedTokenOf', () => {
  const claims = {
    iss: 'https://idp.example',
    sub: 'user',
    client_id: 'client',
    aud: ['https://b.example', 'https://a.example'],
    scope: 'read',
    exp: 1000,
    tenant: 't',
  };

  it('says all that the claims say', () => {
    expect(verifiedTokenOf(claims, ['https://a.example'], 'https://a.example')).toEqual({
      clientId: 'client',
      subject: 'user',
      issuer: 'https://idp.example',
      scopes: ['read'],
      expiresAt: 1000,
      resource: 'https://a.example',
      claims,
    });
  });

  it('prefers the requested resource among several audiences', () => {
    const audiences = ['https://a.example', 'https://b.example'];
    const resourceFor = (requested: string) =>
      verifiedTokenOf(claims, audiences, requested)?.resource;
    expect(resourceFor('https://b.example')).toBe('https://b.example');
    expect(resourceFor('https://c.example')).toBe('https://a.example');
  });

  it('is null when the scopes are not understood', () => {
    expect(verifiedTokenOf({ ...claims, scope: 7 }, ['https://a.example'], '')).toBeNull();
  });
});
