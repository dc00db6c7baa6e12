import { All, Controller, type DynamicModule } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  AccessToken,
  ConfigurationError,
  McpAuth,
  MemoryStore,
  MultiAuthModule,
  type MultiAuthOptions,
  OAuthProxy,
  OidcUpstream,
} from '../../lib/index.js';
import { createApp, moduleOf, platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { FakeServer } from '../support/fake-sources.js';
import { freePort } from '../support/free-port.js';
import { connectV2 } from '../support/mcp-clients.js';
import { mcpNodeHandler } from '../support/mcp-app.js';
import { UpstreamIdp } from '../support/upstream-idp.js';
import { Req, Res } from '@nestjs/common';
import {
  closeApps,
  knows,
  secret,
  startApp,
  type TestedApp,
  tested,
  WhoController,
} from '../e2e/module/support.js';

afterEach(closeApps);

const mcp = mcpNodeHandler();

function controllerAt(path: string) {
  @Controller(path)
  @McpAuth()
  class TenantController {
    @All()
    async handle(@Req() req: { body?: unknown }, @Res() res: unknown): Promise<void> {
      await mcp.handle(req, res, req.body);
    }
  }
  return TenantController;
}

describe.each(platforms)('two modules in one app on %s (NE-07)', (platform) => {
  let idp: UpstreamIdp;
  let app: TestedApp;
  const tenants = ['one', 'two'] as const;

  beforeAll(async () => {
    idp = await UpstreamIdp.start();
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    idp.setRedirectUris(tenants.map((tenant) => `${origin}/${tenant}/auth/callback`));
    // The same secret and the same store: what keeps them apart must be something else.
    const storage = new MemoryStore();
    const feature = (tenant: string): DynamicModule =>
      moduleOf({
        imports: [
          MultiAuthModule.forRootAsync({
            useFactory: (): MultiAuthOptions => ({
              baseUrl: `${origin}/${tenant}`,
              server: new OAuthProxy({
                upstream: new OidcUpstream({
                  issuer: idp.issuer,
                  clientId: idp.client.id,
                  clientSecret: idp.client.secret,
                  scopes: ['openid'],
                }),
                secrets: [secret],
                storage,
              }),
            }),
          }),
        ],
        controllers: [controllerAt(`${tenant}/mcp`)],
      });
    const root = moduleOf({ imports: tenants.map(feature) });
    const running = await createApp(root, platform, undefined, { port });
    app = tested(running.app, running.url, () => running.close());
  });

  afterAll(async () => {
    await app.close();
    await idp.stop();
  });

  it('the tokens of one are refused at the other (AT-35)', async () => {
    const tokens: Record<string, string> = {};
    for (const tenant of tenants) {
      const url = `${app.url}/${tenant}/mcp`;
      const connection = await connectV2({ url, browser: new Browser() });
      expect(await connection.whoami()).toMatchObject({
        extra: { issuer: `${app.url}/${tenant}` },
      });
      tokens[tenant] = connection.provider.tokens()?.access_token ?? '';
      await connection.close();
    }
    expect((await app.call('/one/mcp', tokens['two'] ?? '')).status).toBe(401);
    expect((await app.call('/two/mcp', tokens['one'] ?? '')).status).toBe(401);
    expect((await app.call('/one/mcp', tokens['one'] ?? '')).status).not.toBe(401);
    expect((await app.call('/two/mcp', tokens['two'] ?? '')).status).not.toBe(401);
  });

  it('each has its own routes, documents and cookies', async () => {
    const cookies: string[] = [];
    for (const tenant of tenants) {
      const document = await app.request(`/.well-known/oauth-authorization-server/${tenant}`);
      expect(document.json['issuer']).toBe(`${app.url}/${tenant}`);
      const { json: client } = await app.postJson(`/${tenant}/register`, {
        redirect_uris: ['http://127.0.0.1/cb'],
      });
      const query = new URLSearchParams({
        client_id: String(client['client_id']),
        redirect_uri: 'http://127.0.0.1/cb',
        response_type: 'code',
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
        code_challenge_method: 'S256',
        state: 's',
      });
      const begun = await app.request(`/${tenant}/authorize?${query.toString()}`);
      expect(begun.headers.get('location')).toContain(`${app.url}/${tenant}/consent?`);
      cookies.push(begun.headers.getSetCookie()[0]?.split('=')[0] ?? '');
      const other = tenant === 'one' ? 'two' : 'one';
      // A client of one is nobody at the other.
      expect((await app.request(`/${other}/authorize?${query.toString()}`)).status).toBe(400);
    }
    expect(new Set(cookies).size).toBe(2);
    expect((await app.request('/token')).status).toBe(404);
  });

  it('each challenge names its own document', async () => {
    for (const tenant of tenants) {
      const { headers } = await app.request(`/${tenant}/mcp`);
      const document = `${app.url}/.well-known/oauth-protected-resource/${tenant}/mcp`;
      expect(headers.get('www-authenticate')).toContain(`resource_metadata="${document}"`);
      const path = new URL(document).pathname;
      expect((await app.request(path)).json['resource']).toBe(`${app.url}/${tenant}/mcp`);
    }
  });
});

describe.each(platforms)('two modules that claim the same path on %s', (platform) => {
  const module = (path: string) =>
    MultiAuthModule.forRoot({
      baseUrl: 'https://mcp.example.com',
      resource: path,
      server: new FakeServer({ name: 'server', documents: ['/token'] }),
    });

  it('do not boot, and the error names the path', async () => {
    const booting = startApp({ platform, imports: [module('/a'), module('/b')], controllers: [] });
    const error = await booting.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toContain('/token');
  });

  it('boot when one of them is all there is', async () => {
    const app = await startApp({ platform, imports: [module('/a')], controllers: [] });
    expect((await app.request('/token')).status).toBe(200);
    await app.close();
  });
});

describe.each(platforms)('two apps in one process on %s', (platform) => {
  it('do not mix their sources, and one outlives the other', async () => {
    const [a, b] = await Promise.all(
      ['a', 'b'].map((name) =>
        startApp({ platform, options: { verifiers: knows(`token-${name}`, name) } }),
      ),
    );
    if (!a || !b) throw new Error('unreachable');
    const seen = async (app: TestedApp, token: string) => {
      const { status, json } = await app.call('/mcp', token);
      return json['source'] ?? status;
    };
    const answers = await Promise.all([
      seen(a, 'token-a'),
      seen(b, 'token-a'),
      seen(a, 'token-b'),
      seen(b, 'token-b'),
    ]);
    expect(answers).toEqual(['a', 401, 401, 'b']);
    await a.close();
    expect(await seen(b, 'token-b')).toBe('b');
    await b.close();
  });

  it('may be made of the same module, one after the other', async () => {
    const imports = [MultiAuthModule.forRoot({ verifiers: knows('known') })];
    for (let round = 0; round < 2; round++) {
      const app = await startApp({ platform, imports });
      expect((await app.call('/mcp', 'known')).status).toBe(200);
      await app.close();
    }
  });
});

describe('two resources of one module', () => {
  @Controller('second')
  @McpAuth({ resource: 'second' })
  class SecondController {
    @All()
    who(@AccessToken('clientId') clientId: string): object {
      return { clientId };
    }
  }

  it('are judged apart: a verifier sees where the token was presented', async () => {
    const verifiers = knows('known');
    const app = await startApp({
      options: {
        baseUrl: 'https://mcp.example.com',
        verifiers,
        resources: {
          first: '/mcp',
          second: { url: '/second', requiredScopes: ['second:use'] },
        },
      },
      controllers: [WhoController, SecondController],
    });
    expect((await app.call('/mcp', 'known')).status).toBe(200);
    expect((await app.call('/second', 'known')).status).toBe(403);
    expect(verifiers.asked.map(({ resource }) => new URL(resource).pathname)).toEqual([
      '/mcp',
      '/second',
    ]);
    await app.close();
  });
});
