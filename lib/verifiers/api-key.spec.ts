import { crc32 } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../common/errors.js';
import { hashSecret } from '../crypto/hash.js';
import { apiKeyId, generateApiKey, isApiKeyId } from './api-key.js';

describe('generateApiKey', () => {
  it('makes keys that a bearer token may be, each its own', () => {
    const keys = Array.from({ length: 200 }, () => generateApiKey({ prefix: 'acme_live' }));
    for (const { key, id, hash } of keys) {
      expect(key).toMatch(/^acme_live_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}$/);
      expect(key.split('_')[2]).toBe(id);
      expect(isApiKeyId(id)).toBe(true);
      expect(hash).toBe(hashSecret(key));
      expect(apiKeyId(key, 'acme_live')).toBe(id);
    }
    expect(new Set(keys.map(({ id }) => id)).size).toBe(200);
    expect(new Set(keys.map(({ key }) => key.split('_')[3])).size).toBe(200);
  });

  it('ends a key in the CRC-32 of the rest, in base 62', () => {
    const { key } = generateApiKey({ prefix: 'acme' });
    const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
    const value = key
      .slice(-6)
      .split('')
      .reduce((sum, d) => sum * 62 + digits.indexOf(d), 0);
    expect(value).toBe(crc32(key.slice(0, -6)));
  });

  it.each(['', 'Acme', 'acme_', '_acme', 'ac me', 'acme__x', '1acme', 'ey.J', 'a'.repeat(33), 7])(
    'makes none with the prefix %j',
    (prefix) => {
      expect(() => generateApiKey({ prefix: prefix as string })).toThrow(ConfigurationError);
    },
  );
});

describe('apiKeyId', () => {
  const { key, id } = generateApiKey({ prefix: 'acme' });

  it('finds nothing in what was mistyped, in whatever place', () => {
    for (let i = 0; i < key.length; i++) {
      const other = key[i] === 'x' ? 'y' : 'x';
      expect(apiKeyId(key.slice(0, i) + other + key.slice(i + 1), 'acme')).toBeUndefined();
    }
    expect(apiKeyId(key, 'acme')).toBe(id);
  });

  it.each([
    ['nothing', ''],
    ['the prefix', 'acme_'],
    ['a key cut short', key.slice(0, -1)],
    ['a key with more', `${key}A`],
    ['a key with padding', `${key}=`],
    ['a key in capitals', key.toUpperCase()],
    ['a key after a space', ` ${key}`],
  ])('finds nothing in %s', (_what, text) => {
    expect(apiKeyId(text, 'acme')).toBeUndefined();
  });

  it('tells prefixes apart of which one begins as the other', () => {
    const live = generateApiKey({ prefix: 'acme_live' });
    expect(apiKeyId(live.key, 'acme_live')).toBe(live.id);
    expect(apiKeyId(live.key, 'acme')).toBeUndefined();
    expect(apiKeyId(key, 'acme_live')).toBeUndefined();
    expect(apiKeyId(key, 'acm')).toBeUndefined();
  });
});
