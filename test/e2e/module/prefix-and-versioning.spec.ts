import {
  Controller,
  Get,
  type INestApplication,
  RequestMethod,
  VersioningType,
} from '@nestjs/common';
import { RouterModule } from '@nestjs/core';
import { All, Module, Req, Res } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { McpAuth, MultiAuthModule } from '../../../lib/index.js';
import { platforms } from '../../support/app.js';
import { Browser } from '../../support/browser.js';
import { mcpNodeHandler } from '../../support/mcp-app.js';
import { connectV2 } from '../../support/mcp-clients.js';
import { type ProtectedApp, startProtectedApp } from '../../support/protected-app.js';
import { UpstreamIdp } from '../../support/upstream-idp.js';
import { closeApps, knows, startApp, unreachedProxy, baseUrl } from './support.js';

afterEach(closeApps);

const mcp = mcpNodeHandler();

@Controller({ path: 'mcp', version: '1' })
@McpAuth()
class VersionedController {
  @All()
  async handle(@Req() req: { body?: unknown }, @Res() res: unknown): Promise<void> {
    await mcp.handle(req, res, req.body);
  }
}

@Controller()
class HostController {
  @Get('health')
  health(): object {
    return { healthy: true };
  }

  @Get('status')
  status(): object {
    return { up: true };
  }
}

interface Surroundings {
  readonly what: string;
  /** Where the MCP endpoint is in them. */
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly configure: (app: INestApplication) => unknown;
}

const surroundings: readonly Surroundings[] = [
  {
    what: 'a global prefix',
    path: '/api/v1/mcp',
    configure: (app) => app.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI }),
  },
  {
    what: 'URI versioning',
    path: '/v1/mcp',
    configure: (app) => app.enableVersioning({ type: VersioningType.URI }),
  },
  {
    what: 'header versioning with a prefix',
    path: '/api/mcp',
    headers: { 'x-api-version': '1' },
    configure: (app) =>
      app
        .setGlobalPrefix('api')
        .enableVersioning({ type: VersioningType.HEADER, header: 'X-API-Version' }),
  },
  {
    what: 'media-type versioning with a default',
    path: '/mcp',
    configure: (app) =>
      app.enableVersioning({ type: VersioningType.MEDIA_TYPE, key: 'v=', defaultVersion: '1' }),
    headers: { accept: 'application/json;v=1, text/event-stream' },
  },
];

const wellKnown = [
  '/.well-known/oauth-authorization-server',
  '/.well-known/openid-configuration',
  '/.well-known/oauth-protected-resource',
];

describe.each(platforms)('prefixes and versions on %s', (platform) => {
  let idp: UpstreamIdp;

  beforeAll(async () => {
    idp = await UpstreamIdp.start();
  });

  afterAll(() => idp.stop());

  describe.each(surroundings)('with $what', ({ path, configure, headers }) => {
    let app: ProtectedApp;

    beforeAll(async () => {
      app = await startProtectedApp({
        idp,
        platform,
        configure,
        controllers: [VersionedController],
        module: { resource: path },
      });
    });

    afterAll(() => app.close());

    it('the endpoints and documents stay at the root', async () => {
      const resource = `/.well-known/oauth-protected-resource${path}`;
      for (const document of [...wellKnown, resource]) {
        expect((await fetch(app.origin + document)).status).toBe(200);
        expect((await fetch(`${app.origin}/api${document}`)).status).toBe(404);
      }
      const { status } = await fetch(`${app.origin}/token`, { method: 'POST' });
      expect(status).toBe(400);
    });

    it('a client finds its way from the challenge to the tools', async () => {
      const versioned: typeof fetch = (input, init) => {
        const target = input instanceof Request ? input.url : String(input);
        if (!headers || !target.startsWith(app.origin + path)) return fetch(input, init);
        const merged = new Headers(init?.headers);
        for (const [name, value] of Object.entries(headers)) merged.set(name, value);
        return fetch(input, { ...init, headers: merged });
      };
      const connection = await connectV2({
        url: app.origin + path,
        browser: new Browser(),
        fetch: versioned,
      });
      expect((await connection.callTool('add', { a: 1, b: 2 })).text).toBe('3');
      await connection.close();
    });
  });

  it('what the app excludes from its prefix stays excluded', async () => {
    const app = await startApp({
      platform,
      controllers: [HostController],
      configure: (nest) =>
        nest.setGlobalPrefix('api', {
          exclude: ['health', { path: 'nothing', method: RequestMethod.GET }],
        }),
    });
    const status = async (path: string) => (await app.request(path)).status;
    expect(await status('/health')).toBe(200);
    expect(await status('/api/health')).toBe(404);
    expect(await status('/api/status')).toBe(200);
    expect(await status('/status')).toBe(404);
    expect(await status(wellKnown[0] ?? '')).toBe(200);
    await app.close();
  });

  it('a path of ours that is a prefix of one of the app takes nothing from it', async () => {
    @Controller('token')
    class Tokens {
      @Get('list')
      list(): object {
        return { tokens: [] };
      }
    }
    const app = await startApp({
      platform,
      controllers: [Tokens],
      configure: (nest) => nest.setGlobalPrefix('api'),
    });
    expect((await app.request('/api/token/list')).status).toBe(200);
    expect((await app.request('/token/list')).status).toBe(404);
    await app.close();
  });

  it('a path of RouterModule for the module itself does not boot', async () => {
    const server = MultiAuthModule.forRoot({ baseUrl, server: unreachedProxy() });
    const routed = RouterModule.register([{ path: 'auth', module: MultiAuthModule }]);
    const imports = [server, routed];
    await expect(startApp({ platform, imports, controllers: [] })).rejects.toThrow('RouterModule');
  });

  it('modules below a path of RouterModule are protected, and our endpoints stay', async () => {
    @Controller('mcp')
    @McpAuth()
    class TenantController {
      @All()
      who(): object {
        return { ok: true };
      }
    }
    @Module({
      imports: [
        MultiAuthModule.forRoot({
          baseUrl,
          resource: '/tenant/mcp',
          server: unreachedProxy(),
          verifiers: knows('known'),
        }),
      ],
      controllers: [TenantController],
    })
    class Feature {}
    const app = await startApp({
      platform,
      imports: [Feature, RouterModule.register([{ path: 'tenant', module: Feature }])],
      controllers: [],
    });
    expect((await app.request('/tenant/mcp')).status).toBe(401);
    expect((await app.call('/tenant/mcp', 'known')).status).toBe(200);
    expect((await app.postForm('/token', { client_id: 'nobody' })).json['error']).toBe(
      'invalid_client',
    );
    const document = await app.request('/.well-known/oauth-protected-resource/tenant/mcp');
    expect(document.json['resource']).toBe(`${baseUrl}/tenant/mcp`);
    await app.close();
  });
});
