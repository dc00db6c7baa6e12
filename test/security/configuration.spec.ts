import { afterEach, describe, expect, it } from '@jest/globals';
import {
  ConfigurationError,
  JwtVerifier,
  type JwtVerifierOptions,
  type Lifetimes,
  MultiAuthModule,
  type MultiAuthOptions,
  OAuth2Upstream,
  type OAuthProxyOptions,
  type TokenVerifier,
} from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { FakeServer } from '../support/fake-sources.js';
import { startFlow } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';
import {
  closeApps,
  baseUrl,
  knows,
  secret,
  startApp,
  unreachedProxy,
} from '../e2e/module/support.js';

afterEach(closeApps);

/** The paths of everything the boot complains of. */
async function refusal(options: unknown): Promise<ConfigurationError> {
  const imports = [MultiAuthModule.forRootAsync({ useFactory: () => options as MultiAuthOptions })];
  const error = await startApp({ imports, controllers: [] }).then(
    async (app) => {
      await app.close();
      return undefined;
    },
    (thrown: unknown) => thrown,
  );
  if (error instanceof ConfigurationError) return error;
  throw new Error(`No ConfigurationError but ${String(error)}`);
}

async function refusedPaths(options: unknown): Promise<readonly string[]> {
  return (await refusal(options)).issues.map((issue) => issue.path);
}

async function boots(options: MultiAuthOptions): Promise<void> {
  await (await startApp({ options })).close();
}

const verifiers = knows('known');
const server = (): FakeServer => new FakeServer({ name: 'server' });

describe('options that cannot work', () => {
  it('are all named at once, with their paths and without their values', async () => {
    const error = await refusal({
      baseUrl: 'http://user:hunter2@mcp.example.com/?x=1',
      resourceBaseUrl: 'not-a-url-but-private',
      server: { name: 'private-server' },
      verifiers: [knows('a'), { verify: 'private-verifier' }],
      resource: 'private resource',
      resources: { a: '/a' },
      requiredScopes: ['two scopes'],
      impliedScopes: { 'private"scope': ['x'] },
      sourceTimeoutSeconds: 61,
      requiredScope: ['typo'],
    });
    expect(error.issues.map((issue) => issue.path).sort()).toEqual(
      [
        'baseUrl',
        'impliedScopes',
        'requiredScope',
        'requiredScopes',
        'resourceBaseUrl',
        'resources',
        'server',
        'sourceTimeoutSeconds',
        'verifiers[1]',
      ].sort(),
    );
    expect(error.message).not.toMatch(/hunter2|private|two scopes|61/);
    for (const { path } of error.issues) expect(error.message).toContain(`${path}: `);
  });

  it.each([undefined, null, 'text'])(
    'a factory that returns %p stops the boot (NE-06)',
    async (given) => {
      expect(await refusedPaths(given)).toEqual(['options']);
    },
  );

  it('a factory that throws stops the boot (NE-06)', async () => {
    const useFactory = (): MultiAuthOptions => {
      throw new Error('AUTH_SECRET is not set');
    };
    const booting = startApp({ imports: [MultiAuthModule.forRootAsync({ useFactory })] });
    await expect(booting).rejects.toThrow('AUTH_SECRET is not set');
  });

  it('without any source nothing is open by mistake (VC-26)', async () => {
    for (const none of [{}, { verifiers: [] }, { baseUrl, requiredScopes: [] }]) {
      expect(await refusedPaths(none)).toEqual(['server']);
    }
    await boots({ verifiers });
  });

  it('a server needs a base URL, verifiers do not', async () => {
    expect(await refusedPaths({ server: server() })).toEqual(['baseUrl']);
    await boots({ baseUrl, server: server() });
    await boots({ server: knows('t') });
  });

  it.each([
    ['http in public', 'http://mcp.example.com'],
    ['another scheme', 'ftp://mcp.example.com'],
    ['a query', 'https://mcp.example.com?a=b'],
    ['an empty query', 'https://mcp.example.com/?'],
    ['a fragment', 'https://mcp.example.com/#a'],
    ['credentials', 'https://a:b@mcp.example.com'],
    ['a host in upper case', 'https://MCP.example.com'],
    ['the default port', 'https://mcp.example.com:443'],
    ['dot segments', 'https://mcp.example.com/a/../b'],
    ['an escape', 'https://mcp.example.com/a%20b'],
    ['a route pattern', 'https://mcp.example.com/:tenant'],
    ['two trailing slashes', 'https://mcp.example.com//'],
    ['no scheme', 'mcp.example.com'],
    ['nothing', ''],
  ])('a base URL with %s is refused (CF-02)', async (_what, url) => {
    expect(await refusedPaths({ baseUrl: url, server: server() })).toContain('baseUrl');
  });

  it.each(['https://mcp.example.com', 'https://mcp.example.com/', 'https://mcp.example.com/a/b/'])(
    'a base URL written as %s means one issuer (CF-02)',
    async (url) => {
      const given = server();
      await boots({ baseUrl: url, server: given });
      expect(given.host.baseUrl).toBe(url.replace(/\/$/, ''));
    },
  );

  it.each(['http://localhost:3000', 'http://127.0.0.1:3000', 'http://[::1]:3000'])(
    'a base URL on loopback may be http: %s (CF-02)',
    async (url) => {
      await boots({ baseUrl: url, server: server() });
    },
  );

  it('resources must be URLs of their own', async () => {
    const wrong = (given: object): Promise<readonly string[]> =>
      refusedPaths({ baseUrl, server: server(), ...given });
    expect(await wrong({ resource: 'mcp' })).toEqual(['resource']);
    expect(await wrong({ resource: 'http://mcp.example.com/mcp' })).toEqual(['resource']);
    expect(await wrong({ resource: '/mcp?x=1' })).toEqual(['resource']);
    expect(await wrong({ resource: '/mcp/:id' })).toEqual(['resource']);
    expect(await wrong({ resources: {} })).toEqual(['resources']);
    expect(await wrong({ resources: { a: '/mcp', b: '/mcp/' } })).toEqual(['resources.b']);
    expect(await wrong({ resources: { a: { url: '/a', requiredScopes: ['x y'] } } })).toEqual([
      'resources.a.requiredScopes',
    ]);
    await boots({ baseUrl, server: server(), resources: { a: '/a', b: 'https://b.example.com' } });
  });

  it.each([
    ['a resource that is no text', { resource: 42 }, 'resource'],
    ['a resource without a URL', { resource: {} }, 'resource'],
    ['resources that are no texts', { resources: { a: null } }, 'resources.a'],
    ['resources that are a list', { resources: ['/a'] }, 'resources'],
    ['a resource with a typo', { resource: { url: '/mcp', scope: ['a'] } }, 'resource.scope'],
    ['scopes that are a text', { requiredScopes: 'mcp:use' }, 'requiredScopes'],
    ['implied scopes that are a text', { impliedScopes: { a: 'b' } }, 'impliedScopes'],
    ['a timeout that is a text', { sourceTimeoutSeconds: '10' }, 'sourceTimeoutSeconds'],
    ['no timeout', { sourceTimeoutSeconds: 0 }, 'sourceTimeoutSeconds'],
    ['verifiers that are null', { verifiers: null }, 'verifiers[0]'],
    ['a verifier class instead of a verifier', { verifiers: [JwtVerifier] }, 'verifiers[0]'],
    ['a server that is null', { server: null }, 'server'],
  ])('%s is named, not stumbled over', async (_what, given, path) => {
    expect(await refusedPaths({ baseUrl, verifiers, ...given })).toContain(path);
  });
});

