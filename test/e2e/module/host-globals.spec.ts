import {
  type ArgumentsHost,
  Body,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  Get,
  HttpException,
  Injectable,
  Module,
  type NestInterceptor,
  type Type,
  type ValidationPipeOptions,
  Post,
  SetMetadata,
  ValidationPipe,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, HttpAdapterHost } from '@nestjs/core';
import { afterEach, describe, expect, it } from '@jest/globals';
import { map, type Observable } from 'rxjs';
import { McpAuthGuard, MultiAuthModule, SkipMcpAuth } from '../../../lib/index.js';
import { platforms } from '../../support/app.js';
import { LogSink } from '../../support/log-sink.js';
import {
  baseUrl,
  closeApps,
  EchoController,
  knows,
  startApp,
  type TestedApp,
  unreachedProxy,
  WhoController,
} from './support.js';

afterEach(closeApps);

type TransformerPackage = NonNullable<ValidationPipeOptions['transformerPackage']>;

const PUBLIC = 'is-public';
const Public = (): ClassDecorator => SetMetadata(PUBLIC, true) as ClassDecorator;

/** Refuses everything that is not marked as public. */
@Injectable()
class ClosedDoorGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return Reflect.getMetadata(PUBLIC, context.getClass()) === true;
  }
}

@Injectable()
class EnvelopeInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

@Catch()
class EnvelopeFilter implements ExceptionFilter {
  constructor(private readonly host: HttpAdapterHost) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    const status = exception instanceof HttpException ? exception.getStatus() : 500;
    this.host.httpAdapter.reply(host.switchToHttp().getResponse(), { failed: true }, status);
  }
}

class Note {
  readonly text?: string;
}

@Controller('notes')
class NotesController {
  @Post()
  add(@Body() note: Note): object {
    return { stripped: note.text === undefined };
  }
}

const metadata = '/.well-known/oauth-authorization-server';
const client = { redirect_uris: ['http://127.0.0.1/cb'] };

/** That a client gets from the document to a registration, and is told the protocol's errors. */
async function expectWorkingEndpoints(app: TestedApp): Promise<void> {
  const document = await app.request(metadata);
  expect(document.status).toBe(200);
  expect(document.json['issuer']).toBe(baseUrl);
  const registered = await app.postJson('/register', client);
  expect(registered.status).toBe(201);
  expect(registered.json['redirect_uris']).toEqual(client.redirect_uris);
  const refused = await app.postForm('/token', { client_id: 'nobody' });
  expect(refused.json['error']).toBe('invalid_client');
  const page = await app.request('/authorize?client_id=nobody', {
    headers: { accept: 'text/html' },
  });
  expect(page.status).toBe(400);
  expect(page.headers.get('content-type')).toContain('text/html');
}

describe.each(platforms)('a global guard of the app on %s', (platform) => {
  const guard = { provide: APP_GUARD, useClass: ClosedDoorGuard };

  it('lets the endpoints pass with its own marker', async () => {
    const logger = new LogSink();
    const extras = { controllerDecorators: [Public()] };
    const app = await startApp({ platform, providers: [guard], extras, logger });
    await expectWorkingEndpoints(app);
    expect((await app.call('/mcp', 'known')).status).toBe(403);
    expect(logger.matching('warn', 'global guard')).toEqual([]);
  });

  it('without the marker nobody can log in, and the log says why', async () => {
    const logger = new LogSink();
    const app = await startApp({ platform, providers: [guard], logger });
    expect((await app.request(metadata)).status).toBe(403);
    expect(logger.matching('warn', 'controllerDecorators')).toHaveLength(1);
  });

  it('is warned of as well when the app sets it on itself', async () => {
    const logger = new LogSink();
    await startApp({
      platform,
      logger,
      configure: (nest) => nest.useGlobalGuards(new ClosedDoorGuard()),
    });
    expect(logger.matching('warn', 'controllerDecorators')).toHaveLength(1);
  });

  it('is nothing to warn of when there are no endpoints', async () => {
    const logger = new LogSink();
    await startApp({ platform, providers: [guard], logger, options: { verifiers: knows('t') } });
    expect(logger.matching('warn', 'global guard')).toEqual([]);
  });

  it('may be ours: the whole app is protected, the endpoints are not', async () => {
    @Controller()
    class PlainController {
      @Get('plain')
      plain(): object {
        return { ok: true };
      }

      @Get('open')
      @SkipMcpAuth()
      open(): object {
        return { ok: true };
      }
    }
    const logger = new LogSink();
    const app = await startApp({
      platform,
      logger,
      controllers: [PlainController, WhoController],
      providers: [{ provide: APP_GUARD, useExisting: McpAuthGuard }],
    });
    await expectWorkingEndpoints(app);
    expect((await app.request('/plain')).status).toBe(401);
    expect((await app.call('/plain', 'known')).status).toBe(200);
    expect((await app.request('/open')).status).toBe(200);
    expect((await app.call('/mcp', 'known')).status).toBe(200);
    expect(logger.matching('warn', 'global guard')).toEqual([]);
  });
});

