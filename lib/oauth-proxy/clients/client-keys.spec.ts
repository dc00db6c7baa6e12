import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { clientKeysProblem, clientKeysUriProblem, parseClientKeys } from './client-keys.js';

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const publicJwk = { ...ec.publicKey.export({ format: 'jwk' }), kid: 'k' };
const privateJwk = ec.privateKey.export({ format: 'jwk' });
const rsa = (bits: number): object =>
  generateKeyPairSync('rsa', { modulusLength: bits }).publicKey.export({ format: 'jwk' });
const unknown = { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AAAA' };
const keys = (count: number): object[] =>
  Array.from({ length: count }, (_, i) => ({ ...publicJwk, kid: `k${i}` }));

describe('clientKeysProblem', () => {
  it.each([
    ['a key', { keys: [publicJwk] }],
    ['a key beside one of a type to come', { keys: [unknown, publicJwk] }],
    ['an RSA key of 2048 bits', { keys: [rsa(2048)] }],
    ['twenty keys', { keys: keys(20) }],
  ])('finds nothing wrong with %s', (_name, jwks) => {
    expect(clientKeysProblem(jwks)).toBeNull();
    expect(parseClientKeys(jwks)).not.toHaveLength(0);
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', '{"keys":[]}'],
    ['a list', [publicJwk]],
    ['keys that are no list', { keys: publicJwk }],
    ['no keys', { keys: [] }],
    ['what is no key', { keys: ['k', null, 7] }],
    ['a private key', { keys: [privateJwk] }],
    ['a private key beside a public one', { keys: [publicJwk, privateJwk] }],
    ['a private RSA key without d', { keys: [publicJwk, { ...rsa(2048), p: 'AAAA' }] }],
    ['a symmetric key', { keys: [publicJwk, { kty: 'oct', k: 'AAAA' }] }],
    ['a symmetric key without its value', { keys: [publicJwk, { kty: 'oct' }] }],
    ['none that can be used', { keys: [unknown] }],
    ['a key for encryption', { keys: [{ ...publicJwk, use: 'enc' }] }],
    ['an RSA key that is too short', { keys: [rsa(1024)] }],
    ['two keys of one name', { keys: [publicJwk, { ...rsa(2048), kid: 'k' }] }],
    ['too many keys', { keys: keys(21) }],
  ])('names what is wrong with %s', (_name, jwks) => {
    expect(clientKeysProblem(jwks)).toMatch(/^must [\w ]+$/);
    expect(() => parseClientKeys(jwks)).toThrow(/^must /);
  });
});

describe('clientKeysUriProblem', () => {
  it.each(['https://app.test/jwks.json', 'https://app.test:8443/?jwks'])('takes %s', (uri) => {
    expect(clientKeysUriProblem(uri)).toBeNull();
  });

  it.each([
    undefined,
    null,
    7,
    '',
    '/jwks.json',
    'http://app.test/jwks.json',
    'http://127.0.0.1/jwks.json',
    'file:///etc/passwd',
    'data:application/json,{}',
    'https://user@app.test/jwks.json',
    'https://user:password@app.test/jwks.json',
    'https://app.test/jwks.json#f',
    'https://app.test/jwks.json#',
    `https://app.test/${'x'.repeat(2048)}`,
  ])('names what is wrong with %s', (uri) => {
    expect(clientKeysUriProblem(uri)).toMatch(/^must /);
  });
});
