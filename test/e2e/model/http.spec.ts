import { describe, expect, it } from '@jest/globals';
import { platforms } from '../../support/app.js';
import { FakeServer, FakeVerifier } from '../../support/fake-sources.js';
import { composing, serving } from './support.js';

const baseUrl = 'https://api.example.com';
const resourceDocument = '/.well-known/oauth-protected-resource/mcp';
const metadataUrl = `resource_metadata="${baseUrl}${resourceDocument}"`;

const interactive = { interactive: { scopes: ['read'] } };

describe.each(platforms)('server and verifiers over HTTP on %s', (platform) => {
  it('model 24: the routes come from the server', async () => {
    const server = new FakeServer({ name: 'server', documents: ['/hello'] });
    await serving({ baseUrl, server }, platform, async ({ get }) => {
      expect(await get('/hello')).toMatchObject({ status: 200, body: { served_by: 'server' } });
    });
  });

  it('model 25: without a server there are no routes', async () => {
    await serving(
      { baseUrl, verifiers: new FakeVerifier({ name: 'a' }) },
      platform,
      async (app) => {
        for (const path of ['/authorize', '/token', '/register', '/hello']) {
          expect((await app.get(path)).status).toBe(404);
        }
      },
    );
  });

  it('model 26: the well-known documents are those of the server, beside verifiers too', async () => {
    const document = '/.well-known/oauth-authorization-server';
    const options = (): { baseUrl: string; server: FakeServer } => ({
      baseUrl,
      server: new FakeServer({ name: 'server', documents: [document] }),
    });
    const read = (more: { verifiers?: FakeVerifier }): Promise<unknown> =>
      serving({ ...options(), ...more }, platform, async ({ get }) =>
        Promise.all(
          [document, resourceDocument].map(async (path) => {
            const { status, body } = await get(path);
            return { status, body };
          }),
        ),
      );
    const alone = await read({});
    expect(alone).toMatchObject([{ status: 200 }, { status: 200 }]);
    expect(await read({ verifiers: new FakeVerifier({ name: 'a' }) })).toEqual(alone);
  });

  // And then no challenge names a document either (the model's answers 404).
  it('model 27: without a server there are no well-known documents', async () => {
    await serving(
      { baseUrl, verifiers: new FakeVerifier({ name: 'a' }) },
      platform,
      async (app) => {
        for (const path of [resourceDocument, '/.well-known/oauth-protected-resource']) {
          expect((await app.get(path)).status).toBe(404);
        }
        expect((await app.get('/mcp')).challenge).not.toContain('resource_metadata');
      },
    );
  });

  it('model 28: an empty list clears the scopes of the server', async () => {
    const server = new FakeServer({ name: 'server', requiredScopes: ['read'] });
    const verifiers = new FakeVerifier({ name: 'a', tokens: { bare: { scopes: [] } } });
    await serving({ baseUrl, server, verifiers }, platform, async ({ get }) => {
      expect((await get('/mcp', 'bare')).status).toBe(403);
    });
    await serving({ baseUrl, server, verifiers, requiredScopes: [] }, platform, async ({ get }) => {
      expect((await get('/mcp', 'bare')).status).toBe(200);
    });
  });

  it('model 29: with verifiers alone, no token and a bad token get 401', async () => {
    const verifiers = new FakeVerifier({ name: 'a', tokens: { known: {} } });
    await serving({ verifiers }, platform, async ({ get }) => {
      expect((await get('/mcp')).status).toBe(401);
      expect((await get('/mcp', 'bad')).status).toBe(401);
      expect((await get('/mcp', 'known')).status).toBe(200);
    });
  });

  it('model 30: with a server the document of the resource is served', async () => {
    const server = new FakeServer({ name: 'server' });
    await serving({ baseUrl, server }, platform, async ({ get }) => {
      const { status, body } = await get(resourceDocument);
      expect(status).toBe(200);
      expect(body).toMatchObject({ resource: `${baseUrl}/mcp`, authorization_servers: [baseUrl] });
    });
  });

  it('model 31: the challenge names the document of the resource, not of the server', async () => {
    const server = new FakeServer({ name: 'server' });
    const options = { baseUrl: 'https://auth.example.com/proxy', resourceBaseUrl: baseUrl, server };
    await serving(options, platform, async ({ get }) => {
      expect((await get('/mcp')).challenge).toContain(metadataUrl);
    });
  });

  it('model 32: 401 and 403 name the scopes as the server does', async () => {
    const server = new FakeServer({
      name: 'server',
      requiredScopes: ['read'],
      scopePrefix: 'api://client-id/',
      tokens: { poor: { scopes: [] } },
    });
    await serving({ baseUrl, server }, platform, async ({ get }) => {
      const [bare, poor] = [await get('/mcp'), await get('/mcp', 'poor')];
      expect([bare.status, poor.status]).toEqual([401, 403]);
      for (const { challenge } of [bare, poor]) {
        expect(challenge).toContain('scope="api://client-id/read"');
      }
    });
  });

  it('model 33: other required scopes are translated through the server as well', async () => {
    const server = new FakeServer({
      name: 'server',
      requiredScopes: ['inner'],
      scopePrefix: 'api://client-id/',
      tokens: { poor: { scopes: ['inner'] } },
    });
    await serving({ baseUrl, server, requiredScopes: ['outer'] }, platform, async ({ get }) => {
      const [bare, poor] = [await get('/mcp'), await get('/mcp', 'poor')];
      expect([bare.status, poor.status]).toEqual([401, 403]);
      for (const { challenge } of [bare, poor]) {
        expect(challenge).toContain('scope="api://client-id/outer"');
        expect(challenge).not.toContain('inner');
      }
    });
  });

  it('model 34: a sole verifier translates in 401 and in 403', async () => {
    const verifiers = new FakeVerifier({
      name: 'entra',
      scopePrefix: 'api://client-id/',
      tokens: { poor: { scopes: [] } },
    });
    await serving({ verifiers, requiredScopes: ['admin'] }, platform, async ({ get }) => {
      for (const { challenge } of [await get('/mcp'), await get('/mcp', 'poor')]) {
        expect(challenge).toContain('scope="api://client-id/admin"');
      }
    });
  });

  it('model 35: resourceBaseUrl moves the challenge and the document alike', async () => {
    const server = new FakeServer({ name: 'server' });
    const options = { baseUrl: `${baseUrl}/proxy`, resourceBaseUrl: baseUrl, server };
    await serving(options, platform, async ({ get }) => {
      expect((await get('/mcp')).challenge).toContain(metadataUrl);
      expect((await get(resourceDocument)).body['resource']).toBe(`${baseUrl}/mcp`);
      const old = '/.well-known/oauth-protected-resource/proxy/mcp';
      expect((await get(old)).status).toBe(404);
    });
  });

  it('model 36: the tokens of people and of machines both pass', async () => {
    const people = new FakeVerifier({ name: 'people', tokens: interactive });
    const machines = new FakeVerifier({ name: 'machines', tokens: { m2m: {} }, waits: true });
    await serving({ verifiers: [people, machines] }, platform, async ({ get }) => {
      expect(await get('/mcp', 'interactive')).toMatchObject({ body: { source: 'people' } });
      expect(await get('/mcp', 'm2m')).toMatchObject({ body: { source: 'machines' } });
      expect((await get('/mcp')).status).toBe(401);
      expect((await get('/mcp', 'bad')).status).toBe(401);
    });
  });
});

// The model has `set_mcp_path`, which its own app never calls for verifiers. Here each question to
// a source carries the resource it is about.
describe('the resource a token is presented at', () => {
  const options = (server: FakeServer, verifiers: readonly FakeVerifier[]) => ({
    baseUrl,
    server,
    verifiers,
    resources: { first: '/mcp', second: '/other' },
  });

  it('model 37: is told to the server', async () => {
    const server = new FakeServer({ name: 'server' });
    await composing(options(server, []), async ({ service }) => {
      await service.verifyToken('t');
      await service.verifyToken('t', { resource: 'second' });
      expect(server.asked.map((a) => a.resource)).toEqual([`${baseUrl}/mcp`, `${baseUrl}/other`]);
    });
  });

  it('model 38: is told to every verifier', async () => {
    const verifiers = ['a', 'b'].map((name) => new FakeVerifier({ name }));
    await composing(options(new FakeServer({ name: 's' }), verifiers), async ({ service }) => {
      await service.verifyToken('t', { resource: 'second' });
      for (const verifier of verifiers) {
        expect(verifier.asked).toEqual([{ token: 't', resource: `${baseUrl}/other` }]);
      }
    });
  });
});
