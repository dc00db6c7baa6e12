import { describe, expect, it } from '@jest/globals';
import { acceptedToken } from './accepted-token.js';
import type { VerifiedToken } from './access-token.js';

const answer: VerifiedToken = { clientId: 'client', scopes: ['read'] };

describe('acceptedToken', () => {
  it('adds the token, the source and empty claims', () => {
    expect(acceptedToken(answer, 'the-token', 'static')).toEqual({
      ...answer,
      token: 'the-token',
      source: 'static',
      claims: {},
    });
  });

  it('is frozen all the way down and shares nothing with the answer — VC-18', () => {
    const scopes = ['read'];
    const claims = { roles: ['user'] };
    const token = acceptedToken({ clientId: 'client', scopes, claims }, 't', 's');
    scopes.push('admin');
    claims.roles.push('admin');
    expect(token.scopes).toEqual(['read']);
    expect(token.claims).toEqual({ roles: ['user'] });
    expect(() => (token.scopes as string[]).push('admin')).toThrow(TypeError);
    expect(() => (token.claims['roles'] as string[]).push('admin')).toThrow(TypeError);
    expect(() => Object.assign(token, { clientId: 'other' })).toThrow(TypeError);
  });

  it('keeps no member that is not the library’s', () => {
    const token = acceptedToken({ ...answer, token: 'forged', isAdmin: true } as never, 't', 's');
    expect(token.token).toBe('t');
    expect(token).not.toHaveProperty('isAdmin');
  });

  it.each<[string, unknown]>([
    ['true', true],
    ['a text', 'client'],
    ['no clientId', { scopes: [] }],
    ['an empty clientId', { clientId: '', scopes: [] }],
    ['a number for a clientId', { clientId: 7, scopes: [] }],
    ['no scopes', { clientId: 'c' }],
    ['a text for scopes', { clientId: 'c', scopes: 'read' }],
    ['a set for scopes', { clientId: 'c', scopes: new Set(['read']) }],
    ['a scope with a space', { clientId: 'c', scopes: ['read admin'] }],
    ['a number for a subject', { clientId: 'c', scopes: [], subject: 7 }],
    ['an empty subject', { clientId: 'c', scopes: [], subject: '' }],
    ['an object for an issuer', { clientId: 'c', scopes: [], issuer: {} }],
    ['a number for a resource', { clientId: 'c', scopes: [], resource: 1 }],
    ['NaN for an expiry', { clientId: 'c', scopes: [], expiresAt: NaN }],
    ['Infinity for an expiry', { clientId: 'c', scopes: [], expiresAt: Infinity }],
    ['a text for an expiry', { clientId: 'c', scopes: [], expiresAt: '9999999999' }],
    ['a date for an expiry', { clientId: 'c', scopes: [], expiresAt: new Date() }],
    ['null for an expiry', { clientId: 'c', scopes: [], expiresAt: null }],
    ['an array for claims', { clientId: 'c', scopes: [], claims: [] }],
    ['a text for claims', { clientId: 'c', scopes: [], claims: 'x' }],
  ])('refuses %s', (_what, wrong) => {
    expect(() => acceptedToken(wrong as VerifiedToken, 't', 's')).toThrow(TypeError);
  });

  it('checks what it copied, not what a getter says the second time', () => {
    let reads = 0;
    const shifty = {
      clientId: 'client',
      get scopes() {
        return reads++ === 0 ? ['read'] : ['admin'];
      },
    };
    expect(acceptedToken(shifty, 't', 's').scopes).toEqual(['read']);
  });
});
