// What each remote preset does apart from the others, and what bit the model (its issue numbers).
import { describe, expect, it } from '@jest/globals';
import {
  Auth0Provider,
  AuthKitProvider,
  ConfigurationError,
  DescopeProvider,
  KeycloakProvider,
  PropelAuthProvider,
  type RemoteAuthProvider,
  ScalekitProvider,
  SupabaseProvider,
} from '../../lib/index.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  remoteOrigin,
  remoteResource,
  type RemoteApp,
  type RemoteAppOptions,
  startRemoteApp,
} from '../support/remote-app.js';
import { startAuth0 } from '../support/vendors/auth0.js';
import { startAuthKit } from '../support/vendors/authkit.js';
import { descopeIssuer, descopeProject, startDescope } from '../support/vendors/descope.js';
import { keycloakRealm, startKeycloak } from '../support/vendors/keycloak.js';
import {
  scalekitEnvironment,
  scalekitResource,
  scalekitServer,
  startScalekit,
} from '../support/vendors/scalekit.js';
import { startSupabase, supabaseIssuer, supabaseProject } from '../support/vendors/supabase.js';

const clock = new ManualClock();
const resourceDocument = '/.well-known/oauth-protected-resource/mcp';

async function withApp(
  server: RemoteAuthProvider,
  run: (app: RemoteApp) => Promise<void>,
  module: RemoteAppOptions['module'] = {},
): Promise<void> {
  const app = await startRemoteApp(server, { clock, module });
  try {
    await run(app);
  } finally {
    await app.close();
  }
}

const warnings = (app: RemoteApp): readonly string[] =>
  app.log.lines.filter(({ level }) => level === 'warn').map(({ text }) => text);

describe('AuthKitProvider', () => {
  it('takes both spellings of a resource without a path — #3905', async () => {
    const vendor = await startAuthKit(clock, `${remoteOrigin}/`);
    const server = new AuthKitProvider({
      authkitDomain: 'your-app.authkit.app',
      fetch: vendor.host.fetch,
      clock,
    });
    // The SDK's client asks for the token with the slash.
    const run = async (app: RemoteApp): Promise<void> => {
      const { outcome, body } = await app.call(await vendor.issue());
      expect([outcome, body['resource']]).toEqual(['accepted', remoteOrigin]);
      const aud = remoteOrigin;
      expect((await app.call(await vendor.issue({ aud }))).outcome).toBe('accepted');
      const other = await vendor.issue({ aud: `${remoteOrigin}/other` });
      expect((await app.call(other)).outcome).toBe('401 invalid_token');
    };
    await withApp(server, run, { resource: '/' });
  });

  it('takes an audience that is not the resource, when told to', async () => {
    const vendor = await startAuthKit(clock, 'https://api.example.com');
    const server = new AuthKitProvider({
      authkitDomain: 'your-app.authkit.app',
      audience: ['https://api.example.com', 'api://mcp'],
      fetch: vendor.host.fetch,
      clock,
    });
    await withApp(server, async (app) => {
      expect((await app.call(await vendor.issue())).outcome).toBe('accepted');
      const aud = remoteResource;
      expect((await app.call(await vendor.issue({ aud }))).outcome).toBe('401 invalid_token');
    });
  });
});

describe('Auth0Provider', () => {
  it('counts permissions as scopes only when told to', async () => {
    const vendor = await startAuth0(clock, remoteResource);
    const common = {
      domain: 'your-tenant.eu.auth0.com',
      requiredScopes: ['mcp:admin'],
      fetch: vendor.host.fetch,
      clock,
    };
    // The user may do it, and did not grant it to this client.
    await withApp(new Auth0Provider(common), async (app) => {
      expect((await app.call(await vendor.issue())).outcome).toBe('403 insufficient_scope');
    });
    await withApp(new Auth0Provider({ ...common, permissionsAsScopes: true }), async (app) => {
      const { outcome, body } = await app.call(await vendor.issue());
      expect([outcome, body['scopes']]).toEqual(['accepted', ['openid', 'mcp:use', 'mcp:admin']]);
      // A token of the other dialect, which has permissions alone.
      const alone = await vendor.issue({ scope: undefined, permissions: ['mcp:admin'] });
      expect((await app.call(alone)).body['scopes']).toEqual(['mcp:admin']);
      for (const permissions of [undefined, [], 'mcp:admin', ['mcp:admin openid'], [1], {}]) {
        const without = await vendor.issue({ permissions });
        expect((await app.call(without)).outcome).toBe('403 insufficient_scope');
      }
    });
  });
});