describe('a proxy that cannot work', () => {
  const proxied = (options: Partial<OAuthProxyOptions>): object => ({
    baseUrl,
    server: unreachedProxy(options),
  });
  const without = { secrets: undefined } as unknown as Partial<OAuthProxyOptions>;
  const upstream = (endpoint: string): OAuth2Upstream =>
    new OAuth2Upstream({
      authorizationEndpoint: endpoint,
      tokenEndpoint: 'https://idp.example.com/token',
      clientId: 'app',
      clientSecret: secret,
      tokenVerifier: knows('upstream'),
    });

  it.each([
    ['missing', []],
    ['short', ['hunter2-hunter2']],
    ['a placeholder', ['please-changeme-to-something-else-0123']],
    ['the same twice', [secret, secret]],
  ])('a secret that is %s stops the boot (CF-01)', async (_what, secrets) => {
    const error = await refusal(proxied({ secrets }));
    expect(error.issues[0]?.path).toMatch(/^server\.secrets/);
    expect(error.message).not.toMatch(/hunter2|changeme-to|q8vZ/);
  });

  it('no secret at all stops the boot in public (CF-01)', async () => {
    expect(await refusedPaths(proxied(without))).toEqual(['server.secrets']);
    const options = { baseUrl: 'http://127.0.0.1:3000', server: unreachedProxy(without) };
    await boots(options);
  });

  it("the upstream's secret stops the boot as a secret of the proxy (CF-01)", async () => {
    const given = proxied({ upstream: upstream('https://idp.example.com/authorize') });
    expect(await refusedPaths(given)).toEqual(['server.secrets[0]']);
    await boots({ baseUrl, server: unreachedProxy() });
  });

  it.each<[string, Partial<OAuthProxyOptions>]>([
    [
      'of a client',
      { clients: [{ clientId: 'c', clientSecret: secret, redirectUris: ['https://app.test/cb'] }] },
    ],
    ['of a client that introspects', { introspectionClients: [{ id: 'api', secret }] }],
    ['for registration', { registration: { initialAccessTokens: [secret] } }],
  ])('a secret %s stops the boot as a secret of the proxy (CF-01)', async (_what, shared) => {
    const own = 'the-own-secret-of-this-proxy-and-no-other-1';
    expect(await refusedPaths(proxied({ ...shared, secrets: [own, secret] }))).toEqual([
      'server.secrets[1]',
    ]);
    await boots({ baseUrl, server: unreachedProxy({ ...shared, secrets: [own] }) });
  });

  it.each([
    ['http', 'http://idp.example.com/authorize'],
    ['with credentials', 'https://a:b@idp.example.com/authorize'],
    ['at this server itself', `${baseUrl}/authorize`],
    ['nowhere', 'authorize'],
  ])('an upstream endpoint %s stops the boot (CF-09)', async (_what, endpoint) => {
    const given = proxied({ upstream: upstream(endpoint), secrets: [`${secret}-of-the-proxy`] });
    expect(await refusedPaths(given)).toEqual(['server.upstream.authorizationEndpoint']);
  });

  it.each([
    ['a code of more than 10 minutes', { authorizationCode: 601 }],
    ['no time', { transaction: 0 }],
    ['a negative time', { refreshGrace: -1 }],
    ['NaN', { accessToken: Number.NaN }],
    ['a text', { accessToken: '1h' as unknown as number }],
    ['a name that is none', { acessToken: 60 }],
  ])('lifetimes with %s stop the boot (CF-06)', async (_what, wrong: object) => {
    const lifetimes = wrong as Partial<Lifetimes>;
    const [path] = Object.keys(lifetimes);
    expect(await refusedPaths(proxied({ lifetimes }))).toEqual([`server.lifetimes.${path}`]);
  });

  it('one proxy serves one module at a time', async () => {
    const shared = unreachedProxy();
    const module = (path: string) =>
      MultiAuthModule.forRoot({ baseUrl: baseUrl + path, server: shared });
    const booting = startApp({ imports: [module('/a'), module('/b')], controllers: [] });
    await expect(booting).rejects.toThrow('already serves another module');
    const reused = unreachedProxy();
    await boots({ baseUrl, server: reused });
    await boots({ baseUrl, server: reused });
  });
});

