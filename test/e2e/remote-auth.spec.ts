import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  ConfigurationError,
  JwtVerifier,
  OAuthProxy,
  RemoteAuthProvider,
  type RemoteAuthProviderOptions,
  type TokenVerifier,
} from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { Gate } from '../support/gate.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  remoteOrigin,
  remoteResource,
  type RemoteApp,
  type RemoteAppOptions,
  startRemoteApp,
} from '../support/remote-app.js';
import { JwtVendor } from '../support/vendors/jwt-vendor.js';

const issuer = 'https://login.example.com/tenant';
const wellKnown = '/.well-known/oauth-authorization-server';
const metadataPath = `${wellKnown}/tenant`;
const resourceDocument = '/.well-known/oauth-protected-resource/mcp';
const metadata = {
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  scopes_supported: ['mcp:use', 'mcp:admin', 'offline_access'],
};
const opaque: TokenVerifier = {
  verifyToken: (token) => (token === 'opaque' ? { clientId: 'c', scopes: ['mcp:use'] } : null),
};

describe.each(platforms)('a RemoteAuthProvider on %s', (platform) => {
  const clock = new ManualClock();
  let vendor: JwtVendor;

  beforeAll(async () => {
    vendor = await JwtVendor.start({
      origin: 'https://login.example.com',
      jwksPath: '/tenant/keys',
      claims: {
        iss: issuer,
        aud: remoteResource,
        sub: 'alice',
        client_id: 'cli',
        scope: 'mcp:use',
      },
      metadata: { [metadataPath]: metadata },
      clock,
    });
  });

  const jwt = (changes: Partial<ConstructorParameters<typeof JwtVerifier>[0]> = {}) =>
    new JwtVerifier({
      issuer,
      jwksUri: `${issuer}/keys`,
      fetch: vendor.host.fetch,
      clock,
      ...changes,
    });

  async function withApp(
    options: Partial<RemoteAuthProviderOptions>,
    run: (app: RemoteApp) => Promise<void>,
    module: RemoteAppOptions['module'] = {},
  ): Promise<void> {
    const server = new RemoteAuthProvider({
      tokenVerifier: jwt(),
      authorizationServers: [issuer],
      fetch: vendor.host.fetch,
      ...options,
    });
    const app = await startRemoteApp(server, { platform, clock, module });
    try {
      await run(app);
    } finally {
      vendor.host.recover();
      clock.advance(60);
      await app.close();
    }
  }

  it('accepts the tokens of its servers, and names itself as the source', async () => {
    await withApp({}, async (app) => {
      const token = await vendor.issue();
      expect(await app.call(token)).toMatchObject({
        outcome: 'accepted',
        body: { source: 'RemoteAuthProvider', subject: 'alice', issuer, resource: remoteResource },
      });
      expect(await app.service.verifyToken(token)).toMatchObject({ outcome: 'accepted' });
    });
    await withApp({ name: 'login', tokenVerifier: opaque }, async (app) => {
      expect((await app.call('opaque')).body['source']).toBe('login');
      expect((await app.call('another')).outcome).toBe('401 invalid_token');
    });
  });

  it('publishes all its servers, in their order and spelling', async () => {
    const authorizationServers = [`${issuer}/`, 'https://other.example.com/'];
    await withApp({ authorizationServers, scopesSupported: ['a', 'b'] }, async (app) => {
      expect((await app.document(resourceDocument)).body).toEqual({
        resource: remoteResource,
        authorization_servers: authorizationServers,
        scopes_supported: ['a', 'b'],
        bearer_methods_supported: ['header'],
      });
    });
  });

  it('keeps the tokens of several resources apart', async () => {
    const module = { resources: { mcp: '/mcp', admin: '/admin/mcp' } };
    const run = async (app: RemoteApp): Promise<void> => {
      const admin = `${remoteOrigin}/admin/mcp`;
      const forAdmin = await vendor.issue({ aud: admin });
      expect((await app.call(forAdmin, '/admin/mcp')).outcome).toBe('accepted');
      expect((await app.call(forAdmin)).outcome).toBe('401 invalid_token');
      expect((await app.call(await vendor.issue())).outcome).toBe('accepted');
      expect((await app.call(await vendor.issue(), '/admin/mcp')).outcome).toBe(
        '401 invalid_token',
      );
      const both = await vendor.issue({ aud: [remoteResource, admin] });
      expect((await app.call(both)).body['resource']).toBe(remoteResource);
      expect((await app.call(both, '/admin/mcp')).body['resource']).toBe(admin);
    };
    await withApp({}, run, module);
  });

  it('takes a fixed audience where the verifier has one', async () => {
    await withApp({ tokenVerifier: jwt({ audience: 'api://mcp' }) }, async (app) => {
      expect((await app.call(await vendor.issue({ aud: 'api://mcp' }))).outcome).toBe('accepted');
      expect((await app.call(await vendor.issue())).outcome).toBe('401 invalid_token');
    });
  });

  it('leaves tokens of other issuers to the other verifiers', async () => {
    let asked = 0;
    const counting = jwt();
    const tokenVerifier: TokenVerifier = {
      recognizes: (token, context) => counting.recognizes(token, context),
      verifyToken: (token, context) => {
        asked++;
        return counting.verifyToken(token, context);
      },
    };
    // One that does not know its tokens at a glance, and so is asked in its turn.
    const verifiers: TokenVerifier = {
      verifyToken: (token) =>
        token === 'static-token' ? { clientId: 'robot', scopes: ['mcp:use'] } : null,
    };
    await withApp(
      { tokenVerifier },
      async (app) => {
        expect((await app.call('static-token')).body['clientId']).toBe('robot');
        expect(asked).toBe(0);
        expect((await app.call(await vendor.issue())).body['clientId']).toBe('cli');
        expect(asked).toBe(1);
      },
      { verifiers },
    );
  });

  describe('demands scopes', () => {
    it('with 403, and tells clients which', async () => {
      await withApp({ requiredScopes: ['mcp:admin'] }, async (app) => {
        const { outcome, challenge } = await app.call(await vendor.issue());
        expect(outcome).toBe('403 insufficient_scope');
        expect(challenge).toContain('scope="mcp:admin"');
        const { body } = await app.document(resourceDocument);
        expect(body).toMatchObject({ scopes_supported: ['mcp:admin'] });
      });
    });

    it('of its verifier, whose refusal is one of the token', async () => {
      const strict: TokenVerifier = { ...opaque, requiredScopes: ['mcp:admin'] };
      await withApp({ tokenVerifier: strict }, async (app) => {
        expect((await app.call('opaque')).outcome).toBe('401 invalid_token');
        expect((await app.call()).challenge).toContain('scope="mcp:admin"');
      });
      const late: TokenVerifier = {
        ...strict,
        verifyToken: async (token, context) => opaque.verifyToken(token, context),
      };
      // The verifier's own list counts, whatever the module says.
      const run = async (app: RemoteApp): Promise<void> => {
        expect((await app.call('opaque')).outcome).toBe('401 invalid_token');
      };
      await withApp({ tokenVerifier: late }, run, { requiredScopes: [] });
    });

    it('by the names that the server has for them', async () => {
      const prefixed = (scopes: readonly string[]): string[] => scopes.map((s) => `api://x/${s}`);
      const required = { requiredScopes: ['mcp:admin'] };
      for (const options of [
        { ...required, challengeScopes: prefixed },
        { ...required, tokenVerifier: { ...opaque, challengeScopes: prefixed } },
      ]) {
        await withApp(options, async (app) => {
          expect((await app.call()).challenge).toContain('scope="api://x/mcp:admin"');
          const { body } = await app.document(resourceDocument);
          expect(body).toMatchObject({ scopes_supported: ['api://x/mcp:admin'] });
        });
      }
    });
  });

  describe('asks the server which scopes there are', () => {
    it('when they are first needed, and once', async () => {
      vendor.host.requests.length = 0;
      await withApp({ discoverScopes: true }, async (app) => {
        expect(vendor.host.requests).toEqual([]);
        const documents = await Promise.all([1, 2, 3].map(() => app.document(resourceDocument)));
        for (const { headers, body } of documents) {
          expect(headers.get('cache-control')).toBe('public, max-age=300');
          // RFC 9728 documents never name `offline_access`.
          expect(body).toMatchObject({ scopes_supported: ['mcp:use', 'mcp:admin'] });
        }
        expect(vendor.host.requests.map((r) => r.url)).toEqual([
          `https://login.example.com${metadataPath}`,
        ]);
      });
    });

    it('and goes without as long as it cannot know, in a document nobody keeps', async () => {
      vendor.host.fail(metadataPath, '500');
      await withApp({ discoverScopes: true, requiredScopes: ['mcp:use'] }, async (app) => {
        const provisional = await app.document(resourceDocument);
        expect(provisional.status).toBe(200);
        expect(provisional.headers.get('cache-control')).toBe('no-store');
        expect(provisional.body).toMatchObject({
          authorization_servers: [issuer],
          scopes_supported: ['mcp:use'],
        });
        expect(app.told('endpoint.failed')).toEqual([
          { endpoint: resourceDocument, reason: 'the metadata answered 500' },
        ]);
        vendor.host.recover();
        clock.advance(5);
        const { headers, body } = await app.document(resourceDocument);
        expect(headers.get('cache-control')).toBe('public, max-age=300');
        expect(body).toMatchObject({ scopes_supported: ['mcp:use', 'mcp:admin'] });
      });
    });

    it('unless it was told', async () => {
      vendor.host.requests.length = 0;
      await withApp({ discoverScopes: true, scopesSupported: [] }, async (app) => {
        expect((await app.document(resourceDocument)).body).not.toHaveProperty('scopes_supported');
        expect(vendor.host.requests).toEqual([]);
      });
    });
  });

  describe('forwards the metadata of the server', () => {
    it('below its base URL, to every origin', async () => {
      await withApp({ forwardMetadata: true }, async (app) => {
        const { status, headers, body } = await app.document(wellKnown);
        expect([status, body]).toEqual([200, metadata]);
        expect(headers.get('access-control-allow-origin')).toBe('*');
        expect(headers.get('cache-control')).toBe('public, max-age=300');
      });
      const module = { baseUrl: `${remoteOrigin}/a`, resourceBaseUrl: remoteOrigin };
      const run = async (app: RemoteApp): Promise<void> => {
        expect((await app.document(`${wellKnown}/a`)).body).toEqual(metadata);
        expect((await app.document(wellKnown)).status).toBe(404);
      };
      await withApp({ forwardMetadata: true }, run, module);
    });

    it.each([
      ['500', 503, 'temporarily_unavailable'],
      ['disconnect', 503, 'temporarily_unavailable'],
      ['html', 502, 'server_error'],
      ['garbage', 502, 'server_error'],
      ['redirect', 502, 'server_error'],
    ] as const)(
      'or an error without detail when that answers: %s',
      async (failure, code, error) => {
        await withApp({ forwardMetadata: true }, async (app) => {
          vendor.host.fail(metadataPath, failure);
          const { status, headers, body } = await app.document(wellKnown);
          expect(status).toBe(code);
          expect(body).toEqual({ error, error_description: expect.stringMatching(/^The se/) });
          expect(JSON.stringify(body)).not.toMatch(/login\.example|metadata|ECONN|html/);
          expect(headers.get('access-control-allow-origin')).toBe('*');
          expect(headers.get('cache-control')).toBe('no-store');
          expect(app.told('endpoint.failed')).toEqual([
            { endpoint: wellKnown, reason: expect.stringContaining('the metadata') },
          ]);
        });
      },
    );
  });

  it('ends its question to the server when the app closes', async () => {
    let asked: AbortSignal | null | undefined;
    const question = new Gate(() => {});
    const hanging = async (_url: unknown, init?: RequestInit): Promise<Response> => {
      asked = init?.signal;
      await question.pass();
      return new Response();
    };
    await withApp({ forwardMetadata: true, fetch: hanging }, async (app) => {
      app.document(wellKnown).catch(() => {});
      await question.arrived(1);
      expect(asked?.aborted).toBe(false);
    });
    expect(asked?.aborted).toBe(true);
  });

  it('has no grants and no keys to speak of', async () => {
    await withApp({}, async ({ service }) => {
      for (const call of [
        () => service.grantsOf('alice'),
        () => service.revokeAll({ subject: 'alice' }),
        () => service.revokeGrant('x'),
        () => service.reloadKeys(),
      ]) {
        await expect(call()).rejects.toThrow(ConfigurationError);
        await expect(call()).rejects.toThrow(/server: is no OAuthProvider/);
      }
    });
  });
});

