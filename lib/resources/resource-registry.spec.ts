import { describe, expect, it } from '@jest/globals';

import type { ProtectedResource } from './protected-resource.js';
import { ResourceRegistry } from './resource-registry.js';

const resource = (name: string): ProtectedResource => ({
  name,
  identifier: `https://rs.test/${name}`,
  requiredScopes: [],
  displayName: undefined,
  documentation: undefined,
});

describe('ResourceRegistry', () => {
  const registry = new ResourceRegistry([resource('files'), resource('mail')]);

  it('takes the first resource for the default one', () => {
    expect(registry.default.name).toBe('files');
    expect(registry.all.map((r) => r.name)).toEqual(['files', 'mail']);
  });

  it('finds a resource by its name and nothing by an unknown one', () => {
    expect(registry.named('mail')?.identifier).toBe('https://rs.test/mail');
    expect(registry.named('constructor')).toBeUndefined();
  });

  it('finds the resource a client means and nothing for a foreign one (RFC 8707 §2)', () => {
    expect(registry.identifiedBy('https://RS.test/mail/')?.name).toBe('mail');
    expect(registry.identifiedBy('https://rs.test/mail/../files')).toBeUndefined();
    expect(registry.identifiedBy('https://evil.test/mail')).toBeUndefined();
  });
});
