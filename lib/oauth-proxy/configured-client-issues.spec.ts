import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { hashSecret } from '../crypto/hash.js';
import { type ConfiguredClient, toClient } from './configured-client.js';
import { configuredClientIssues } from './configured-client-issues.js';

const secret = 'k1u8vQwZ-3xT_rY7bN0mLp5sHdGfJcEa9iOo2';
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = { ...pair.publicKey.export({ format: 'jwk' }), kid: 'k' };
const jwks = { keys: [jwk] };
const jwksUri = 'https://app.test/jwks.json';
const base: ConfiguredClient = { clientId: 'c', redirectUris: ['https://app.test/cb'] };

function issuesOf(...clients: unknown[]): Record<string, string> {
  const issues = configuredClientIssues(clients as ConfiguredClient[], 'clients');
  return Object.fromEntries(issues.map(({ path, problem }) => [path, problem]));
}

const withChange = (change: object): unknown => ({ ...base, ...change });

describe('configuredClientIssues', () => {
  it.each([
    ['no more than it needs', {}],
    [
      'everything else',
      {
        clientName: 'App',
        clientUri: 'https://app.test',
        applicationType: 'web',
        grantTypes: ['authorization_code'],
        scopes: ['read'],
      },
    ],
    ['no secret, in so many words', { tokenEndpointAuthMethod: 'none' }],
    ['a secret', { clientSecret: secret }],
    [
      'a secret in the form',
      { clientSecret: secret, tokenEndpointAuthMethod: 'client_secret_post' },
    ],
    ['a hash in base64url', { clientSecretHash: hashSecret(secret) }],
    ['a hash in hexadecimal', { clientSecretHash: 'AB'.repeat(32) }],
    ['keys', { jwks }],
    ['published keys', { jwksUri }],
    ['keys published on this machine', { jwksUri: 'http://127.0.0.1:8080/jwks.json' }],
    ['keys, in so many words', { jwks, tokenEndpointAuthMethod: 'private_key_jwt' }],
  ])('finds nothing wrong with a client that has %s', (_name, change) => {
    expect(issuesOf(withChange(change))).toEqual({});
  });

  it.each([
    ['clientId', { clientId: '' }],
    ['clientId', { clientId: 'https://app.test/client' }],
    ['clientId', { clientId: 7 }],
    ['clientName', { clientName: '' }],
    ['clientName', { clientName: 7 }],
    ['clientUri', { clientUri: 'javascript:alert(1)' }],
    ['clientUri', { clientUri: 'https://' }],
    ['redirectUris', { redirectUris: [] }],
    ['redirectUris', { redirectUris: undefined }],
    ['redirectUris[0]', { redirectUris: ['http://app.test/cb'] }],
    ['redirectUris[0]', { redirectUris: ['http://127.0.0.1/cb'], applicationType: 'web' }],
    ['applicationType', { applicationType: 'desktop' }],
    ['grantTypes', { grantTypes: [] }],
    ['grantTypes', { grantTypes: ['refresh_token'] }],
    ['grantTypes', { grantTypes: ['authorization_code', 'password'] }],
    ['grantTypes', { grantTypes: 'authorization_code' }],
    ['scopes', { scopes: ['a b'] }],
    ['scopes', { scopes: 'a' }],
    ['redirectUri', { redirectUri: 'https://app.test/cb' }],
    ['tokenEndpointAuthMethod', { tokenEndpointAuthMethod: 'client_secret_jwt' }],
    ['tokenEndpointAuthMethod', { tokenEndpointAuthMethod: 7 }],
    ['clientSecret', { clientSecret: '' }],
    ['clientSecret', { clientSecret: 'short' }],
    ['clientSecret', { clientSecret: 'change-me-change-me-change-me-123' }],
    ['clientSecret', { clientSecret: 7 }],
    ['clientSecret', { clientSecret: secret, tokenEndpointAuthMethod: 'none' }],
    ['clientSecret', { clientSecret: secret, tokenEndpointAuthMethod: 'private_key_jwt', jwks }],
    ['clientSecret', { tokenEndpointAuthMethod: 'client_secret_basic' }],
    ['clientSecret', { tokenEndpointAuthMethod: 'client_secret_post' }],
    ['clientSecretHash', { clientSecretHash: hashSecret(secret).slice(1) }],
    ['clientSecretHash', { clientSecretHash: secret }],
    ['clientSecretHash', { clientSecretHash: `${hashSecret(secret).slice(0, -1)}B` }],
    ['clientSecretHash', { clientSecretHash: 'a'.repeat(63) }],
    ['clientSecretHash', { clientSecretHash: 7 }],
    ['clientSecretHash', { clientSecret: secret, clientSecretHash: hashSecret(secret) }],
    ['clientSecretHash', { clientSecretHash: hashSecret(secret), tokenEndpointAuthMethod: 'none' }],
    ['jwks', { tokenEndpointAuthMethod: 'private_key_jwt' }],
    ['jwks', { jwks: { keys: [] } }],
    ['jwks', { jwks: { keys: [{ ...jwk, d: 'x' }] } }],
    ['jwks', { jwks: [jwk] }],
    ['jwks', { jwks, tokenEndpointAuthMethod: 'none' }],
    ['jwks', { jwks, clientSecret: secret }],
    ['jwksUri', { jwks, jwksUri }],
    ['jwksUri', { jwksUri, tokenEndpointAuthMethod: 'client_secret_basic', clientSecret: secret }],
    ['jwksUri', { jwksUri: 'http://app.test/jwks.json' }],
    ['jwksUri', { jwksUri: 'http://user@127.0.0.1/jwks.json' }],
    ['jwksUri', { jwksUri: 'https://user:password@app.test/jwks.json' }],
    ['jwksUri', { jwksUri: '/jwks.json' }],
    ['jwksUri', { jwksUri: 7 }],
  ])('names %s when that is wrong: %#', (option, change) => {
    const issues = issuesOf(withChange(change));
    expect(Object.keys(issues)).toEqual([`clients[0].${option}`]);
  });

  it('never repeats a value', () => {
    const wrong = [
      { clientSecret: 'a-secret-too-short' },
      { clientSecretHash: 'a-secret-too-short' },
      { clientSecret: secret, tokenEndpointAuthMethod: 'none' },
    ].map(withChange);
    const text = JSON.stringify(issuesOf(...wrong));
    expect(text).not.toContain('a-secret-too-short');
    expect(text).not.toContain(secret);
  });

  it.each([[7], [null], [undefined], ['c']])('refuses %s for a client', (client) => {
    expect(issuesOf(client)).toEqual({ 'clients[0]': 'must be a client' });
  });

  it('refuses what is no list, and one id twice', () => {
    expect(configuredClientIssues({} as never, 'clients')).toHaveLength(1);
    expect(issuesOf(base, base)).toEqual({ 'clients[1].clientId': 'is repeated' });
  });
});

