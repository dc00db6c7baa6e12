import { describe, expect, it } from '@jest/globals';

import {
  authorizationServerPaths,
  protectedResourceMetadataUrl,
  protectedResourcePath,
} from './well-known-paths.js';

describe('protectedResourcePath', () => {
  it.each([
    ['https://rs.test', '/.well-known/oauth-protected-resource'],
    ['https://rs.test/', '/.well-known/oauth-protected-resource'],
    ['https://rs.test/mcp', '/.well-known/oauth-protected-resource/mcp'],
    ['https://rs.test/a/mcp', '/.well-known/oauth-protected-resource/a/mcp'],
    ['https://rs.test/a%20b', '/.well-known/oauth-protected-resource/a%20b'],
  ])('puts the well-known name before the path of %s (RFC 9728 §3.1)', (identifier, path) => {
    expect(protectedResourcePath(identifier)).toBe(path);
  });
});

describe('protectedResourceMetadataUrl', () => {
  it('stays on the origin of the resource, port included', () => {
    expect(protectedResourceMetadataUrl('http://localhost:3000/mcp')).toBe(
      'http://localhost:3000/.well-known/oauth-protected-resource/mcp',
    );
  });
});

describe('authorizationServerPaths', () => {
  it('gives a root issuer the two root documents', () => {
    expect(authorizationServerPaths('https://as.test')).toEqual([
      '/.well-known/oauth-authorization-server',
      '/.well-known/openid-configuration',
    ]);
  });

  it('gives an issuer with a path both inserted forms and the appended one (RFC 8414 §3.1, §5)', () => {
    expect(authorizationServerPaths('https://as.test/tenant1')).toEqual([
      '/.well-known/oauth-authorization-server/tenant1',
      '/.well-known/openid-configuration/tenant1',
      '/tenant1/.well-known/openid-configuration',
    ]);
  });
});