describe('DescopeProvider', () => {
  const configUrl = `${descopeIssuer}/.well-known/openid-configuration`;

  it('asks nobody anything before it must, and then for the scopes — #4489', async () => {
    const vendor = await startDescope(clock);
    const { host } = vendor;
    const server = new DescopeProvider({ configUrl, fetch: host.fetch, clock });
    host.fail(`${new URL(descopeIssuer).pathname}/.well-known/openid-configuration`, 'disconnect');
    await withApp(server, async (app) => {
      expect(host.requests).toEqual([]);
      const provisional = await app.document(resourceDocument);
      expect(provisional.headers.get('cache-control')).toBe('no-store');
      expect(provisional.body).not.toHaveProperty('scopes_supported');
      host.recover();
      clock.advance(5);
      const { body } = await app.document(resourceDocument);
      expect(body).toMatchObject({ scopes_supported: ['mcp:use', 'mcp:schedule_meetings'] });
      expect(host.requests.at(-1)?.url).toBe(configUrl);
    });
  });

  it.each([
    ['required', { requiredScopes: ['mcp:use'] }, ['mcp:use']],
    ['named', { scopesSupported: ['mcp:use', 'mcp:more'] }, ['mcp:use', 'mcp:more']],
  ])('asks for no scopes when they are %s', async (_what, scopes, advertised) => {
    const { host } = await startDescope(clock);
    const server = new DescopeProvider({ configUrl, fetch: host.fetch, clock, ...scopes });
    await withApp(server, async (app) => {
      const { body } = await app.document(resourceDocument);
      expect(body).toMatchObject({ scopes_supported: advertised });
      expect(host.requests).toEqual([]);
      expect(warnings(app)).toEqual([]);
    });
  });

  it('warns of the URL of a whole project, whose every application it accepts', async () => {
    const vendor = await startDescope(clock);
    const issuer = `https://api.descope.com/v1/apps/${descopeProject}`;
    const options = { configUrl: issuer, requiredScopes: ['mcp:use'], fetch: vendor.host.fetch };
    await withApp(new DescopeProvider({ ...options, clock }), async (app) => {
      expect(warnings(app)).toEqual([expect.stringMatching(/configUrl.*whole project/)]);
      expect((await app.call(await vendor.issue({ iss: issuer }))).outcome).toBe('accepted');
      expect((await app.call(await vendor.issue())).outcome).toBe('401 invalid_token');
    });
    const pinned = new DescopeProvider({ ...options, audience: remoteResource, clock });
    await withApp(pinned, async (app) => {
      expect(warnings(app)).toEqual([]);
    });
  });
});

describe('KeycloakProvider', () => {
  it('requires openid, without which tokens name no user, unless told otherwise', async () => {
    const vendor = await startKeycloak(clock, remoteResource);
    const common = { realmUrl: keycloakRealm, fetch: vendor.host.fetch, clock };
    const anonymous = await vendor.issue({ scope: 'mcp:use', sub: undefined });
    await withApp(new KeycloakProvider(common), async (app) => {
      expect((await app.call()).challenge).toContain('scope="openid"');
      expect((await app.call(await vendor.issue())).outcome).toBe('accepted');
      expect((await app.call(anonymous)).outcome).toBe('403 insufficient_scope');
    });
    await withApp(new KeycloakProvider({ ...common, requiredScopes: [] }), async (app) => {
      expect((await app.call(anonymous)).outcome).toBe('accepted');
    });
  });

  it.each(['ES256', 'PS256', 'EdDSA'])('serves a realm that signs with %s', async (algorithm) => {
    const vendor = await startKeycloak(clock, remoteResource, algorithm);
    const common = { realmUrl: keycloakRealm, fetch: vendor.host.fetch, clock };
    await withApp(new KeycloakProvider({ ...common, algorithms: [algorithm] }), async (app) => {
      expect((await app.call(await vendor.issue())).outcome).toBe('accepted');
    });
    await withApp(new KeycloakProvider(common), async (app) => {
      expect((await app.call(await vendor.issue())).outcome).toBe('401 invalid_token');
    });
  });

  it('takes no id token, also where the client is the audience', async () => {
    const vendor = await startKeycloak(clock, 'my-client');
    const server = new KeycloakProvider({
      realmUrl: keycloakRealm,
      audience: 'my-client',
      fetch: vendor.host.fetch,
      clock,
    });
    await withApp(server, async (app) => {
      expect((await app.call(await vendor.issue())).outcome).toBe('accepted');
      const idToken = await vendor.issue({ typ: 'ID', aud: 'my-client' });
      expect((await app.call(idToken)).outcome).toBe('401 invalid_token');
    });
  });
});

