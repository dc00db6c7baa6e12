import { request as httpRequest } from 'node:http';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  All,
  Catch,
  Controller,
  Delete,
  Get,
  Inject,
  Injectable,
  Post,
  Req,
  Res,
  UseGuards,
} from '@nestjs/common';
import type {
  ArgumentsHost,
  ExceptionFilter,
  ExecutionContext,
  INestApplication,
  PipeTransform,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import passport from 'passport';

import { AccessToken } from '../../lib/resource-server/access-token.decorator.js';
import {
  McpAuth,
  RequireScopes,
  SkipMcpAuth,
} from '../../lib/resource-server/mcp-auth.decorator.js';
import { McpAuthGuard } from '../../lib/resource-server/mcp-auth.guard.js';
import { MCP_BEARER, McpBearerStrategy } from '../../lib/resource-server/mcp-bearer.strategy.js';
import { bearer, platforms, startApp } from '../e2e/resource-server/support.js';
import type { RunningApp } from '../e2e/resource-server/support.js';

const METADATA = 'https://rs.test/.well-known/oauth-protected-resource/mcp';
const BARE = `Bearer scope="mcp:use", resource_metadata="${METADATA}"`;

interface CarriedRequest {
  readonly user?: AccessToken;
  readonly auth?: { readonly clientId: string; readonly extra: { readonly subject: string } };
  readonly raw?: CarriedRequest;
}

let handled = 0;

@Controller('mcp')
@McpAuth()
class McpController {
  @Get()
  get(@AccessToken('subject') subject: string) {
    handled++;
    return { subject };
  }

  @Delete()
  remove(@AccessToken('subject') subject: string) {
    handled++;
    return { subject };
  }

  @Post()
  async post(@AccessToken() token: AccessToken, @Req() request: CarriedRequest) {
    handled++;
    await new Promise((resolve) => setImmediate(resolve));
    const raw = request.raw ?? request;
    return {
      subject: token.subject,
      user: request.user?.subject,
      auth: request.auth?.extra.subject,
      rawUser: raw.user?.subject,
      rawAuth: raw.auth?.extra.subject,
      url: (raw as Record<symbol, unknown>)[Symbol.for('@rekog/mcp-nest:resource-metadata-url')],
    };
  }

  @Get('files')
  @RequireScopes('files:read', 'mcp:use')
  files(@AccessToken() token: AccessToken) {
    handled++;
    return { scopes: token.scopes };
  }

  @Get('twice')
  @McpAuth('files:read')
  twice() {
    handled++;
    return {};
  }

  @Get('health')
  @SkipMcpAuth()
  health() {
    return { up: true };
  }
}

@Controller('vault')
@McpAuth({ resource: 'vault', scopes: ['vault:open'] })
class VaultController {
  @All()
  any(@AccessToken('subject') subject: string) {
    handled++;
    return { subject };
  }
}

@Controller('unguarded')
class UnguardedController {
  @Get()
  get(@AccessToken() token: AccessToken) {
    return token;
  }
}

@Controller('unknown')
@McpAuth({ resource: 'nowhere' })
class UnknownResourceController {
  @Get()
  get() {
    handled++;
    return {};
  }
}

@Injectable()
class PassportMcpGuard extends AuthGuard(MCP_BEARER) {
  constructor(@Inject(McpAuthGuard) private readonly mcp: McpAuthGuard) {
    super();
  }

  override getAuthenticateOptions(context: ExecutionContext) {
    return this.mcp.authenticateOptions(context);
  }
}

@Controller('passport')
class PassportController {
  @Get()
  @UseGuards(PassportMcpGuard)
  get(@AccessToken('subject') subject: string, @Req() request: CarriedRequest) {
    return { subject, user: request.user?.subject };
  }

  @Get('bare')
  @UseGuards(AuthGuard(MCP_BEARER))
  bare() {
    handled++;
    return {};
  }
}

interface SessionRequest {
  readonly body: { readonly opens?: string; readonly writes?: string };
}
interface AnyResponse {
  readonly raw?: AnyResponse;
  hijack?(): void;
  header(name: string, value: string): void;
  writeHead(status: number, headers: object): { end(): void };
  status(code: number): { send(body: object): void };
}

@Controller('session')
@McpAuth()
class SessionController {
  @Post()
  post(@Req() { body }: SessionRequest, @Res() response: AnyResponse) {
    handled++;
    if (body.writes !== undefined) {
      response.hijack?.();
      (response.raw ?? response).writeHead(200, { 'Mcp-Session-Id': body.writes }).end();
      return;
    }
    if (body.opens !== undefined) response.header('Mcp-Session-Id', body.opens);
    response.status(200).send({});
  }
}

/** Like a validating pipe that rebuilds bodies; it must leave tokens alone. */
class RebuildingPipe implements PipeTransform {
  transform(value: unknown, { type }: { type: string }): unknown {
    return type === 'body' ? structuredClone(value) : value;
  }
}

/** An app's own filter: it writes its own body and no header of the exception. */
@Catch()
class OwnFilter implements ExceptionFilter {
  constructor(private readonly host: HttpAdapterHost) {}

  catch(thrown: { getStatus?: () => number }, host: ArgumentsHost): void {
    const response: unknown = host.switchToHttp().getResponse();
    this.host.httpAdapter.reply(response, { mine: true }, thrown.getStatus?.() ?? 500);
  }
}

const controllers = [
  McpController,
  VaultController,
  UnguardedController,
  UnknownResourceController,
  PassportController,
  SessionController,
];

const strategy = new McpBearerStrategy();
passport.use(MCP_BEARER, strategy as unknown as passport.Strategy);

describe.each(platforms)('the guard on %s', (platform) => {
  let running: RunningApp;
  beforeAll(async () => {
    running = await startApp(platform, { controllers });
  });
  afterAll(() => running.app.close());

  const call = (path: string, init: RequestInit = {}) => fetch(`${running.url}${path}`, init);
  const as = (authorization: string, init: RequestInit = {}): RequestInit => ({
    ...init,
    headers: { ...(init.headers as Record<string, string>), authorization },
  });
  const json = (body: unknown): RequestInit => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

  it.each(['GET', 'POST', 'DELETE'])(
    'answers %s without a token with 401 and a bare challenge (AT-01)',
    async (method) => {
      const before = handled;
      const response = await call('/mcp', { method });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe(BARE);
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(await response.json()).toEqual({
        error: 'invalid_token',
        error_description: expect.any(String),
      });
      expect(handled).toBe(before);
    },
  );

  it.each(['GET', 'POST', 'DELETE'])('lets %s pass with an accepted token', async (method) => {
    const response = await call('/mcp', as(bearer('alice'), { method }));
    expect(response.status).toBeLessThan(300);
    expect(await response.json()).toMatchObject({ subject: 'alice' });
  });

  it.each(['', 'Basic dXNlcjpwYXNz', 'DPoP abc', 'Bearer'])(
    'finds no credentials in %j (AT-01)',
    async (authorization) => {
      const response = await call('/mcp', as(authorization));
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, BARE]);
    },
  );

  it('answers 401 invalid_token to a token that no source accepts', async () => {
    const response = await call('/mcp', as('Bearer nonsense'));
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toMatch(
      /^Bearer error="invalid_token", error_description="[^"]+", scope="mcp:use", resource_metadata=/,
    );
  });

  it.each(['Bearer a b', 'Bearer a,b', 'Bearer a\tb', 'Bearer "a"', 'Bearer a\u0080'])(
    'answers 400 to the malformed header %j (AT-04)',
    async (authorization) => {
      const response = await call('/mcp', as(authorization));
      expect(response.status).toBe(400);
      expect(response.headers.get('www-authenticate')).toContain('error="invalid_request"');
    },
  );

  it('answers 400 to two Authorization headers, even when one would be accepted', async () => {
    const { hostname, port } = new URL(running.url);
    const send = (...values: string[]) =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = ['Host', 'rs.test', ...values.flatMap((v) => ['Authorization', v])];
        httpRequest({ hostname, port, path: '/mcp', headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end();
      });
    expect(await send(bearer('alice'), bearer('bob'))).toBe(400);
    expect(await send(bearer('alice'))).toBe(200);
  });

  it('ignores a token in query, body and cookie (AT-05)', async () => {
    const token = bearer('alice').slice('Bearer '.length);
    const responses = await Promise.all([
      call(`/mcp?access_token=${token}`),
      call('/mcp', json({ access_token: token })),
      call('/mcp', {
        method: 'POST',
        body: new URLSearchParams({ access_token: token }),
      }),
      call('/mcp', { headers: { cookie: `access_token=${token}` } }),
    ]);
    for (const response of responses) {
      expect(response.headers.get('www-authenticate')).toBe(BARE);
      expect(response.status).toBe(401);
    }
    expect((await call(`/mcp?access_token=other`, as(bearer('alice')))).status).toBe(200);
  });

  it('answers 403 with every scope the request needs (AT-31)', async () => {
    const before = handled;
    const response = await call('/mcp/files', as(bearer('alice')));
    expect(response.status).toBe(403);
    expect(response.headers.get('www-authenticate')).toMatch(
      /^Bearer error="insufficient_scope", .*scope="mcp:use files:read", resource_metadata="[^"]+"$/,
    );
    expect(await response.json()).toMatchObject({ error: 'insufficient_scope' });
    expect(handled).toBe(before);
  });

  it('matches scopes as a whole (AT-32)', async () => {
    const get = (...scopes: string[]) => call('/mcp/files', as(bearer('alice', { scopes })));
    expect((await get('mcp:use', 'files:readonly')).status).toBe(403);
    expect((await get('mcp:use', 'files:read')).status).toBe(200);
  });

  it('answers 503 and no challenge when no verdict can be reached', async () => {
    const response = await call('/mcp', as('Bearer down'));
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('7');
    expect(response.headers.get('www-authenticate')).toBeNull();
    expect(await response.json()).toMatchObject({ error: 'temporarily_unavailable' });
  });

  it('fails closed, saying nothing, when a fault occurs (NE-11)', async () => {
    const before = handled;
    const response = await call('/mcp', as('Bearer boom'));
    expect(response.status).toBe(503);
    expect(await response.text()).not.toMatch(/secret|Error|at /);
    expect((await call('/unknown', as(bearer('alice')))).status).toBe(503);
    expect(handled).toBe(before);
  });

  it('names the resource and the scopes of the controller', async () => {
    const response = await call('/vault', { method: 'PUT' });
    expect(response.headers.get('www-authenticate')).toBe(
      'Bearer scope="mcp:use vault:open", resource_metadata="https://rs.test/.well-known/oauth-protected-resource/vault"',
    );
    const scopes = ['mcp:use', 'vault:open'];
    expect((await call('/vault', as(bearer('alice', { scopes })))).status).toBe(200);
  });

  it('joins what class and handler ask for when both name the guard', async () => {
    expect((await call('/mcp/twice', as(bearer('alice')))).status).toBe(403);
    const scopes = ['mcp:use', 'files:read'];
    expect((await call('/mcp/twice', as(bearer('alice', { scopes })))).status).toBe(200);
  });

  it('asks for nothing where @SkipMcpAuth() says so', async () => {
    expect((await call('/mcp/health')).status).toBe(200);
  });

  it('injects no token where no guard admitted the request', async () => {
    const response = await call('/unguarded', as(bearer('alice')));
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('alice');
  });

  it('puts the token where handlers, SDKs and MCP servers look', async () => {
    const response = await call('/mcp', as(bearer('alice', { waits: true }), json({})));
    expect(await response.json()).toEqual({
      subject: 'alice',
      user: 'alice',
      auth: 'alice',
      rawUser: 'alice',
      rawAuth: 'alice',
      url: METADATA,
    });
  });

  it('never crosses concurrent requests', async () => {
    const subjects = Array.from({ length: 50 }, (_, i) => `user${i}`);
    const answers = await Promise.all(
      subjects.map(async (sub, i) => {
        const init = json({});
        const response = await call('/mcp', as(bearer(sub, { waits: i % 2 === 0 }), init));
        return (await response.json()) as Record<string, unknown>;
      }),
    );
    expect(answers.map((a) => [a['subject'], a['user'], a['rawAuth']])).toEqual(
      subjects.map((sub) => [sub, sub, sub]),
    );
  });

  describe('a CORS preflight', () => {
    const preflight = { origin: 'https://app.test', 'access-control-request-method': 'POST' };

    it('is answered without a token and without reaching an @All() handler', async () => {
      const before = handled;
      const response = await call('/vault', { method: 'OPTIONS', headers: preflight });
      expect(response.status).toBe(204);
      expect(await response.text()).toBe('');
      expect(response.headers.get('www-authenticate')).toBeNull();
      expect(response.headers.get('access-control-allow-origin')).toBeNull();
      expect(handled).toBe(before);
    });

    it('is told from an OPTIONS request that is none', async () => {
      const { origin } = preflight;
      const response = await call('/vault', { method: 'OPTIONS', headers: { origin } });
      expect(response.status).toBe(401);
    });
  });

  describe("@nestjs/passport's AuthGuard", () => {
    it('works with the options of McpAuthGuard', async () => {
      const response = await call('/passport', as(bearer('alice', { waits: true })));
      expect(await response.json()).toEqual({ subject: 'alice', user: 'alice' });
    });

    it('keeps status and challenge', async () => {
      const missing = await call('/passport');
      expect([missing.status, missing.headers.get('www-authenticate')]).toEqual([401, BARE]);
      expect((await call('/passport', as('Bearer nonsense'))).status).toBe(401);
      expect((await call('/passport', as('Bearer down'))).status).toBe(503);
      const token = bearer('alice').slice('Bearer '.length);
      expect((await call(`/passport?access_token=${token}`)).status).toBe(401);
    });

    it('fails closed without them', async () => {
      const before = handled;
      expect((await call('/passport/bare', as(bearer('alice')))).status).toBe(500);
      expect(handled).toBe(before);
    });
  });

  describe('a session', () => {
    const initialize = (opens: object) => json({ method: 'initialize', ...opens });
    const use = (sub: string, id: string) =>
      call('/session', {
        ...json({ method: 'tools/list' }),
        headers: {
          'content-type': 'application/json',
          authorization: bearer(sub),
          'mcp-session-id': id,
        },
      });

    it.each(['opens', 'writes'])(
      'belongs to the principal that opened it (AT-41; the server %s it)',
      async (how) => {
        const id = `${platform}-${how}`;
        const opened = await call('/session', as(bearer('alice'), initialize({ [how]: id })));
        expect(opened.headers.get('mcp-session-id')).toBe(id);
        const before = handled;
        const foreign = await use('bob', id);
        expect(foreign.status).toBe(404);
        expect(foreign.headers.get('www-authenticate')).toBeNull();
        expect(handled).toBe(before);
        expect((await use('alice', id)).status).toBe(200);
      },
    );

    it('belongs to the principal that used it first, when nothing is known of it (AT-41)', async () => {
      const id = `${platform}-unknown`;
      expect((await use('alice', id)).status).toBe(200);
      expect((await use('bob', id)).status).toBe(404);
    });
  });
});

