import { All, Controller, Get, HttpException, Inject, Module, Req, Res } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { createApp, platforms } from './app.js';
import type { Platform, RunningApp } from './app.js';
import { Browser } from './browser.js';
import { freePort } from './free-port.js';
import { LogSink } from './log-sink.js';
import { mcpNodeHandler, mcpSessionHandler } from './mcp-app.js';
import type { McpNodeHandler } from './mcp-app.js';
import { connectV1, connectV2, LoginRefused, LoginStuck } from './mcp-clients.js';
import { UpstreamIdp } from './upstream-idp.js';

/** What the hand-written guard below needs to know. */
class Settings {
  constructor(
    readonly origin: string,
    readonly issuer: string,
    readonly mcp: McpNodeHandler,
  ) {}

  get resource(): string {
    return `${this.origin}/mcp`;
  }
}

interface HostRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly raw?: object;
}

@Controller()
class TestController {
  constructor(@Inject(Settings) private readonly settings: Settings) {}

  @Get('.well-known/oauth-protected-resource/mcp')
  metadata() {
    return {
      resource: this.settings.resource,
      authorization_servers: [this.settings.issuer],
      scopes_supported: ['openid', 'api:read'],
    };
  }

  @All('mcp')
  async mcp(
    @Req() req: HostRequest,
    @Res() res: { header(name: string, value: string): unknown },
  ): Promise<void> {
    const { issuer, resource, origin, mcp } = this.settings;
    const token = req.headers['authorization']?.slice('Bearer '.length) ?? '';
    try {
      const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(`${issuer}/jwks`)), {
        issuer,
        audience: resource,
      });
      const auth = {
        token,
        clientId: String(payload['client_id']),
        scopes: String(payload['scope']).split(' '),
        extra: { sub: payload.sub },
      };
      Object.assign(req.raw ?? req, { auth });
    } catch {
      const metadata = `${origin}/.well-known/oauth-protected-resource/mcp`;
      res.header('WWW-Authenticate', `Bearer resource_metadata="${metadata}"`);
      throw new HttpException({ error: 'invalid_token' }, 401);
    }
    await mcp.handle(req, res, req.body);
  }
}

@Module({})
class TestModule {}

describe.each(platforms)('The MCP clients, with an app on %s', (platform: Platform) => {
  let idp: UpstreamIdp;
  let host: RunningApp;
  let mcp: McpNodeHandler;
  const log = new LogSink();

  async function startHost(handler: McpNodeHandler): Promise<void> {
    idp = await UpstreamIdp.start({ registration: true });
    mcp = handler;
    const port = await freePort();
    const settings = new Settings(`http://127.0.0.1:${port}`, idp.issuer, mcp);
    host = await createApp(
      {
        module: TestModule,
        controllers: [TestController],
        providers: [{ provide: Settings, useValue: settings }],
      },
      platform,
      undefined,
      { port, logger: log },
    );
  }

  beforeEach(() => startHost(mcpNodeHandler()));
  afterEach(async () => {
    await mcp.close();
    await host.close();
    await idp.stop();
  });

  const clients = {
    'SDK v1': connectV1,
    'SDK v2, legacy': (options: Parameters<typeof connectV2>[0]) => connectV2(options),
    'SDK v2, auto': (options: Parameters<typeof connectV2>[0]) =>
      connectV2({ ...options, mode: 'auto' }),
  };

  it.each(Object.entries(clients))(
    '%s registers, logs in, and calls tools',
    async (_n, connect) => {
      const session = await connect({
        url: `${host.url}/mcp`,
        browser: new Browser(),
        user: 'bob',
      });
      await expect(session.callTool('add', { a: 2, b: 3 })).resolves.toEqual({
        text: '5',
        isError: false,
      });
      await expect(session.whoami()).resolves.toMatchObject({
        clientId: session.provider.clientInformation()?.client_id,
        scopes: ['api:read'],
        extra: { sub: 'bob' },
      });
      expect(session.trace[0]?.status).toBe(401);
      expect(session.provider.discoveryState()).toMatchObject({
        authorizationServerUrl: idp.issuer,
      });
      await session.close();
    },
  );

  it.each(Object.entries(clients))('%s refreshes after a 401', async (_name, connect) => {
    const session = await connect({ url: `${host.url}/mcp`, browser: new Browser() });
    const before = session.provider.tokens();
    session.provider.corruptAccessToken();
    await expect(session.callTool('add', { a: 1, b: 1 })).resolves.toMatchObject({ text: '2' });
    expect(session.provider.tokens()?.refresh_token).not.toBe(before?.refresh_token);
    expect(session.provider.authorizationUrls).toHaveLength(1);
    expect(idp.requestsTo('token').map(({ form }) => form?.['grant_type'])).toEqual([
      'authorization_code',
      'refresh_token',
    ]);
    await session.close();
  });

  it.each(Object.entries(clients))(
    '%s logs in again when the refresh fails',
    async (_n, connect) => {
      const session = await connect({ url: `${host.url}/mcp`, browser: new Browser() });
      session.provider.corruptAccessToken();
      idp.failNext('token', { status: 400, body: { error: 'invalid_grant' } });
      await expect(session.callTool('add', { a: 1, b: 1 })).resolves.toMatchObject({ text: '2' });
      expect(session.provider.authorizationUrls).toHaveLength(2);
      await session.close();
    },
  );

  it('reports a login that the user cancelled, and one that got stuck on a page', async () => {
    const browser = new Browser();
    const walk = browser.walk.bind(browser);
    browser.walk = (url, options) => walk(url, { ...options, upstreamDecision: 'cancel' });
    await expect(connectV2({ url: `${host.url}/mcp`, browser })).rejects.toThrow(LoginRefused);
    await expect(connectV1({ url: `${host.url}/mcp`, browser })).rejects.toThrow(LoginRefused);

    idp.failNext('authorization', 'html');
    const stuck = connectV2({ url: `${host.url}/mcp`, browser: new Browser() });
    await expect(stuck).rejects.toThrow(LoginStuck);
  });

  it('keeps sessions for clients of the 2025 protocol', async () => {
    await mcp.close();
    await host.close();
    await idp.stop();
    await startHost(mcpSessionHandler());
    const session = await connectV1({ url: `${host.url}/mcp`, browser: new Browser() });
    await expect(session.callTool('add', { a: 1, b: 2 })).resolves.toMatchObject({ text: '3' });
    await session.close();

    const authorization = `Bearer ${session.provider.tokens()?.access_token}`;
    const unknown = await fetch(`${host.url}/mcp`, {
      method: 'POST',
      headers: {
        authorization,
        'content-type': 'application/json',
        'mcp-session-id': 'unknown',
      },
      body: '{}',
    });
    expect(unknown.status).toBe(404);
  });

  it('writes the log of the app to the given sink', () => {
    expect(log.matching('log', 'Mapped {/mcp').length).toBeGreaterThan(0);
    expect(log.contains('TestController')).toBe(true);
    expect(log.contains('a text that is not there')).toBe(false);
  });
});
