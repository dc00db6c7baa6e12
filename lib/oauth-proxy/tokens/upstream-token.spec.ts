import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { UpstreamToken } from './upstream-token.js';

const secret = 'secret-upstream-token';
const token = new UpstreamToken({
  accessToken: secret,
  expiresAt: 7,
  scopes: ['repo'],
  issuedTokenType: 'urn:x',
});

describe('UpstreamToken', () => {
  it('gives the token to who asks for it', () => {
    expect(token.accessToken).toBe(secret);
    expect(token).toMatchObject({ expiresAt: 7, scopes: ['repo'], issuedTokenType: 'urn:x' });
  });

  it.each<[string, (value: UpstreamToken) => unknown]>([
    ['JSON', (value) => JSON.stringify({ nested: [value] })],
    ['console.log', (value) => inspect(value, { depth: 10 })],
    ['a thorough debugger', (value) => inspect(value, { showHidden: true, getters: true })],
    ['a copy', (value) => JSON.stringify(Object.assign({}, value))],
    ['a list of its members', (value) => JSON.stringify(Object.entries(value))],
    ['a structured clone', (value) => inspect(structuredClone(value))],
    ['an error message', (value) => new Error('it was', { cause: value }).stack],
  ])('does not show it in %s', (_name, shown) => {
    expect(String(shown(token))).not.toContain(secret);
  });

  it('does not change with the list it was made of', () => {
    const scopes = ['a'];
    const made = new UpstreamToken({ accessToken: 'x', scopes });
    scopes.push('b');
    expect(made.scopes).toEqual(['a']);
  });
});
