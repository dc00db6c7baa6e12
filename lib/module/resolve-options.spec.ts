import { describe, expect, it } from '@jest/globals';
import { AuthProvider } from '../verifiers/auth-provider.js';
import type { TokenVerifier } from '../verifiers/token-verifier.js';
import type { MultiAuthOptions } from './multi-auth-options.js';
import { resolveOptions } from './resolve-options.js';

const verifiers: TokenVerifier = { verifyToken: () => null };

const identifiers = (options: MultiAuthOptions): readonly string[] =>
  resolveOptions({ verifiers, ...options }).resources.all.map((r) => r.identifier);

describe('resolveOptions', () => {
  it('fills in every default', () => {
    const resolved = resolveOptions({ verifiers });
    expect(resolved).toMatchObject({
      baseUrl: undefined,
      provider: undefined,
      hasServer: false,
      requiredScopes: [],
      impliedScopes: {},
      sourceTimeoutSeconds: 10,
    });
    expect(resolved.sources).toEqual([verifiers]);
    expect(resolved.resources.default).toMatchObject({ name: 'default', requiredScopes: [] });
  });

  it('refuses a server among the verifiers: it would never be started', () => {
    class Server extends AuthProvider {
      verifyToken(): null {
        return null;
      }
    }
    expect(() => resolveOptions({ verifiers: [verifiers, new Server()] })).toThrow(
      /verifiers\[1\]/,
    );
  });

  it('keeps copies of the lists it is given — CF-10', () => {
    const requiredScopes = ['a'];
    const ofResource = ['b'];
    const impliedScopes = { all: ['a', 'b'] };
    const resources = { one: { url: '/one', requiredScopes: ofResource }, two: '/two' };
    const resolved = resolveOptions({ verifiers, requiredScopes, impliedScopes, resources });
    for (const list of [requiredScopes, ofResource, impliedScopes.all]) list.length = 0;
    expect(resolved.requiredScopes).toEqual(['a']);
    expect(resolved.impliedScopes).toEqual({ all: ['a', 'b'] });
    expect(resolved.resources.all.map((r) => r.requiredScopes)).toEqual([['b'], ['a']]);
  });

  it('puts the server before the verifiers', () => {
    const server: TokenVerifier = { verifyToken: () => null };
    const { sources, hasServer } = resolveOptions({ verifiers: [verifiers], server });
    expect(sources[0]).toBe(server);
    expect(sources[1]).toBe(verifiers);
    expect(hasServer).toBe(true);
  });

  it('takes the scopes of the module, else those of the server, for every resource', () => {
    const server: TokenVerifier = { verifyToken: () => null, requiredScopes: ['server'] };
    const scopes = (options: MultiAuthOptions) =>
      resolveOptions({ server, ...options }).resources.all.map((r) => r.requiredScopes);
    expect(scopes({})).toEqual([['server']]);
    expect(scopes({ requiredScopes: ['own'] })).toEqual([['own']]);
    expect(scopes({ requiredScopes: [] })).toEqual([[]]);
    const resources = { a: { url: '/a', requiredScopes: ['a'] }, b: '/b' };
    expect(scopes({ requiredScopes: ['own'], resources })).toEqual([['a'], ['own']]);
  });

  it('places resources below resourceBaseUrl, else below baseUrl', () => {
    const baseUrl = 'https://mcp.example.com/tenant/';
    expect(identifiers({ baseUrl })).toEqual(['https://mcp.example.com/tenant/mcp']);
    expect(identifiers({ baseUrl, resourceBaseUrl: 'https://api.example.com/' })).toEqual([
      'https://api.example.com/mcp',
    ]);
    expect(identifiers({ baseUrl, resource: 'https://Other.example.com/x/' })).toEqual([
      'https://other.example.com/x',
    ]);
    expect(identifiers({ baseUrl, resource: '/' })).toEqual(['https://mcp.example.com/tenant']);
  });

  it('needs no URL where nothing is published', () => {
    expect(identifiers({ resources: { a: '/a', 'b c': '/b' } })).toEqual([
      'urn:mcp:a',
      'urn:mcp:b%20c',
    ]);
  });
});
