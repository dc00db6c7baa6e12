import { describe, expect, it } from '@jest/globals';
import { OAuthError } from '../../http/oauth-error.js';
import { Parameters } from '../../http/parameters.js';
import type { ProtectedResource } from '../../resources/protected-resource.js';
import { ResourceRegistry } from '../../resources/resource-registry.js';
import type { Client } from '../clients/client.js';
import { scopePolicy } from '../scope-policy.js';
import { parseAuthorizationRequest } from './authorization-request.js';

const redirectUri = 'https://app.test/cb';
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
const baseline = {
  response_type: 'code',
  code_challenge: challenge,
  code_challenge_method: 'S256',
  state: 's',
  scope: 'notes:read',
  resource: 'https://as.test/mcp',
};
const client: Client = {
  id: 'c',
  origin: 'registered',
  redirectUris: [redirectUri],
  grantTypes: ['authorization_code'],
  authenticationMethod: 'none',
  issuedAt: 0,
};

const resource = (name: string, identifier: string): ProtectedResource => ({
  name,
  identifier,
  requiredScopes: [],
  displayName: undefined,
  documentation: undefined,
});
const policy = {
  resources: new ResourceRegistry([
    resource('first', 'https://as.test/mcp'),
    resource('second', 'https://as.test/mcp2'),
  ]),
  scopes: scopePolicy(['mcp:use', 'notes:read', 'notes:write'], ['mcp:use']),
};

type Changes = Readonly<Record<string, string>>;

function parse(changes: Changes = {}, { extra = '', by = client } = {}) {
  const query = new URLSearchParams({ ...baseline, ...changes }).toString() + extra;
  return parseAuthorizationRequest(Parameters.fromQuery(query), by, redirectUri, policy);
}

function refusalOf(changes: Changes, extra = ''): string {
  try {
    parse(changes, { extra });
  } catch (error) {
    if (error instanceof OAuthError) return error.error;
    throw error;
  }
  return 'none';
}

describe('parseAuthorizationRequest', () => {
  it('reads what the client asks for', () => {
    expect(parse()).toEqual({
      clientId: 'c',
      redirectUri,
      codeChallenge: challenge,
      scopes: ['notes:read', 'mcp:use'],
      resource: 'https://as.test/mcp',
      state: 's',
    });
  });

  it('adds the default scopes and drops the unknown ones', () => {
    expect(parse({ scope: 'unknown notes:write' }).scopes).toEqual(['notes:write', 'mcp:use']);
    expect(parse({ scope: 'unknown' }).scopes).toEqual(['mcp:use']);
  });

  it("takes the client's registered scopes for those of a request without any", () => {
    const by = { ...client, scopes: ['notes:write'] };
    expect(parse({ scope: '' }, { by }).scopes).toEqual(['notes:write', 'mcp:use']);
    // They are a default and no ceiling.
    expect(parse({ scope: 'notes:read' }, { by }).scopes).toEqual(['notes:read', 'mcp:use']);
    expect(parse({ scope: '' }).scopes).toEqual(['mcp:use']);
  });

  it('takes the default resource where none is named', () => {
    expect(parse({ resource: '' }).resource).toBe('https://as.test/mcp');
    expect(parse({ resource: 'HTTPS://AS.test/mcp2/' }).resource).toBe('https://as.test/mcp2');
  });

  it('has no state where none was sent', () => {
    expect(parse({ state: '' })).not.toHaveProperty('state');
  });

  it.each([
    ['no response type', { response_type: '' }, 'invalid_request'],
    ['another response type', { response_type: 'token' }, 'unsupported_response_type'],
    ['another response mode', { response_mode: 'fragment' }, 'invalid_request'],
    ['a request object', { request: 'a.b.c' }, 'request_not_supported'],
    ['a request by reference', { request_uri: 'https://a.test/' }, 'request_uri_not_supported'],
    ['no challenge', { code_challenge: '' }, 'invalid_request'],
    ['no challenge method', { code_challenge_method: '' }, 'invalid_request'],
    ['the plain method', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['a short challenge', { code_challenge: challenge.slice(1) }, 'invalid_request'],
    ['a padded challenge', { code_challenge: `${challenge}=` }, 'invalid_request'],
    ['a malformed scope', { scope: 'a"b' }, 'invalid_scope'],
    [
      'too many scopes',
      { scope: Array.from({ length: 101 }, (_, i) => `s${i}`).join(' ') },
      'invalid_scope',
    ],
    ['a foreign resource', { resource: 'https://other.test/mcp' }, 'invalid_target'],
    ['a state that cannot be returned', { state: '\u00e9' }, 'invalid_request'],
  ])('refuses %s', (_name, changes, error) => {
    expect(refusalOf(changes as Changes)).toBe(error);
  });

  it.each([
    ['&state=t', 'invalid_request'],
    ['&code_challenge=x', 'invalid_request'],
    ['&unknown=1&unknown=2', 'invalid_request'],
    ['&resource=https%3A%2F%2Fas.test%2Fmcp2', 'invalid_target'],
  ])('refuses what is sent twice: %s — RFC 6749 §3.1', (extra, error) => {
    expect(refusalOf({}, extra)).toBe(error);
    expect(refusalOf({}, '&unknown=1')).toBe('none');
  });
});
