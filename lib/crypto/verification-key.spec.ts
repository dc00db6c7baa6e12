import { generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { parsePublicJwk, parsePublicPem } from './verification-key.js';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).publicKey;
const ed25519 = generateKeyPairSync('ed25519').publicKey;
const jwkOf = (key: KeyObject) => key.export({ format: 'jwk' });
const rsaJwk = jwkOf(rsa.publicKey);
const RSA_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];

describe('parsePublicJwk', () => {
  it.each([
    ['RSA', rsaJwk, RSA_ALGORITHMS],
    ['P-256', jwkOf(ec('P-256')), ['ES256']],
    ['P-384', jwkOf(ec('P-384')), ['ES384']],
    ['P-521', jwkOf(ec('P-521')), ['ES512']],
    ['Ed25519', jwkOf(ed25519), ['EdDSA', 'Ed25519']],
    ['RSA with an alg', { ...rsaJwk, alg: 'PS256', use: 'sig', key_ops: ['verify'] }, ['PS256']],
  ])('reads a key for %s', (_what, jwk, algorithms) => {
    expect(parsePublicJwk({ ...jwk, kid: 'a' })).toMatchObject({ kid: 'a', algorithms });
  });

  it.each<[string, unknown, RegExp]>([
    ['null', null, /not a JSON object/],
    ['a text', 'key', /not a JSON object/],
    ['a symmetric key', { kty: 'oct', k: 'c2VjcmV0' }, /not a public key/],
    ['an unknown type', { kty: 'AKP', alg: 'ML-DSA-44', pub: 'x' }, /not a public key/],
    ['a private key', jwkOf(rsa.privateKey), /private/],
    ['a key for encryption', { ...rsaJwk, use: 'enc' }, /signatures/],
    ['key_ops without verify', { ...rsaJwk, key_ops: ['encrypt'] }, /verify/],
    ['key_ops that are no array', { ...rsaJwk, key_ops: 'verify' }, /verify/],
    ['a kid that is no text', { ...rsaJwk, kid: 7 }, /kid/],
    ['an alg of another type', { ...rsaJwk, alg: 'ES256' }, /alg/],
    ['an alg for encryption', { ...rsaJwk, alg: 'RSA-OAEP' }, /alg/],
    ['an HMAC alg', { ...rsaJwk, alg: 'HS256' }, /alg/],
    ['a missing member', { kty: 'RSA', e: 'AQAB' }, /read/],
    ['a point that is not on the curve', { ...jwkOf(ec('P-256')), y: 'AAAA' }, /read/],
    ['secp256k1', jwkOf(ec('secp256k1')), /supported/],
    ['X25519', jwkOf(generateKeyPairSync('x25519').publicKey), /supported/],
    ['Ed448', jwkOf(generateKeyPairSync('ed448').publicKey), /supported/],
    [
      'RSA with 1024 bits',
      jwkOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey),
      /1024 bits/,
    ],
    [
      'RSA with 512 bits',
      jwkOf(generateKeyPairSync('rsa', { modulusLength: 512 }).publicKey),
      /512 bits/,
    ],
    ['RSA with an exponent of 1', { ...rsaJwk, e: 'AQ' }, /exponent|read/],
    ['RSA with an even exponent', { ...rsaJwk, e: 'Ag' }, /exponent|read/],
  ])('refuses %s — AT-13', (_what, jwk, problem) => {
    expect(() => parsePublicJwk(jwk)).toThrow(problem);
  });
});

describe('parsePublicPem', () => {
  const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();

  it('reads SPKI, and forgives white space around it', () => {
    expect(parsePublicPem(pem)).toMatchObject({ kid: undefined, algorithms: RSA_ALGORITHMS });
    expect(parsePublicPem(`\uFEFF\n  ${pem}\n`).key.equals(rsa.publicKey)).toBe(true);
  });

  it.each([
    [
      'a private key',
      rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      /private/,
    ],
    [
      'an old private key',
      rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
      /private/,
    ],
    ['what is no PEM', 'key', /cannot be read/],
    ['nothing', '', /cannot be read/],
  ])('refuses %s', (_what, text, problem) => {
    expect(() => parsePublicPem(text)).toThrow(problem);
  });
});