describe('ScalekitProvider', () => {
  it('accepts tokens of the environment and of its MCP server — #4798, #2413', async () => {
    const vendor = await startScalekit(clock);
    const server = new ScalekitProvider({
      environmentUrl: scalekitEnvironment,
      resourceId: scalekitResource,
      requiredScopes: ['mcp:use'],
      fetch: vendor.host.fetch,
      clock,
    });
    await withApp(server, async (app) => {
      for (const iss of [scalekitEnvironment, scalekitServer]) {
        const { outcome, body } = await app.call(await vendor.issue({ iss }));
        expect([outcome, body['issuer']]).toEqual(['accepted', iss]);
      }
      // `scope` counts where it is there, and then nothing else.
      const scoped = await vendor.issue({ scope: 'mcp:read', scopes: ['mcp:use'] });
      expect((await app.call(scoped)).outcome).toBe('403 insufficient_scope');
      for (const scopes of ['mcp:use', [['mcp:use']], ['mcp:use mcp:admin'], null]) {
        const odd = await vendor.issue({ scopes });
        expect((await app.call(odd)).outcome).toBe('403 insufficient_scope');
      }
    });
  });

  it('forwards metadata under either issuer', async () => {
    const { host } = await startScalekit(clock);
    const path = `/.well-known/oauth-authorization-server/resources/${scalekitResource}`;
    for (const [issuer, status] of [
      [scalekitEnvironment, 200],
      [`${scalekitEnvironment}/resources/res_2`, 502],
    ] as const) {
      host.serve({ [`GET ${path}`]: () => Response.json({ issuer }) });
      const server = new ScalekitProvider({
        environmentUrl: scalekitEnvironment,
        resourceId: scalekitResource,
        forwardMetadata: true,
        fetch: host.fetch,
        clock,
      });
      await withApp(server, async (app) => {
        const answer = await app.document('/.well-known/oauth-authorization-server');
        expect([issuer, answer.status]).toEqual([issuer, status]);
      });
    }
  });
});

describe('SupabaseProvider', () => {
  const withProject = async (
    options: Partial<ConstructorParameters<typeof SupabaseProvider>[0]>,
    run: (app: RemoteApp, vendor: Awaited<ReturnType<typeof startSupabase>>) => Promise<void>,
    algorithm = 'ES256',
  ): Promise<void> => {
    const vendor = await startSupabase(clock, algorithm);
    const common = { projectUrl: supabaseProject, fetch: vendor.host.fetch, clock };
    await withApp(new SupabaseProvider({ ...common, ...options }), (app) => run(app, vendor));
  };

  it('warns that tokens name no resource, and accepts what it cannot tell apart', async () => {
    await withProject({}, async (app, vendor) => {
      expect(warnings(app)).toEqual([expect.stringMatching(/configuration\.warning.*no resource/)]);
      const another = await vendor.issue({ client_id: 'the-client-of-another-server' });
      expect((await app.call(another)).outcome).toBe('accepted');
    });
  });

  it('is pinned to the resource by a hook of the project', async () => {
    await withProject({ audience: remoteResource }, async (app, vendor) => {
      expect(warnings(app)).toEqual([]);
      const hooked = await vendor.issue({ aud: [remoteResource, 'authenticated'] });
      expect((await app.call(hooked)).body['resource']).toBe(remoteResource);
      expect((await app.call(await vendor.issue())).outcome).toBe('401 invalid_token');
    });
    await withProject({ audience: [remoteResource, 'authenticated'] }, async (app) => {
      expect(warnings(app)).toHaveLength(1);
    });
  });

  it('accepts sessions of the project’s apps only when told to', async () => {
    const session = { client_id: undefined };
    await withProject({}, async (app, vendor) => {
      expect((await app.call(await vendor.issue(session))).outcome).toBe('401 invalid_token');
      const odd = await vendor.issue({ client_id: ['x'] });
      expect((await app.call(odd)).outcome).toBe('401 invalid_token');
    });
    await withProject({ acceptSessions: true }, async (app, vendor) => {
      expect((await app.call(await vendor.issue(session))).outcome).toBe('accepted');
    });
  });

  it('serves a project with RSA keys, and no other algorithm when told so', async () => {
    const run = async (
      app: RemoteApp,
      vendor: Awaited<ReturnType<typeof startSupabase>>,
    ): Promise<void> => {
      expect((await app.call(await vendor.issue())).outcome).toBe('accepted');
    };
    await withProject({}, run, 'RS256');
    await withProject(
      { algorithms: ['ES256'] },
      async (app, vendor) => {
        expect((await app.call(await vendor.issue())).outcome).toBe('401 invalid_token');
      },
      'RS256',
    );
  });

  it('finds Supabase Auth elsewhere below the project', async () => {
    const issuer = `${supabaseProject}/custom/auth`;
    await withProject({ authRoute: '/custom/auth' }, async (app, { host }) => {
      const { body } = await app.document(resourceDocument);
      expect(body).toMatchObject({ authorization_servers: [issuer] });
      expect(host.requests).toEqual([]);
    });
    expect(supabaseIssuer).toBe(`${supabaseProject}/auth/v1`);
  });
});

