import { describe, expect, it } from '@jest/globals';

import type { AccessToken } from '../verifiers/access-token.js';
import { toAuthInfo } from './auth-info.js';

const token: AccessToken = Object.freeze({
  token: 't',
  clientId: 'client',
  subject: 'alice',
  issuer: 'https://as.test',
  scopes: Object.freeze(['a']),
  claims: Object.freeze({ sub: 'alice' }),
  source: 'fake',
});
const resource = {
  name: 'default',
  identifier: 'https://rs.test/mcp',
  requiredScopes: [],
  displayName: undefined,
  documentation: undefined,
};

describe('toAuthInfo', () => {
  it('says everything the SDK asks for', () => {
    const info = toAuthInfo({ ...token, expiresAt: 5 }, resource, 'https://rs.test/prm');
    expect({ ...info }).toEqual({
      token: 't',
      clientId: 'client',
      scopes: ['a'],
      expiresAt: 5,
      resource: new URL('https://rs.test/mcp'),
      resourceMetadataUrl: 'https://rs.test/prm',
      extra: {
        subject: 'alice',
        issuer: 'https://as.test',
        source: 'fake',
        claims: { sub: 'alice' },
      },
    });
  });

  it('leaves out what is not known', () => {
    const info = toAuthInfo(token, resource, undefined);
    expect('expiresAt' in info).toBe(false);
    expect('resourceMetadataUrl' in info).toBe(false);
  });

  it('hands out copies: what the SDK changes does not change the token', () => {
    const info = toAuthInfo(token, resource, undefined);
    info.scopes.push('admin');
    info.resource.pathname = '/evil';
    expect(token.scopes).toEqual(['a']);
    expect(info.resource.href).toBe('https://rs.test/mcp');
  });
});
