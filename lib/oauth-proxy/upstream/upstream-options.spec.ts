import { describe, expect, it } from '@jest/globals';
import { SystemClock } from '../../common/clock.js';
import { MultiAuthEvents } from '../../common/events.js';
import { OAuth2Upstream } from './oauth2.upstream.js';
import { OidcUpstream } from './oidc.upstream.js';
import {
  upstreamOptionIssues,
  type UpstreamOptions,
  upstreamUrlIssues,
} from './upstream-options.js';

const host = {
  baseUrl: 'https://as.test',
  clock: new SystemClock(),
  events: new MultiAuthEvents(),
};

function pathsOf(options: Partial<UpstreamOptions>): string[] {
  return upstreamOptionIssues({ clientId: 'app', ...options }, 'upstream', []).map((i) => i.path);
}

describe('upstreamOptionIssues', () => {
  it.each([
    ['a public client', {}],
    ['a secret', { clientSecret: 's' }],
    ['a secret in the form', { clientSecret: 's', clientAuthentication: 'client_secret_post' }],
    ['scopes', { scopes: ['openid', 'api://x/.default'] }],
    [
      'harmless parameters',
      { extraAuthorizeParams: { access_type: 'offline', prompt: 'consent' } },
    ],
    ['claims', { embedClaims: ['email', 'groups'] }],
    ['no PKCE', { forwardPkce: false }],
    ['the resource of the client', { forwardResource: true }],
  ] as [string, Partial<UpstreamOptions>][])('finds nothing wrong with %s', (_name, options) => {
    expect(pathsOf(options)).toEqual([]);
  });

  it.each([
    ['no client id', { clientId: '' }, 'clientId'],
    ['an empty secret', { clientSecret: '' }, 'clientSecret'],
    [
      'a secret that is not used',
      { clientSecret: 's', clientAuthentication: 'none' },
      'clientAuthentication',
    ],
    ['a missing secret', { clientAuthentication: 'client_secret_post' }, 'clientAuthentication'],
    ['a scope that is two', { scopes: ['a b'] }, 'scopes'],
    ['a key that is none', { clientKey: { kty: 'RSA' } }, 'clientKey'],
    ['a PKCE of text', { forwardPkce: 'no' as never }, 'forwardPkce'],
    ['a resource of text', { forwardResource: 'https://x' as never }, 'forwardResource'],
    ['scopes that are a word', { scopes: 'all' as never }, 'scopes'],
    ['a list of users', { allowUser: ['alice'] as never }, 'allowUser'],
    ['half a mapping', { scopeMapping: { toUpstream: () => [] } as never }, 'scopeMapping'],
    ['a mapping that is none', { scopeMapping: null as never }, 'scopeMapping'],
  ] as [string, Partial<UpstreamOptions>, string][])('finds %s', (_name, options, name) => {
    expect(pathsOf(options)).toEqual([`upstream.${name}`]);
  });

  it.each([
    'state',
    'nonce',
    'redirect_uri',
    'code_challenge',
    'response_type',
    'request_uri',
    'scope',
  ])('does not let %s of the authorization request be overridden', (name) => {
    const path = `upstream.extraAuthorizeParams.${name}`;
    expect(pathsOf({ extraAuthorizeParams: { [name]: 'x' } })).toEqual([path]);
  });

  it.each([
    'code',
    'code_verifier',
    'client_assertion',
    'client_secret',
    'grant_type',
    'refresh_token',
    'subject_token',
  ])('does not let %s of the token request be overridden', (name) => {
    const path = `upstream.extraTokenParams.${name}`;
    expect(pathsOf({ extraTokenParams: { [name]: 'x' } })).toEqual([path]);
  });

  it.each(['iss', 'sub', 'aud', 'exp', 'scope', 'client_id', 'jti', 'sid'])(
    'does not let the upstream set the claim %s',
    (name) => {
      expect(pathsOf({ embedClaims: ['email', name] })).toEqual(['upstream.embedClaims']);
    },
  );

  it('never shows the value of an option', () => {
    const issues = upstreamOptionIssues(
      { clientId: 'app', clientSecret: 'hidden', clientAuthentication: 'none' },
      'upstream',
      [],
    );
    expect(JSON.stringify(issues)).not.toContain('hidden');
  });
});