describe('a preset with wrong options does not boot', () => {
  type Make = (options: never) => RemoteAuthProvider;
  const presets: readonly (readonly [string, Make, Readonly<Record<string, unknown>>])[] = [
    ['AuthKitProvider', (o) => new AuthKitProvider(o), { authkitDomain: 'a.authkit.app' }],
    ['Auth0Provider', (o) => new Auth0Provider(o), { domain: 'a.auth0.com' }],
    ['DescopeProvider', (o) => new DescopeProvider(o), { configUrl: descopeIssuer }],
    ['KeycloakProvider', (o) => new KeycloakProvider(o), { realmUrl: keycloakRealm }],
    [
      'PropelAuthProvider',
      (o) => new PropelAuthProvider(o),
      {
        authUrl: 'https://auth.example.com',
        introspectionClientId: 'id',
        introspectionClientSecret: 'secret-of-the-app',
      },
    ],
    [
      'ScalekitProvider',
      (o) => new ScalekitProvider(o),
      { environmentUrl: scalekitEnvironment, resourceId: scalekitResource },
    ],
    ['SupabaseProvider', (o) => new SupabaseProvider(o), { projectUrl: supabaseProject }],
  ];
  const issuesOf = (make: Make, options: object): readonly string[] => {
    try {
      return [make(options as never).authorizationServers()[0] ?? ''];
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      expect(error.message).not.toContain('secret-of-the-app');
      return error.issues.map(({ path }) => path.split('.').slice(1).join('.'));
    }
  };

  it.each(presets)('%s', (_name, make, good) => {
    const [server = ''] = issuesOf(make, good);
    expect(server).toMatch(/^https:/);
    for (const option of Object.keys(good)) {
      expect(issuesOf(make, { ...good, [option]: undefined })).toEqual([option]);
      expect(issuesOf(make, { ...good, [option]: '' })).toEqual([option]);
    }
    const [first = ''] = Object.keys(good);
    for (const url of [
      'http://a.example.com',
      'https://a.example.com/?x=1',
      'https://u:p@a.example.com',
      'ftp://a.example.com',
      'not a host',
      7,
    ]) {
      expect(issuesOf(make, { ...good, [first]: url })).toEqual([first]);
    }
    // All at once, each by its name.
    const wrong = {
      ...good,
      audience: [],
      clockToleranceSeconds: 31,
      forwardMetadata: 'yes',
      name: '',
      requiredScopes: 'a b',
      scopesSupported: [''],
      tenant: 'x',
    };
    expect([...issuesOf(make, wrong)].sort()).toEqual([
      'audience',
      'clockToleranceSeconds',
      'forwardMetadata',
      'name',
      'requiredScopes',
      'scopesSupported',
      'tenant',
    ]);
  });

  it.each(presets)('%s hands its common options on — #3608, #3388', async (_name, make, good) => {
    const server = make({
      ...good,
      name: 'login',
      requiredScopes: ['a'],
      scopesSupported: ['a', 'b'],
      clockToleranceSeconds: 7,
    } as never);
    expect(server).toMatchObject({
      name: 'login',
      requiredScopes: ['a'],
      clockToleranceSeconds: 7,
    });
    expect(await server.scopesSupported()).toEqual(['a', 'b']);
  });

  it('when a URL has a path where none belongs, or lacks its own', () => {
    const paths = (make: Make, good: object) => issuesOf(make, good);
    expect(paths(presets[0]![1], { authkitDomain: 'https://a.authkit.app/oauth2' })).toEqual([
      'authkitDomain',
    ]);
    expect(paths(presets[3]![1], { realmUrl: 'https://kc.example.com' })).toEqual(['realmUrl']);
    for (const path of ['', '/v1/apps/agentic', '/v1/apps/agentic/P1', '/v2/keys/P1']) {
      const configUrl = `https://api.descope.com${path}`;
      expect(paths(presets[2]![1], { configUrl })).toEqual(['configUrl']);
    }
    const supabase = { projectUrl: supabaseProject };
    for (const authRoute of ['auth/v1', '/auth/v1/', '/', '', '/a?b', '/../x y']) {
      expect(paths(presets[6]![1], { ...supabase, authRoute })).toEqual(['authRoute']);
    }
  });

  it('and a slash at the end of a URL changes nothing — AS-metadata and issuers agree', () => {
    const servers = (make: Make, good: object) => issuesOf(make, good)[0];
    for (const [make, option, url] of [
      [presets[0]![1], 'authkitDomain', 'https://a.authkit.app'],
      [presets[1]![1], 'domain', 'https://a.auth0.com'],
      [presets[2]![1], 'configUrl', descopeIssuer],
      [presets[3]![1], 'realmUrl', keycloakRealm],
      [presets[6]![1], 'projectUrl', supabaseProject],
    ] as const) {
      expect(servers(make, { [option]: `${url}/` })).toBe(servers(make, { [option]: url }));
    }
  });
});
