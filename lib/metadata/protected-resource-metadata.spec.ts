import { describe, expect, it } from '@jest/globals';

import type { ProtectedResource } from '../resources/protected-resource.js';
import { renderProtectedResourceMetadata } from './protected-resource-metadata.js';

const resource: ProtectedResource = {
  name: 'default',
  identifier: 'https://rs.test/mcp',
  requiredScopes: [],
  displayName: undefined,
  documentation: undefined,
};

describe('renderProtectedResourceMetadata', () => {
  it('leaves members without a value out instead of sending null (RFC 9728 §3.2)', () => {
    const document = renderProtectedResourceMetadata(resource, {
      authorizationServers: [],
      scopes: [],
    });
    expect(JSON.parse(JSON.stringify(document))).toEqual({
      resource: 'https://rs.test/mcp',
      bearer_methods_supported: ['header'],
    });
  });

  it('names everything that is known (RFC 9728 §2)', () => {
    const document = renderProtectedResourceMetadata(
      { ...resource, displayName: 'Files', documentation: 'https://rs.test/docs' },
      { authorizationServers: ['https://as.test'], scopes: ['mcp:use'] },
    );
    expect(document).toEqual({
      resource: 'https://rs.test/mcp',
      authorization_servers: ['https://as.test'],
      scopes_supported: ['mcp:use'],
      bearer_methods_supported: ['header'],
      resource_name: 'Files',
      resource_documentation: 'https://rs.test/docs',
    });
  });

  it('never advertises offline_access, beside which other scopes stay (MD-08)', () => {
    const scopes = ['offline_access', 'mcp:use'];
    const document = renderProtectedResourceMetadata(resource, {
      authorizationServers: [],
      scopes,
    });
    expect(document.scopes_supported).toEqual(['mcp:use']);
  });
});
