import { VersioningType } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { JwtVerifier } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { FakeIssuer } from '../support/fake-issuer.js';
import { ManualClock } from '../support/manual-clock.js';
import { connectV1, connectV2, LoginRefused } from '../support/mcp-clients.js';
import {
  McpController,
  type ProtectedApp,
  type ProtectedAppOptions,
  startProtectedApp,
} from '../support/protected-app.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const mounts: Record<string, Partial<ProtectedAppOptions> & { mcpPath?: string }> = {
  'an issuer at the root': {},
  'an issuer under a path': { issuerPath: '/tenant' },
  'a global prefix and URI versioning': {
    mcpPath: '/api/v1/mcp',
    module: { resource: '/api/v1/mcp' },
    configure: (app) => {
      app.setGlobalPrefix('api');
      app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
    },
  },
};

const clients = {
  'SDK v1': connectV1,
  'SDK v2 (legacy)': connectV2,
  'SDK v2 (2026-07-28)': (options: Parameters<typeof connectV2>[0]) =>
    connectV2({ ...options, mode: 'auto' }),
};

const cases = platforms.flatMap((platform) =>
  Object.entries(mounts).map(([mount, options]) => ({ platform, mount, options })),
);

describe.each(cases)('on $platform with $mount', ({ platform, options }) => {
  let idp: UpstreamIdp;
  let app: ProtectedApp;
  let url: string;
  const clock = new ManualClock();

  beforeAll(async () => {
    idp = await UpstreamIdp.start();
    app = await startProtectedApp({ idp, platform, clock, ...options });
    url = app.origin + (options.mcpPath ?? '/mcp');
  });

  afterAll(async () => {
    await app.close();
    await idp.stop();
  });

  it.each(Object.entries(clients))(
    '%s is refused, discovers, registers, gets consent, logs in, calls, expires, refreshes, calls',
    async (_name, connect) => {
      const idpHits = idp.requestsTo('authorization').length;
      const connection = await connect({ url, browser: new Browser() });
      const [first] = connection.trace;
      expect(first).toMatchObject({ url, status: 401 });
      expect(idp.requestsTo('authorization').length).toBeGreaterThan(idpHits);

      const who = await connection.whoami();
      expect(who).toMatchObject({
        scopes: ['mcp:use'],
        resource: url,
        extra: {
          subject: 'alice',
          issuer: app.issuer,
          source: 'OAuthProxy',
          claims: { email: 'alice@example.com', aud: url },
        },
      });
      expect(McpController.seen).toMatchObject({ subject: 'alice', source: 'OAuthProxy' });

      const before = connection.provider.tokens();
      const upstreamTokens = idp.requestsTo('token').length;
      clock.advance((before?.expires_in ?? 0) + 1);
      expect((await connection.callTool('add', { a: 2, b: 3 })).text).toBe('5');
      const after = connection.provider.tokens();
      expect(after?.access_token).not.toBe(before?.access_token);
      expect(after?.refresh_token).not.toBe(before?.refresh_token);
      // The upstream's token had expired as well, and was refreshed on the way.
      expect(idp.requestsTo('token').length).toBe(upstreamTokens + 1);
      // One login, no second one.
      expect(connection.provider.authorizationUrls).toHaveLength(1);
      await connection.close();
    },
  );

  it('a user who does not agree is not let in', async () => {
    const refused = connectV2({ url, browser: new Browser(), decision: 'deny' });
    await expect(refused).rejects.toThrow(LoginRefused);
  });
});

describe.each(platforms)('a second issuer beside the proxy on %s', (platform) => {
  let idp: UpstreamIdp;
  let machines: FakeIssuer;
  let app: ProtectedApp;

  beforeAll(async () => {
    idp = await UpstreamIdp.start();
    machines = await new FakeIssuer().start();
    app = await startProtectedApp({
      idp,
      platform,
      verifiers: [
        new JwtVerifier({
          name: 'machines',
          jwksUri: machines.jwksUri,
          issuer: machines.issuer,
          audience: 'my-mcp-server',
        }),
      ],
    });
  });

  afterAll(async () => {
    await app.close();
    await machines.stop();
    await idp.stop();
  });

  async function call(token: string): Promise<Response> {
    return fetch(app.url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'whoami', arguments: {} },
      }),
    });
  }

  const claims = (changes: object = {}) => {
    const now = Math.floor(Date.now() / 1000);
    return {
      sub: 'job-7',
      aud: 'my-mcp-server',
      scope: 'mcp:use',
      iat: now,
      exp: now + 60,
      ...changes,
    };
  };

  it('lets a service in with its JWT', async () => {
    const token = await machines.sign({ iss: machines.issuer, ...claims() });
    const response = await call(token);
    expect(response.status).toBe(200);
    expect(McpController.seen).toMatchObject({ subject: 'job-7', source: 'machines' });
  });

  it.each([
    ['another audience', { aud: 'another-server' }, 401],
    ['an expired token', { exp: 1 }, 401],
    ['too few scopes', { scope: 'other' }, 403],
  ])('refuses %s', async (_what, changes, status) => {
    const token = await machines.sign({ iss: machines.issuer, ...claims(changes) });
    const response = await call(token);
    expect(response.status).toBe(status);
    expect(response.headers.get('www-authenticate')).toContain(
      `resource_metadata="${app.origin}/.well-known/oauth-protected-resource/mcp"`,
    );
  });

  it('answers 503 when the issuer cannot be asked for its keys', async () => {
    const other = await new FakeIssuer().start();
    other.mode = '500';
    const own = await startProtectedApp({
      idp,
      platform,
      verifiers: [new JwtVerifier({ jwksUri: other.jwksUri, issuer: other.issuer, audience: 'x' })],
    });
    const token = await other.sign({ iss: other.issuer, ...claims({ aud: 'x' }) });
    const response = await fetch(own.url, { headers: { authorization: `Bearer ${token}` } });
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(response.headers.get('www-authenticate') ?? '').not.toContain('invalid_token');
    await own.close();
    await other.stop();
  });
});
