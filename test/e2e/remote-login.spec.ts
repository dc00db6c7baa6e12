// The official clients log in at a real authorization server elsewhere, and bring its tokens.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { JwtVerifier, MultiAuthModule, RemoteAuthProvider } from '../../lib/index.js';
import { createApp, moduleOf, platforms, type RunningApp } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { freePort } from '../support/free-port.js';
import { type ConnectOptions, connectV1, connectV2 } from '../support/mcp-clients.js';
import { McpController } from '../support/protected-app.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const clients = {
  'SDK v1': connectV1,
  'SDK v2 (legacy)': connectV2,
  'SDK v2 (2026-07-28)': (options: ConnectOptions) => connectV2({ ...options, mode: 'auto' }),
};

describe.each(platforms)('a server whose clients log in elsewhere, on %s', (platform) => {
  let idp: UpstreamIdp;
  let app: RunningApp;
  let other: RunningApp;
  let url: string;

  const start = async (): Promise<RunningApp> => {
    const port = await freePort();
    const tokenVerifier = new JwtVerifier({
      issuer: idp.issuer,
      jwksUri: idp.endpoint('jwks'),
    });
    const auth = MultiAuthModule.forRoot({
      baseUrl: `http://127.0.0.1:${port}`,
      server: new RemoteAuthProvider({
        tokenVerifier,
        authorizationServers: [idp.issuer],
        requiredScopes: ['api:read'],
      }),
    });
    const root = moduleOf({ imports: [auth], controllers: [McpController] });
    return createApp(root, platform, undefined, { port });
  };

  beforeAll(async () => {
    idp = await UpstreamIdp.start({ registration: true });
    [app, other] = [await start(), await start()];
    url = `${app.url}/mcp`;
  });

  afterAll(async () => {
    await app.close();
    await other.close();
    await idp.stop();
  });

  it.each(Object.entries(clients))(
    '%s is refused, discovers, registers there, logs in there, calls, refreshes there, calls',
    async (_name, connect) => {
      const session = await connect({ url, browser: new Browser(), user: 'bob' });
      expect(session.trace[0]).toMatchObject({ url, status: 401 });
      const asked = session.trace.map((request) => new URL(request.url));
      // Nothing but the resource and its document is asked of this server.
      const here = asked.filter(({ origin }) => origin === app.url).map(({ pathname }) => pathname);
      expect([...new Set(here)].sort()).toEqual([
        '/.well-known/oauth-protected-resource/mcp',
        '/mcp',
      ]);
      expect(await session.callTool('add', { a: 2, b: 3 })).toEqual({ text: '5', isError: false });
      expect(await session.whoami()).toMatchObject({
        clientId: session.provider.clientInformation()?.client_id,
        scopes: ['api:read'],
        resource: url,
        extra: { subject: 'bob', issuer: idp.issuer, source: 'RemoteAuthProvider' },
      });
      expect(McpController.seen).toMatchObject({ subject: 'bob', claims: { aud: url } });

      const before = session.provider.tokens();
      session.provider.corruptAccessToken();
      expect((await session.callTool('add', { a: 1, b: 1 })).text).toBe('2');
      expect(session.provider.tokens()?.refresh_token).not.toBe(before?.refresh_token);
      expect(session.provider.authorizationUrls).toHaveLength(1);
      await session.close();
    },
  );

  it('refuses the token that a client got for another server', async () => {
    const session = await connectV2({ url: `${other.url}/mcp`, browser: new Browser() });
    const authorization = `Bearer ${session.provider.tokens()?.access_token}`;
    const call = (target: string): Promise<Response> =>
      fetch(`${target}/mcp`, { method: 'POST', headers: { authorization } });
    expect((await call(other.url)).status).not.toBe(401);
    const refused = await call(app.url);
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toContain('error="invalid_token"');
    await session.close();
  });
});
