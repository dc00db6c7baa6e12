import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { isKeyMaterial } from './key-material.js';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
const pkcs1 = publicKey.export({ type: 'pkcs1', format: 'der' });
const spki = publicKey.export({ type: 'spki', format: 'der' });
const jwk = publicKey.export({ format: 'jwk' });
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBgDCCASWgAwIBAgIUQk0uGJuHOMWGmdaLyjXyu2cTJd8wCgYIKoZIzj0EAwIw
-----END CERTIFICATE-----`;

describe('isKeyMaterial', () => {
  it.each([
    ['PEM', pem],
    ['PEM after a line break', `\n${pem}`],
    ['PEM after a byte order mark', `\uFEFF${pem}`],
    ['PEM after a space', ` ${pem}`],
    ['PEM on one line', pem.replaceAll('\n', String.raw`\n`)],
    ['PEM in base64', Buffer.from(pem).toString('base64')],
    ['a certificate', CERTIFICATE],
    ['a private key', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
    ['DER in base64', spki.toString('base64')],
    ['DER in base64 with line breaks', pem.split('\n').slice(1, -2).join('\n')],
    ['DER in base64url', spki.toString('base64url')],
    ['DER in hexadecimal', spki.toString('hex')],
    ['DER as it is', spki.toString('latin1')],
    ['PKCS #1 DER in base64', pkcs1.toString('base64')],
    ['an elliptic key in base64', ec().toString('base64')],
    ['a JWK', JSON.stringify(jwk)],
    ['a JWK with space around it', `\n ${JSON.stringify(jwk, null, 2)} `],
    ['a JWK Set', JSON.stringify({ keys: [jwk] })],
    ['an SSH key', `ssh-rsa ${spki.toString('base64')} me@host`],
  ])('finds %s — AT-07', (_what, text) => {
    expect(isKeyMaterial(text)).toBe(true);
  });

  it('passes random secrets in every dress', () => {
    for (let i = 0; i < 50; i++) {
      const secret = randomBytes(64);
      for (const encoding of ['base64', 'base64url', 'hex'] as const) {
        expect(isKeyMaterial(secret.toString(encoding))).toBe(false);
      }
    }
    expect(isKeyMaterial('correct horse battery staple, 42 times')).toBe(false);
    expect(isKeyMaterial('{"a":1}')).toBe(false);
  });
});

function ec(): Buffer {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return pair.publicKey.export({ type: 'spki', format: 'der' });
}
