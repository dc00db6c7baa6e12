import { describe, expect, it } from '@jest/globals';
import { hashSecret } from '../crypto/hash.js';
import type { ProtectedResource } from '../resources/protected-resource.js';
import { ResourceRegistry } from '../resources/resource-registry.js';
import { introspectionClientIssues } from './introspection-clients.js';

const secret = 'W3k9pQ-xT7vB2nM5cR8yL1dF6hJ4sG0a';
const resources = new ResourceRegistry([
  { name: 'notes', identifier: 'https://as.test/notes' } as ProtectedResource,
  { name: 'mail', identifier: 'https://as.test/mail' } as ProtectedResource,
]);
const issuesOf = (given: unknown) => introspectionClientIssues(given, resources, 'clients');

describe('introspectionClientIssues', () => {
  it.each<[string, unknown]>([
    ['no list', undefined],
    ['an empty list', []],
    ['a secret', [{ id: 'a', secret }]],
    ['the hash of one', [{ id: 'a', secretHash: hashSecret(secret) }]],
    [
      'resources by name',
      [
        { id: 'a', secret, resources: ['notes'] },
        { id: 'b', secret, resources: ['notes', 'mail'] },
      ],
    ],
  ])('has nothing against %s', (_name, given) => {
    expect(issuesOf(given)).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ['no list', { id: 'a', secret }, 'clients'],
    ['a client that is none', [null], 'clients[0]'],
    ['a text', ['a'], 'clients[0]'],
    ['an id that is missing', [{ secret }], 'clients[0].id'],
    ['an empty id', [{ id: ' ', secret }], 'clients[0].id'],
    [
      'an id that is repeated',
      [
        { id: 'a', secret },
        { id: 'a', secret },
      ],
      'clients[1].id',
    ],
    ['an unknown option', [{ id: 'a', secret, scopes: [] }], 'clients[0].scopes'],
    ['no secret', [{ id: 'a' }], 'clients[0].secret'],
    ['two', [{ id: 'a', secret, secretHash: hashSecret(secret) }], 'clients[0].secret'],
    ['a short secret', [{ id: 'a', secret: secret.slice(1) }], 'clients[0].secret'],
    ['a weak secret', [{ id: 'a', secret: 'a'.repeat(64) }], 'clients[0].secret'],
    ['a secret that is no text', [{ id: 'a', secret: 5 }], 'clients[0].secret'],
    ['a hash that is none', [{ id: 'a', secretHash: secret }], 'clients[0].secretHash'],
    ['an unknown resource', [{ id: 'a', secret, resources: ['x'] }], 'clients[0].resources'],
    [
      'a resource by URL',
      [{ id: 'a', secret, resources: ['https://as.test/notes'] }],
      'clients[0].resources',
    ],
    ['no resource', [{ id: 'a', secret, resources: [] }], 'clients[0].resources'],
    [
      'resources that are no list',
      [{ id: 'a', secret, resources: 'notes' }],
      'clients[0].resources',
    ],
  ])('names %s, and never its value', (_name, given, path) => {
    const issues = issuesOf(given);
    expect(issues.map((issue) => issue.path)).toEqual([path]);
    expect(JSON.stringify(issues)).not.toContain(secret);
  });
});
