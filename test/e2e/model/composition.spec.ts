import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../../../lib/index.js';
import { FakeServer, FakeVerifier } from '../../support/fake-sources.js';
import { compose, composing, serving } from './support.js';

const baseUrl = 'https://api.example.com';
const resourceDocument = '/.well-known/oauth-protected-resource/mcp';

const verifier = (name: string, requiredScopes: readonly string[] = []): FakeVerifier =>
  new FakeVerifier({ name, tokens: { [`token-of-${name}`]: {} }, requiredScopes });

describe('the composition of server and verifiers', () => {
  it('model 1: neither a server nor a verifier does not boot', async () => {
    const error = await compose({}).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toContain('at least a server or one verifier');
    await expect(compose({ verifiers: [] })).rejects.toThrow(ConfigurationError);
  });

  it('model 2: a server alone is enough', async () => {
    const server = new FakeServer({ name: 'server', tokens: { known: {} } });
    await composing({ baseUrl, server }, async ({ ask, service }) => {
      expect(server.starts).toBe(1);
      expect(await ask('known')).toBe('server');
      expect(await service.verifyToken('known')).toMatchObject({ token: { source: 'server' } });
      expect(await ask('other')).toBe('rejected');
    });
    expect(server.stops).toBe(1);
  });

  it('model 3: verifiers alone are enough, without any URL', async () => {
    await composing({ verifiers: [verifier('a')] }, async ({ ask }) => {
      expect(await ask('token-of-a')).toBe('a');
    });
  });

  it('model 4: one verifier needs no list around it', async () => {
    await composing({ verifiers: verifier('only') }, async ({ ask }) => {
      expect(await ask('token-of-only')).toBe('only');
      expect(await ask('other')).toBe('rejected');
    });
  });

  it('model 4: the list is copied: a verifier added later has no say', async () => {
    const verifiers = [verifier('a')];
    await composing({ verifiers }, async ({ ask }) => {
      verifiers.push(verifier('late'));
      expect(await ask('token-of-late')).toBe('rejected');
      expect(await ask('token-of-a')).toBe('a');
    });
  });

  // The URLs belong to the module here and are handed to the server, so that they cannot differ
  // (the model inherits them from the server, and renders an authority with a trailing slash).
  it('model 5: server and module share one base URL, without a trailing slash', async () => {
    const server = new FakeServer({ name: 'server' });
    await composing({ baseUrl: `${baseUrl}/`, server }, async () => {
      expect(server.host.baseUrl).toBe(baseUrl);
    });
  });

  it('model 6: the base URL of the module is the one that counts', async () => {
    const server = new FakeServer({ name: 'server' });
    await composing({ baseUrl: `${baseUrl}/tenant`, server }, async () => {
      expect(server.host.baseUrl).toBe(`${baseUrl}/tenant`);
      expect(server.host.resources.default.identifier).toBe(`${baseUrl}/tenant/mcp`);
    });
  });

  it('model 7: without resourceBaseUrl the resource is below the base URL', async () => {
    const server = new FakeServer({ name: 'server' });
    await composing({ baseUrl, server }, async () => {
      expect(server.host.resources.all.map((r) => r.identifier)).toEqual([`${baseUrl}/mcp`]);
    });
  });

  it('model 8: resourceBaseUrl wins, and the server sees it', async () => {
    const server = new FakeServer({ name: 'server' });
    const options = { baseUrl: `${baseUrl}/proxy`, resourceBaseUrl: baseUrl, server };
    await composing(options, async () => {
      expect(server.host.baseUrl).toBe(`${baseUrl}/proxy`);
      expect(server.host.resources.default.identifier).toBe(`${baseUrl}/mcp`);
    });
  });

  it('model 9: the scopes the server requires hold for every source', async () => {
    const server = new FakeServer({ name: 'server', requiredScopes: ['read'] });
    await serving({ baseUrl, server, verifiers: verifier('a') }, 'express', async ({ get }) => {
      expect(server.host.requiredScopes).toEqual(['read']);
      expect(await get('/mcp', 'token-of-a')).toMatchObject({ status: 403 });
    });
  });

  it('model 10: the server says which scopes exist and how a challenge names them', async () => {
    const server = new FakeServer({
      name: 'server',
      requiredScopes: ['read'],
      supported: ['api://client-id/read'],
      scopePrefix: 'api://client-id/',
    });
    await serving({ baseUrl, server, verifiers: verifier('a') }, 'express', async ({ get }) => {
      const { body } = await get(resourceDocument);
      expect(body['scopes_supported']).toEqual(['api://client-id/read']);
      expect((await get('/mcp')).challenge).toContain('scope="api://client-id/read"');
    });
  });

  // Verifiers alone publish no document; the challenge is all there is.
  it('model 11: without a server the challenge names the required scopes', async () => {
    const options = {
      verifiers: [verifier('a'), verifier('b')],
      requiredScopes: ['read', 'write'],
    };
    await serving(options, 'express', async ({ get }) => {
      expect((await get('/mcp')).challenge).toContain('scope="read write"');
      expect((await get(resourceDocument)).status).toBe(404);
    });
  });

  const translating = (name: string): FakeVerifier =>
    new FakeVerifier({ name, scopePrefix: 'api://client-id/' });

  it('model 12: a sole verifier translates the scopes of the challenge', async () => {
    const options = { verifiers: translating('entra'), requiredScopes: ['admin'] };
    await serving(options, 'express', async ({ get }) => {
      expect((await get('/mcp')).challenge).toContain('scope="api://client-id/admin"');
    });
  });

  it('model 13: of two verifiers neither translates', async () => {
    const verifiers = [translating('one'), translating('two')];
    await serving({ verifiers, requiredScopes: ['admin'] }, 'express', async ({ get }) => {
      expect((await get('/mcp')).challenge).toContain('scope="admin"');
    });
  });

  it('model 14: other required scopes change the challenge, not what the server supports', async () => {
    const server = new FakeServer({ name: 'server', requiredScopes: ['read'], supported: ['all'] });
    const options = { baseUrl, server, requiredScopes: ['admin'] };
    await serving(options, 'express', async ({ get }) => {
      expect((await get(resourceDocument)).body['scopes_supported']).toEqual(['all']);
      expect((await get('/mcp')).challenge).toContain('scope="admin"');
    });
  });
});
