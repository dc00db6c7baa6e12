import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { OAuthError } from '../../http/oauth-error.js';
import { parseClientMetadata } from './client-metadata.js';

const redirect_uris = ['https://app.test/cb'];
const keyed = { token_endpoint_auth_method: 'private_key_jwt' };
const publicKey = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
};

function refusalOf(body: Record<string, unknown>): string {
  try {
    parseClientMetadata(body);
  } catch (error) {
    if (error instanceof OAuthError) return error.error;
    throw error;
  }
  return 'none';
}

describe('parseClientMetadata', () => {
  it('needs redirect URIs alone and has a default for the rest — RFC 7591 §2', () => {
    expect(parseClientMetadata({ redirect_uris })).toEqual({
      redirectUris: redirect_uris,
      grantTypes: ['authorization_code', 'refresh_token'],
      authenticationMethod: 'none',
    });
  });

  it('reads what a client says of itself', () => {
    expect(
      parseClientMetadata({
        redirect_uris,
        client_name: ' App ',
        client_uri: 'https://app.test/',
        grant_types: ['authorization_code', 'implicit'],
        response_types: ['code', 'token'],
        token_endpoint_auth_method: 'client_secret_basic',
        application_type: 'web',
        scope: 'a b a',
        software_id: 'ignored',
      }),
    ).toEqual({
      redirectUris: redirect_uris,
      name: 'App',
      uri: 'https://app.test/',
      grantTypes: ['authorization_code'],
      authenticationMethod: 'client_secret_basic',
      applicationType: 'web',
      scopes: ['a', 'b'],
    });
  });

  it.each([
    ['jwks', { keys: [publicKey] }, 'jwks'],
    ['jwks_uri', 'https://app.test/keys', 'jwksUri'],
  ])('keeps %s where they are used, and else not', (name, value, kept) => {
    const unused = parseClientMetadata({ redirect_uris, [name]: value });
    expect(unused).not.toHaveProperty(kept);
    const used = parseClientMetadata({ redirect_uris, ...keyed, [name]: value });
    expect(used).toMatchObject({ authenticationMethod: 'private_key_jwt', [kept]: value });
  });

  it('takes null for what is not there', () => {
    const names = ['client_name', 'client_uri', 'grant_types', 'response_types', 'scope'];
    const nulls = Object.fromEntries(names.map((name) => [name, null]));
    expect(parseClientMetadata({ redirect_uris, ...nulls })).toEqual(
      parseClientMetadata({ redirect_uris }),
    );
  });

  it('keeps what cannot be seen out of the name', () => {
    const { name } = parseClientMetadata({ redirect_uris, client_name: 'A\u202Ep\u0000p\n' });
    expect(name).toBe('App');
  });

  it.each([
    ['none', undefined],
    ['no list', 'https://app.test/cb'],
    ['an empty list', []],
    ['too many', Array.from({ length: 21 }, (_, i) => `https://app.test/${i}`)],
    ['a bad one among good ones', ['https://app.test/cb', 'javascript:alert(1)']],
    ['a hole', Object.assign([], { length: 2, 0: 'https://app.test/cb' })],
    ['lists in the list', [['https://app.test/cb']]],
  ])('refuses redirect URIs that are %s — RFC 7591 §3.2.2', (_name, uris) => {
    expect(refusalOf({ redirect_uris: uris })).toBe('invalid_redirect_uri');
  });

  it.each([
    ['a name that is no text', { client_name: 7 }],
    ['a name too long to show', { client_name: 'x'.repeat(201) }],
    ['a home page that is a script', { client_uri: 'javascript:alert(1)' }],
    ['a logo that is data', { logo_uri: 'data:image/png;base64,AA' }],
    ['terms in a file', { tos_uri: 'file:///etc/passwd' }],
    ['a policy that is no URL', { policy_uri: 'https://' }],
    ['keys that are no text', { jwks_uri: {} }],
    ['no grant that is offered', { grant_types: ['implicit'] }],
    ['grants that are no list', { grant_types: 'authorization_code' }],
    ['grants that are no texts', { grant_types: ['authorization_code', 7] }],
    ['another response type', { response_types: ['token'] }],
    ['an unknown authentication', { token_endpoint_auth_method: 'client_secret_jwt' }],
    ['a method that needs keys without any', { token_endpoint_auth_method: 'private_key_jwt' }],
    ['keys and where they are', { jwks: { keys: [publicKey] }, jwks_uri: 'https://app.test/k' }],
    ['a private key', { ...keyed, jwks: { keys: [{ ...publicKey, d: 'AA' }] } }],
    ['keys that are a list', { ...keyed, jwks: [publicKey] }],
    ['keys that travel in the clear', { ...keyed, jwks_uri: 'http://app.test/k' }],
    ['a sector that is a script', { sector_identifier_uri: 'javascript:alert(1)' }],
    ['an unknown kind of application', { application_type: 'toString' }],
    ['a malformed scope', { scope: 'a"b' }],
    ['a scope that is a list', { scope: ['a'] }],
  ])('refuses %s', (_name, change) => {
    expect(refusalOf({ redirect_uris, ...change })).toBe('invalid_client_metadata');
  });

  it('does not read what is inherited', () => {
    const body = Object.create({ client_name: 'inherited' }) as Record<string, unknown>;
    body['redirect_uris'] = redirect_uris;
    expect(parseClientMetadata(body).name).toBeUndefined();
  });

  it('answers any document with metadata or an OAuthError', () => {
    const names =
      'redirect_uris client_name client_uri grant_types response_types scope application_type';
    const member = fc.constantFrom(...names.split(' '));
    fc.assert(
      fc.property(fc.dictionary(member, fc.anything()), (body) => {
        expect(['none', 'invalid_redirect_uri', 'invalid_client_metadata']).toContain(
          refusalOf(body),
        );
      }),
    );
  });
});