describe.each(platforms)("an app's own filter and pipe on %s", (platform) => {
  let running: RunningApp;
  const configure = (app: INestApplication): void => {
    app.useGlobalFilters(new OwnFilter(app.get(HttpAdapterHost)));
    app.useGlobalPipes(new RebuildingPipe());
    app.enableCors({ origin: 'https://app.test', exposedHeaders: ['WWW-Authenticate'] });
  };
  beforeAll(async () => {
    running = await startApp(platform, { controllers, configure });
  });
  afterAll(() => running.app.close());

  it('loses no challenge, although the body is its own', async () => {
    const response = await fetch(`${running.url}/mcp`);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe(BARE);
    expect(await response.json()).toEqual({ mine: true });
  });

  it('leaves the token as it is', async () => {
    const headers = { authorization: bearer('alice') };
    const response = await fetch(`${running.url}/mcp`, { method: 'POST', headers });
    expect(await response.json()).toMatchObject({ subject: 'alice' });
  });

  it('leaves preflights to the CORS of the app', async () => {
    const response = await fetch(`${running.url}/vault`, {
      method: 'OPTIONS',
      headers: { origin: 'https://app.test', 'access-control-request-method': 'POST' },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.test');
  });
});

describe.each(platforms)('two apps in one process on %s', (platform) => {
  const apps: RunningApp[] = [];
  beforeAll(async () => {
    for (const origin of ['https://one.test', 'https://two.test']) {
      apps.push(await startApp(platform, { controllers, origin }));
    }
  });
  afterAll(() => Promise.all(apps.map(({ app }) => app.close())));

  it.each(['/mcp', '/passport'])('never mix at %s', async (path) => {
    const statuses = await Promise.all(
      apps.flatMap(({ url }) =>
        ['https://one.test', 'https://two.test'].map(async (origin) => {
          const headers = { authorization: bearer('alice', { origin, waits: true }) };
          return (await fetch(`${url}${path}`, { headers })).status;
        }),
      ),
    );
    expect(statuses).toEqual([200, 401, 401, 200]);
  });

  it('each name their own metadata', async () => {
    const challenges = await Promise.all(
      apps.map(async ({ url }) => (await fetch(`${url}/mcp`)).headers.get('www-authenticate')),
    );
    expect(challenges).toEqual([
      expect.stringContaining('"https://one.test/.well-known/'),
      expect.stringContaining('"https://two.test/.well-known/'),
    ]);
  });
});
