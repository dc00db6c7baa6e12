// One value has one text. A decoder of the platform forgives other alphabets, padding, spare bits
// and everything between the characters: whatever it forgives must be refused.
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { readSecretHash } from '../../lib/crypto/hash.js';
import { isCodeChallenge } from '../../lib/crypto/pkce.js';
import { Sealer } from '../../lib/crypto/sealer.js';
import { SecretRing } from '../../lib/crypto/secret-ring.js';
import { OAuthError } from '../../lib/http/oauth-error.js';
import { Parameters } from '../../lib/http/parameters.js';
import { readClientCredentials } from '../../lib/oauth-proxy/clients/client-credentials.js';
import { isPlainJws } from '../../lib/verifiers/jws-spelling.js';
import { propertyRuns } from '../support/property-runs.js';
import { aRequest } from './requests.js';

const options = { numRuns: propertyRuns() };
type Encoding = 'base64' | 'base64url';
const alphabets = {
  base64: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
  base64url: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
};

/** Another text that a forgiving decoder takes for the same bytes; `at` and `choice` pick which. */
function respell(text: string, encoding: Encoding, at: number, choice: number): string {
  const alphabet = alphabets[encoding];
  const plain = text.replace(/=+$/, '');
  // Not before the first one, where a header may have spaces.
  const place = 1 + (at % plain.length);
  const spareBits = [0, 0, 4, 2][plain.length % 4] ?? 0;
  const last = alphabet.indexOf(plain.at(-1) ?? 'A');
  const others = [
    `${plain.slice(0, place)}${'!\n\r\t *\u00e9\u0000'[at % 8]}${plain.slice(place)}`,
    `${text}=`,
    `${plain}===`,
    encoding === 'base64' ? plain : `${plain}=`,
    encoding === 'base64'
      ? text.replace('+', '-').replace('/', '_')
      : text.replace('-', '+').replace('_', '/'),
    plain.slice(0, -1) + alphabet[(last + 1 + (at % (2 ** spareBits - 1 || 1))) % 64],
  ];
  return others[choice % others.length] ?? text;
}

const spelling = fc.tuple(fc.nat(), fc.nat());

/** Both texts, where the second is another one for the bytes of the first. */
function twoTexts(text: string, encoding: Encoding, [at, choice]: [number, number]) {
  const other = respell(text, encoding, at, choice);
  const isSame = Buffer.from(other, encoding).equals(Buffer.from(text, encoding));
  fc.pre(other !== text && isSame);
  return other;
}

describe('One value has one text', () => {
  it('as a sealed record', () => {
    const sealer = new Sealer(new SecretRing(['a-secret-of-the-property-tests-4dQ9']));
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), spelling, (plaintext, spelling) => {
        const sealed = sealer.seal(plaintext, 'data');
        expect(sealer.open(sealed, 'data')).toBe(plaintext);
        expect(sealer.open(twoTexts(sealed, 'base64url', spelling), 'data')).toBeNull();
      }),
      options,
    );
  });

  it('as a code challenge', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), spelling, (bytes, spelling) => {
        const challenge = Buffer.from(bytes).toString('base64url');
        expect(isCodeChallenge(challenge)).toBe(true);
        expect(isCodeChallenge(twoTexts(challenge, 'base64url', spelling))).toBe(false);
      }),
      options,
    );
  });

  it('as a code challenge, which is one of 32 bytes', () => {
    const anyText = fc.oneof(
      fc.string({
        unit: fc.constantFrom(...Array.from(alphabets.base64url)),
        minLength: 43,
        maxLength: 43,
      }),
      fc
        .uint8Array({ minLength: 30, maxLength: 34 })
        .map((b) => Buffer.from(b).toString('base64url')),
      fc.string({ minLength: 40, maxLength: 44 }),
    );
    fc.assert(
      fc.property(anyText, (text) => {
        expect([text, isCodeChallenge(text)]).toEqual([text, bitsOf(text) === 256]);
      }),
      options,
    );
  });

  it('as the hash of a configured secret, but for the case of hexadecimal digits', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), spelling, (bytes, spelling) => {
        const text = Buffer.from(bytes).toString('base64url');
        const hex = Buffer.from(bytes).toString('hex');
        expect([text, hex, hex.toUpperCase()].map(readSecretHash)).toEqual([text, text, text]);
        expect(readSecretHash(twoTexts(text, 'base64url', spelling))).toBeUndefined();
        expect(readSecretHash(hex.slice(spelling[0] % 20))).toBe(
          spelling[0] % 20 === 0 ? text : undefined,
        );
      }),
      options,
    );
  });

  it('as the credentials of HTTP Basic', () => {
    const part = fc.string({
      unit: fc.constantFrom('a', 'b', '?', '>', '~', '\u00ff'),
      minLength: 1,
    });
    const form = Parameters.fromQuery('');
    const read = (encoded: string) =>
      readClientCredentials(aRequest({ headers: { authorization: `Basic ${encoded}` } }), form);
    fc.assert(
      fc.property(part, part, spelling, (id, secret, spelling) => {
        const encoded = Buffer.from(`${id}:${secret}`).toString('base64');
        expect(read(encoded).readings).toContainEqual({ id, secret });
        const other = twoTexts(encoded, 'base64', spelling);
        expect(() => read(other)).toThrow(OAuthError);
      }),
      options,
    );
  });

  it('as the signature of a token', () => {
    const signature = fc.uint8Array({ minLength: 1, maxLength: 80 });
    const head = Buffer.from('{"alg":"HS256"}').toString('base64url');
    fc.assert(
      fc.property(signature, spelling, (bytes, spelling) => {
        const text = Buffer.from(bytes).toString('base64url');
        expect(isPlainJws(`${head}.e30.${text}`)).toBe(true);
        expect(isPlainJws(`${head}.e30.${twoTexts(text, 'base64url', spelling)}`)).toBe(false);
      }),
      options,
    );
  });

  it('and each way of writing another one is tried', () => {
    const text = randomBytes(32).fill(0xfb, 0, 3).toString('base64url');
    const texts = Array.from({ length: 6 }, (_, choice) => respell(text, 'base64url', 0, choice));
    for (const other of texts) {
      expect(other).not.toBe(text);
      expect(Buffer.from(other, 'base64url')).toEqual(Buffer.from(text, 'base64url'));
    }
  });
});

/** How many bits the text stands for when it is written in the one way; or undefined. */
function bitsOf(text: string): number | undefined {
  const values = Array.from(text, (c) => alphabets.base64url.indexOf(c));
  const spare = (values.length * 6) % 8;
  if (values.includes(-1) || spare === 6) return undefined;
  return (values.at(-1) ?? 0) % 2 ** spare === 0 ? values.length * 6 - spare : undefined;
}