describe('a verifier that cannot work', () => {
  const given: JwtVerifierOptions = {
    issuer: 'https://issuer.example.com',
    audience: 'mcp',
    jwksUri: 'https://issuer.example.com/jwks.json',
  };
  const wrong = (change: object): readonly string[] => {
    try {
      return new JwtVerifier({ ...given, ...change }).name === '' ? ['name'] : [];
    } catch (error) {
      return (error as ConfigurationError).issues.map((issue) => issue.path);
    }
  };

  it.each([
    ['no issuer', { issuer: undefined }],
    ['an empty audience', { audience: '' }],
    ['an empty list of audiences', { audience: [] }],
    ['no algorithm', { algorithms: [] }],
    ['the algorithm none', { algorithms: ['none'] }],
    ['the algorithm none beside others', { algorithms: ['RS256', 'none'] }],
    ['a shared-secret algorithm with public keys', { algorithms: ['HS256'] }],
    ['no key', { jwksUri: undefined }],
  ])('a JwtVerifier with %s is not made (CF-03)', (_what, change) => {
    expect(wrong(change)).not.toEqual([]);
    expect(wrong({})).toEqual([]);
  });

  it('a class of the user without verifyToken is no verifier', async () => {
    class Half {
      recognizes(): boolean {
        return true;
      }
    }
    expect(await refusedPaths({ verifiers: new Half() as unknown as TokenVerifier })).toEqual([
      'verifiers[0]',
    ]);
  });
});

describe.each(platforms)('options that the app changes after the boot, on %s', (platform) => {
  it('change nothing — CF-10', async () => {
    const idp = await UpstreamIdp.start();
    const proxy = {
      validScopes: ['mcp:use', 'notes:read'],
      defaultScopes: ['mcp:use'],
      secrets: ['the-first-secret-of-the-app-for-this-test-1'],
      scopeDescriptions: { 'notes:read': 'Read notes' } as Record<string, string>,
      lifetimes: { authorizationCode: 60 },
      allowedClientRedirectUris: ['https://app.test/*'],
      clients: [{ clientId: 'known', redirectUris: ['https://app.test/known'] }],
    };
    const module = { requiredScopes: ['mcp:use'], resources: { default: '/mcp' } };
    const flow = await startFlow({ idp, platform, proxy, module });
    proxy.validScopes.push('admin');
    proxy.defaultScopes.push('admin');
    proxy.secrets.splice(0, 1, 'the-second-secret-of-the-app-for-this-test');
    proxy.scopeDescriptions['notes:read'] = 'Nothing at all';
    proxy.lifetimes.authorizationCode = 600;
    proxy.allowedClientRedirectUris.splice(0);
    proxy.clients[0]?.redirectUris.push('https://evil.test/');
    module.requiredScopes.splice(0, 1, 'admin');

    const client = await flow.register();
    const asked = flow.authorizationRequest(client).with({ scope: 'notes:read admin' });
    const page = await flow.consentPage(asked, new Browser());
    expect(page.html).toContain('Read notes');
    const tokens = await flow.tokensFor(client, { request: asked });
    expect(tokens.scope).toBe('notes:read mcp:use');
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    const known = { id: 'known', redirectUri: 'https://evil.test/' };
    expect((await flow.authorize(flow.authorizationRequest(known))).status).toBe(400);
    await flow.close();
    await idp.stop();
  });
});