describe.each(platforms)('what else an app does to every request on %s', (platform) => {
  it('an interceptor that wraps answers does not touch ours', async () => {
    const providers = [{ provide: APP_INTERCEPTOR, useClass: EnvelopeInterceptor }];
    const app = await startApp({ platform, providers });
    await expectWorkingEndpoints(app);
    expect((await app.call('/mcp', 'known')).json).toMatchObject({
      data: { clientId: 'verifier' },
    });
    expect((await app.request('/mcp')).json).toMatchObject({ error: 'invalid_token' });
  });

  it('a validation pipe that transforms and strips changes nothing', async () => {
    const touched: unknown[] = [];
    const pipe = new ValidationPipe({
      transform: true,
      whitelist: true,
      transformerPackage: {
        plainToInstance: (type: Type, plain: unknown) => (touched.push(plain), new type()),
        classToPlain: () => ({}),
      } as TransformerPackage,
      validatorPackage: { validate: () => Promise.resolve([]) },
    });
    const app = await startApp({
      platform,
      controllers: [WhoController, NotesController],
      providers: [{ provide: APP_PIPE, useValue: pipe }],
    });
    await expectWorkingEndpoints(app);
    expect((await app.call('/mcp', 'known')).json).toMatchObject({ clientId: 'verifier' });
    expect(touched).toEqual([]);
    expect((await app.postJson('/notes', { text: 'hello' })).json).toEqual({ stripped: true });
    expect(touched).toEqual([{ text: 'hello' }]);
  });

  it('an exception filter takes no header from a challenge and no answer of ours', async () => {
    @Module({ providers: [{ provide: APP_FILTER, inject: [HttpAdapterHost], useFactory: filter }] })
    class Filters {}
    const imports = [
      MultiAuthModule.forRoot({ baseUrl, server: unreachedProxy(), verifiers: knows('known') }),
      Filters,
    ];
    const app = await startApp({ platform, imports });
    await expectWorkingEndpoints(app);
    const refused = await app.request('/mcp');
    expect(refused).toMatchObject({ status: 401, json: { failed: true } });
    expect(refused.headers.get('www-authenticate')).toContain('resource_metadata=');
  });

  it('its CORS stands beside ours (CR-02)', async () => {
    const origin = 'https://inspector.example.com';
    const app = await startApp({
      platform,
      controllers: [WhoController, EchoController],
      configure: (nest) => nest.enableCors({ origin, credentials: true }),
    });
    const asked = async (path: string, method = 'GET') => {
      const { headers } = await app.request(path, { method, headers: { origin } });
      return [
        headers.get('access-control-allow-origin'),
        headers.get('access-control-allow-credentials'),
      ];
    };
    for (const path of ['/authorize', '/consent', '/auth/callback']) {
      expect(await asked(path)).toEqual([null, null]);
    }
    expect(await asked('/consent', 'POST')).toEqual([null, null]);
    for (const path of ['/token', '/register', '/revoke']) {
      expect(await asked(path, 'POST')).toEqual(['*', null]);
    }
    expect(await asked(metadata)).toEqual(['*', null]);
    expect(await asked('/echo', 'POST')).toEqual([origin, 'true']);
    expect(await asked('/mcp')).toEqual([origin, 'true']);
  });

  // With the CORS of the app on, its middleware answers preflights before any route is reached.
  it('without the CORS of the app, preflights of ours are answered by us', async () => {
    const app = await startApp({ platform });
    const preflight = (path: string) =>
      app.request(path, {
        method: 'OPTIONS',
        headers: { origin: 'https://a.example', 'access-control-request-method': 'POST' },
      });
    const token = await preflight('/token');
    expect(token.status).toBe(204);
    expect(token.headers.get('access-control-allow-origin')).toBe('*');
    const authorize = await preflight('/authorize');
    expect(authorize.headers.get('access-control-allow-origin')).toBeNull();
  });
});

function filter(host: HttpAdapterHost): EnvelopeFilter {
  return new EnvelopeFilter(host);
}
