import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { SharedSecretSource } from './key-source.js';

describe('SharedSecretSource', () => {
  it('imports the secret once for each hash', async () => {
    const source = new SharedSecretSource(randomBytes(64));
    const [first, second] = await Promise.all([source.find('HS256'), source.find('HS256')]);
    expect(second).toBe(first);
    expect(source.find('HS256')).toBe(first);
    expect(first).toMatchObject({ algorithm: { name: 'HMAC', hash: { name: 'SHA-256' } } });
    expect(await source.find('HS512')).toMatchObject({ algorithm: { hash: { name: 'SHA-512' } } });
  });

  it('keeps a key that can only verify and cannot be read', async () => {
    const key = await new SharedSecretSource(randomBytes(32)).find('HS256');
    expect(key).toMatchObject({ extractable: false, usages: ['verify'] });
  });
});
