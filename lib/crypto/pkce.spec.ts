import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { codeChallengeOf, isCodeChallenge, isCodeVerifier } from './pkce.js';

const UNRESERVED = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~';
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';

describe('codeChallengeOf', () => {
  it('gives the example of RFC 7636 Appendix B', () => {
    expect(codeChallengeOf(VERIFIER)).toBe(CHALLENGE);
  });
});

describe('isCodeVerifier', () => {
  it.each([VERIFIER, 'a'.repeat(43), 'a'.repeat(128), UNRESERVED])('accepts %s', (text) => {
    expect(isCodeVerifier(text)).toBe(true);
  });

  it.each(['', 'a'.repeat(42), 'a'.repeat(129), 'a'.repeat(1_000_000)])(
    'refuses a wrong length — RFC 7636 §4.1',
    (text) => {
      expect(isCodeVerifier(text)).toBe(false);
    },
  );

  it('accepts every unreserved character and no other, at any place', () => {
    for (let code = 0; code < 0x180; code++) {
      const character = String.fromCharCode(code);
      const allowed = UNRESERVED.includes(character);
      const rest = 'a'.repeat(42);
      expect([character, isCodeVerifier(character + rest)]).toEqual([character, allowed]);
      expect([character, isCodeVerifier(rest + character)]).toEqual([character, allowed]);
    }
  });
});

describe('isCodeChallenge', () => {
  it('accepts the challenge of any verifier', () => {
    fc.assert(fc.property(fc.string(), (text) => isCodeChallenge(codeChallengeOf(text))));
  });

  it.each([
    ['too short', CHALLENGE.slice(1)],
    ['too long', `${CHALLENGE}A`],
    ['padded', `${CHALLENGE}=`],
    ['padded within 43 characters', `${CHALLENGE.slice(0, 42)}=`],
    ['standard base64', `${CHALLENGE.slice(0, 42).replace('-', '+')}M`],
    ['a plain verifier with a dot', `.${CHALLENGE.slice(1)}`],
    ['empty', ''],
    ['beyond ASCII', `é${CHALLENGE.slice(1)}`],
  ])('refuses a text that is %s', (_, text) => {
    expect(isCodeChallenge(text)).toBe(false);
  });

  it('accepts only the canonical spelling of the last character', () => {
    const base = CHALLENGE.slice(0, 42);
    for (const last of UNRESERVED) {
      const text = base + last;
      const canonical = Buffer.from(text, 'base64url').toString('base64url') === text;
      expect([last, isCodeChallenge(text)]).toEqual([last, canonical]);
    }
  });
});
