import { describe, expect, it } from '@jest/globals';

import { canonicalResource, sameResource } from './resource-identifier.js';

describe('canonicalResource', () => {
  it.each([
    ['https://rs.test', 'https://rs.test'],
    ['https://rs.test/', 'https://rs.test'],
    ['HTTPS://RS.Test/MCP', 'https://rs.test/MCP'],
    ['https://rs.test:443/mcp/', 'https://rs.test/mcp'],
    ['http://localhost:3000/mcp', 'http://localhost:3000/mcp'],
  ])('brings %s into the published form', (url, canonical) => {
    expect(canonicalResource(url)).toBe(canonical);
  });

  it.each([
    ['a relative URL', '/mcp'],
    ['another scheme', 'ftp://rs.test/mcp'],
    ['a fragment', 'https://rs.test/mcp#a'],
    ['an empty fragment', 'https://rs.test/mcp#'],
    ['a query', 'https://rs.test/mcp?a=1'],
    ['an empty query', 'https://rs.test/mcp?'],
    ['credentials', 'https://user:secret@rs.test/mcp'],
    ['nothing', ''],
  ])('refuses %s (RFC 8707 §2)', (_what, url) => {
    expect(canonicalResource(url)).toBeNull();
  });
});

describe('sameResource', () => {
  const identifier = 'https://rs.test/mcp';

  it.each([identifier, 'https://rs.test/mcp/', 'HTTPS://rs.test/mcp', 'https://RS.TEST/mcp'])(
    'takes %s for the resource',
    (sent) => {
      expect(sameResource(identifier, sent)).toBe(true);
    },
  );

  it.each([
    'https://rs.test/MCP',
    'https://rs.test/mcp//',
    'https://rs.test/mc',
    'https://rs.test/mcp2',
    'https://rs.test',
    'http://rs.test/mcp',
    'https://rs.test:8443/mcp',
    'https://rs.test.evil.test/mcp',
    'https://evil.test@rs.test/mcp',
    'https://rs.test/a/../mcp',
    'https://rs.test/%6dcp',
    'https://rs.test/mcp?x=1',
    'https://rs.test/mcp#x',
    'https://rs.test\\mcp',
    '',
  ])('takes %s for something else', (sent) => {
    expect(sameResource(identifier, sent)).toBe(false);
  });
});
