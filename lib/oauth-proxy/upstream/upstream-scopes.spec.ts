import { describe, expect, it } from '@jest/globals';
import {
  type ScopeMapping,
  UpstreamScopes,
  type UpstreamScopesOptions,
} from './upstream-scopes.js';

/** As a vendor with its own prefix, and a scope of its own for refresh tokens. */
const prefixed: ScopeMapping = {
  toUpstream: (scopes) => [...scopes.map((s) => `api://app/${s}`), 'offline'],
  fromUpstream: (scopes) => scopes.map((s) => s.replace('api://app/', '')),
};
const scopesOf = (options: UpstreamScopesOptions, always?: readonly string[]): UpstreamScopes =>
  new UpstreamScopes(options, always);

describe('the scopes the upstream is asked for', () => {
  it.each<[string, UpstreamScopesOptions, readonly string[]]>([
    ['those the client asks for', {}, ['read', 'write']],
    ['the same, when that is said', { scopes: 'requested' }, ['read', 'write']],
    ['a list of its own', { scopes: ['profile'] }, ['profile']],
    ['none', { scopes: [] }, []],
    ['mapped', { scopeMapping: prefixed }, ['api://app/read', 'api://app/write', 'offline']],
    ['a list of its own, as it is', { scopes: ['x'], scopeMapping: prefixed }, ['x']],
  ])('are %s', (_name, options, asked) => {
    expect(scopesOf(options).asked(['read', 'write'])).toEqual(asked);
    expect(scopesOf(options, ['openid']).asked(['read', 'write'])).toEqual(['openid', ...asked]);
  });

  it('are named once each', () => {
    expect(scopesOf({ scopes: ['a', 'openid', 'a'] }, ['openid']).asked([])).toEqual([
      'openid',
      'a',
    ]);
  });

  it('are in token requests only where the upstream wants them there', () => {
    const inTokenRequest = (scopes: readonly string[]): readonly string[] => scopes.slice(0, 1);
    const mapping = { ...prefixed, inTokenRequest };
    expect(scopesOf({}).tokenRequestParameter(['read'])).toEqual({});
    expect(scopesOf({ scopeMapping: prefixed }).tokenRequestParameter(['read'])).toEqual({});
    const asked = scopesOf({ scopeMapping: mapping });
    expect(asked.tokenRequestParameter(['read'])).toEqual({ scope: 'api://app/read' });
    expect(asked.tokenRequestParameter([])).toEqual({ scope: 'offline' });
    const none = { ...mapping, inTokenRequest: () => [] };
    expect(scopesOf({ scopeMapping: none }).tokenRequestParameter(['read'])).toEqual({});
  });
});

describe('the scopes the upstream granted', () => {
  it.each<[string, UpstreamScopesOptions, string | undefined, readonly string[] | undefined]>([
    ['are those consented that it names', {}, 'write other', ['write']],
    ['are none when it names none', {}, '', []],
    ['may be separated by commas', {}, 'write,read', ['read', 'write']],
    ['are for the user to choose alone when it does not say', {}, undefined, undefined],
    ['nor when it was not asked for them', { scopes: ['profile'] }, 'profile', undefined],
    [
      'are read by the mapping',
      { scopeMapping: prefixed },
      'api://app/write api://app/x',
      ['write'],
    ],
    ['and nothing but what it reads counts', { scopeMapping: prefixed }, 'api://b/read', []],
  ])('%s', (_name, options, scope, granted) => {
    const response = { ...(scope !== undefined && { scope }) };
    expect(scopesOf(options).granted(['read', 'write'], response)).toEqual(granted);
  });
});
