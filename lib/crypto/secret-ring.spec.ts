import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../common/errors.js';
import { randomToken } from './random.js';
import { SecretRing } from './secret-ring.js';
import type { KeyPurpose } from './secret-ring.js';

const A = 'q7Vw2kXn0bTzL4sYc9RfGd1hJm5pUe8a';
const B = '3yDWlvE6IuPzQx0KtCr7AoSbN2mHgFj9';
const PURPOSES: readonly KeyPurpose[] = ['record-sealing', 'token-signing', 'consent-form'];

describe('SecretRing.derive', () => {
  it('gives one 32-byte key a secret, the first secret first', () => {
    const keys = new SecretRing([A, B]).derive('record-sealing');
    expect(keys.map(({ key }) => key.length)).toEqual([32, 32]);
    expect(keys[0]).toEqual(new SecretRing([A]).derive('record-sealing')[0]);
    expect(keys[1]).toEqual(new SecretRing([B]).derive('record-sealing')[0]);
  });

  it('gives the same keys after every start', () => {
    const [sealing] = new SecretRing([A]).derive('record-sealing');
    expect(sealing.key.toString('base64url')).toBe('XS_rkM3tpK6iG0Za7OE5Xy1WtydeLXQJdcLECzV3Kt4');
    expect(sealing.kid).toBe('YHPnQ3FUeas');
  });

  it('gives each purpose and each secret its own key and its own key id', () => {
    const ring = new SecretRing([A, B]);
    const keys = PURPOSES.flatMap((purpose) => ring.derive(purpose));
    expect(new Set(keys.map(({ key }) => key.toString('hex'))).size).toBe(6);
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(6);
  });

  it('has key ids that are no part of the key', () => {
    for (const purpose of PURPOSES) {
      const [{ kid, key }] = new SecretRing([A]).derive(purpose);
      expect(key.toString('hex')).not.toContain(Buffer.from(kid, 'base64url').toString('hex'));
    }
  });

  it('derives once a purpose', () => {
    const ring = new SecretRing([A]);
    expect(ring.derive('token-signing')).toBe(ring.derive('token-signing'));
  });

  it('does not follow later changes of the list it was given', () => {
    const secrets = [A];
    const ring = new SecretRing(secrets);
    secrets.push(B);
    expect(ring.derive('token-signing')).toHaveLength(1);
  });
});

describe('a SecretRing that is printed', () => {
  it.each(['fresh', 'used'])('shows no secret and no key (%s)', (state) => {
    const ring = new SecretRing([A]);
    const [{ key }] = (state === 'used' ? ring : new SecretRing([A])).derive('record-sealing');
    const shown = [
      inspect(ring, { showHidden: true, depth: null }),
      JSON.stringify(ring),
      JSON.stringify(structuredClone(ring)),
    ].join();
    expect(shown).not.toContain(A);
    expect(shown).not.toContain(key.toString('hex').slice(0, 8));
    expect(shown).not.toContain(key.toString('base64').slice(0, 8));
  });
});

describe('SecretRing.issues', () => {
  it.each([
    A,
    randomToken(),
    randomToken(24),
    Buffer.from(randomToken(), 'base64url').toString('hex'),
    Buffer.from(randomToken(), 'base64url').toString('base64'),
    `prod-secret-${randomToken()}`,
    'é'.repeat(4) + '1aZ9kQ7tB3xW5vN8mP2r2j4h',
    '83649017526384901752638490175263',
  ])('accepts a good secret', (secret) => {
    expect(SecretRing.issues([secret], 'OAuthProxy.secrets')).toEqual([]);
    expect(() => new SecretRing([secret])).not.toThrow();
  });

  it.each([
    ['too short', A.slice(0, 31), 'at least 32 bytes'],
    ['empty', '', 'at least 32 bytes'],
    ['undefined', undefined, 'at least 32 bytes'],
    ['a number', 12_345, 'at least 32 bytes'],
    ['bytes', Buffer.alloc(32, 7), 'at least 32 bytes'],
    ['one character', 'x'.repeat(40), 'too few different'],
    ['seven characters', 'abcdefg'.repeat(6), 'too few different'],
    ['a template', 'changeme-changeme-changeme-1234567', 'placeholder'],
    ['a template with separators', 'CHANGE_ME__please_0123456789_abcdef', 'placeholder'],
    ['a template in words', 'replace this with a long random string', 'placeholder'],
    ['an example', 'your-secret-of-at-least-32-characters', 'placeholder'],
    ['a repetition', 'aB3dE6gH'.repeat(4), 'pattern'],
    ['a sequence', 'abcdefghijklmnopqrstuvwxyz0123456789', 'pattern'],
    ['a count', '12345678901234567890123456789012', 'pattern'],
  ])('names a secret that is %s, without its value', (_, secret, problem) => {
    const issues = SecretRing.issues([A, secret], 'OAuthProxy.secrets');
    expect(issues).toEqual([
      { path: 'OAuthProxy.secrets[1]', problem: expect.stringContaining(problem) },
    ]);
    if (typeof secret === 'string' && secret) expect(JSON.stringify(issues)).not.toContain(secret);
    expect(() => new SecretRing([secret as string])).toThrow(ConfigurationError);
  });

  it('names a secret that stands there twice', () => {
    expect(SecretRing.issues([A, B, A], 'secrets')).toEqual([
      { path: 'secrets[2]', problem: 'is the same as secrets[0]' },
    ]);
  });

  it('names every bad secret at once', () => {
    const paths = SecretRing.issues(['', A, 'x'], 'secrets').map(({ path }) => path);
    expect(paths).toEqual(['secrets[0]', 'secrets[2]']);
  });

  it.each([[[]], [undefined], [A], [{ 0: A }]])('refuses what is no list of secrets', (secrets) => {
    const problem = 'must be a list of at least one secret';
    expect(SecretRing.issues(secrets, 'secrets')).toEqual([{ path: 'secrets', problem }]);
  });
});