describe('upstreamUrlIssues', () => {
  it.each([
    'https://idp.test',
    'https://idp.test/tenant?p=1',
    'http://localhost:9000',
    'http://127.0.0.1/',
  ])('takes %s', (url) => {
    expect(upstreamUrlIssues(url, 'path', host)).toEqual([]);
  });

  it.each([
    ['nothing', undefined],
    ['a path', '/authorize'],
    ['cleartext', 'http://idp.test'],
    ['another scheme', 'ftp://idp.test'],
    ['a script', 'javascript:alert(1)'],
    ['credentials', 'https://user:pass@idp.test'],
    ['a fragment', 'https://idp.test/#x'],
    ['this server itself', 'https://as.test/authorize'],
  ])('refuses %s', (_name, url) => {
    expect(upstreamUrlIssues(url, 'path', host)).toEqual([
      { path: 'path', problem: expect.any(String) },
    ]);
  });
});

describe('the options of an OAuth2Upstream', () => {
  const tokenVerifier = { verifyToken: () => null };
  const pathsFor = (changes: object): string[] =>
    new OAuth2Upstream({
      authorizationEndpoint: 'https://idp.test/authorize',
      tokenEndpoint: 'https://idp.test/token',
      clientId: 'app',
      tokenVerifier,
      ...changes,
    })
      .issues(host, 'upstream')
      .map((issue) => issue.path);

  it.each([
    {},
    { tokenToVerify: 'id_token' },
    { tokenToVerify: 'access_token' },
    { tokenVerifier: () => tokenVerifier },
    { revokeTokens: () => {} },
    { scopes: 'requested' },
  ])('may be %j', (options) => {
    expect(pathsFor(options)).toEqual([]);
  });

  it.each([
    [{ tokenVerifier: undefined }, 'tokenVerifier'],
    [{ tokenVerifier: {} }, 'tokenVerifier'],
    [{ tokenToVerify: 'refresh_token' }, 'tokenToVerify'],
    [{ tokenEndpoint: 'http://idp.test/token' }, 'tokenEndpoint'],
    [{ userinfoEndpoint: 'https://idp.test/me' }, 'userinfoEndpoint'],
    [{ revokeTokens: 'https://idp.test/revoke' }, 'revokeTokens'],
    [{ revokeTokens: () => {}, revocationEndpoint: 'https://idp.test/r' }, 'revokeTokens'],
  ])('must not be %j', (options, name) => {
    expect(pathsFor(options)).toEqual([`upstream.${name}`]);
  });
});

describe('the options of an OidcUpstream', () => {
  const endpoints = {
    authorizationEndpoint: 'https://idp.test/authorize',
    tokenEndpoint: 'https://idp.test/token',
    jwksUri: 'https://idp.test/keys',
  };
  const pathsFor = (changes: object): string[] =>
    new OidcUpstream({ issuer: 'https://idp.test', clientId: 'app', ...changes })
      .issues(host, 'upstream')
      .map((issue) => issue.path);

  it.each([
    {},
    { endpoints },
    { endpoints: { ...endpoints, userinfoEndpoint: 'https://idp.test/me' } },
    { endpoints, issuer: 'https://idp.test/{tenantid}/v2.0' },
  ])('may be %j', (options) => {
    expect(pathsFor(options)).toEqual([]);
  });

  it.each([
    [{ issuer: 'https://idp.test/{tenantid}/v2.0' }, 'issuer'],
    [{ issuer: 'https://as.test' }, 'issuer'],
    [{ endpoints: { ...endpoints, jwksUri: undefined } }, 'endpoints.jwksUri'],
    [{ endpoints: { ...endpoints, tokenEndpoint: 'http://idp.test' } }, 'endpoints.tokenEndpoint'],
    [{ endpoints: { ...endpoints, revocationEndpoint: '/x' } }, 'endpoints.revocationEndpoint'],
    [{ endpoints: { ...endpoints, userinfo: 'https://idp.test' } }, 'endpoints.userinfo'],
  ])('must not be %j', (options, name) => {
    expect(pathsFor(options)).toEqual([`upstream.${name}`]);
  });
});