describe('toClient', () => {
  it.each([
    [{}, 'none'],
    [{ clientSecret: secret }, 'client_secret_basic'],
    [{ clientSecretHash: hashSecret(secret) }, 'client_secret_basic'],
    [{ jwks }, 'private_key_jwt'],
    [{ jwksUri }, 'private_key_jwt'],
    [{ clientSecret: secret, tokenEndpointAuthMethod: 'client_secret_post' }, 'client_secret_post'],
  ] as const)('finds the method in what the client has: %#', (change, method) => {
    expect(toClient({ ...base, ...change }).authenticationMethod).toBe(method);
  });

  it('keeps the hash of a secret and never the secret', () => {
    const hex = Buffer.from(hashSecret(secret), 'base64url').toString('hex');
    for (const change of [
      { clientSecret: secret },
      { clientSecretHash: hashSecret(secret) },
      { clientSecretHash: hex },
      { clientSecretHash: hex.toUpperCase() },
    ]) {
      const client = toClient({ ...base, ...change });
      expect(client.secretHash).toBe(hashSecret(secret));
      expect(JSON.stringify(client)).not.toContain(secret);
    }
  });

  it('gives a client both grants and nothing that it does not have', () => {
    expect(toClient(base)).toEqual({
      id: 'c',
      origin: 'configured',
      redirectUris: base.redirectUris,
      grantTypes: ['authorization_code', 'refresh_token'],
      authenticationMethod: 'none',
      issuedAt: 0,
    });
  });
});