describe('a RemoteAuthProvider', () => {
  const authorizationServers = [issuer];
  const issuesOf = (options: object): readonly string[] => {
    try {
      const provider = new RemoteAuthProvider(options as RemoteAuthProviderOptions);
      return provider.authorizationServers().length > 0 ? [] : ['authorizationServers'];
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      return error.issues.map(({ path }) => path.replace('RemoteAuthProvider.', ''));
    }
  };

  it('says all that is wrong with its options at once', () => {
    expect(
      issuesOf({
        authorizationServer: issuer,
        challengeScopes: ['a'],
        discoverScopes: 'yes',
        fetch: 1,
        forwardMetadata: 1,
        name: '',
        requiredScopes: 'mcp:use',
        scopesSupported: ['a b'],
      }),
    ).toEqual([
      'authorizationServer',
      'requiredScopes',
      'scopesSupported',
      'authorizationServers',
      'tokenVerifier',
      'name',
      'discoverScopes',
      'forwardMetadata',
      'challengeScopes',
      'fetch',
    ]);
  });

  it.each([
    [undefined, 'authorizationServers'],
    [issuer, 'authorizationServers'],
    [[], 'authorizationServers'],
    [[issuer, 'http://login.example.com'], 'authorizationServers[1]'],
    [['login.example.com'], 'authorizationServers[0]'],
    [['https://login.example.com/?a=1'], 'authorizationServers[0]'],
    [['https://login.example.com/#a'], 'authorizationServers[0]'],
    [['https://user:pass@login.example.com'], 'authorizationServers[0]'],
    [['https://LOGIN.example.com'], 'authorizationServers[0]'],
    [['https://login.example.com/a/../b'], 'authorizationServers[0]'],
  ])('does not take the servers %j', (servers, path) => {
    expect(issuesOf({ tokenVerifier: opaque, authorizationServers: servers })).toEqual([path]);
  });

  it.each([['https://a.test'], ['https://a.test/'], ['https://a.test/b/'], ['http://127.0.0.1:9']])(
    'takes the server %s',
    (server) => {
      expect(issuesOf({ tokenVerifier: opaque, authorizationServers: [server] })).toEqual([]);
    },
  );

  it('does not take a server for a verifier', () => {
    const server = new RemoteAuthProvider({ tokenVerifier: opaque, authorizationServers });
    expect(issuesOf({ tokenVerifier: server, authorizationServers })).toEqual(['tokenVerifier']);
    expect(issuesOf({ tokenVerifier: {}, authorizationServers })).toEqual(['tokenVerifier']);
    expect(server).not.toBeInstanceOf(OAuthProxy);
  });

  it('asks for its verdict in the manner of its verifier', async () => {
    const { promise, held } = heldAnswer();
    const server = new RemoteAuthProvider({
      tokenVerifier: { verifyToken: () => promise },
      authorizationServers,
    });
    const context = { resource: 'r', unverifiedJwt: undefined, reject: () => null } as never;
    const late = server.verifyToken('t', context);
    expect(late).toBeInstanceOf(Promise);
    held.release();
    expect(await late).toEqual({ clientId: 'c', scopes: [] });
    const plain = new RemoteAuthProvider({ tokenVerifier: opaque, authorizationServers });
    expect(plain.verifyToken('opaque', context)).toEqual({ clientId: 'c', scopes: ['mcp:use'] });
    expect(plain.recognizes('opaque', context)).toBeUndefined();
  });
});

function heldAnswer() {
  const held = new Gate(() => {});
  const promise = held.pass().then(() => ({ clientId: 'c', scopes: [] }));
  return { promise, held };
}

describe('a RemoteAuthProvider', () => {
  it('takes from its verifier how long it may take, and where its tokens come', () => {
    const tokenVerifier = { ...opaque, timeoutSeconds: 3, header: 'x-api-key' };
    const provider = new RemoteAuthProvider({ tokenVerifier, authorizationServers: [issuer] });
    expect(provider).toMatchObject({ timeoutSeconds: 3, header: 'x-api-key' });
  });
});
