import { All, Controller, type ExecutionContext, Get, Module } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { NestFactory } from '@nestjs/core';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  AccessToken,
  ConfigurationError,
  McpAuth,
  McpAuthGuard,
  MultiAuthModule,
  RequireScopes,
} from '../../lib/index.js';
import { moduleOf } from '../support/app.js';
import { LogSink } from '../support/log-sink.js';
import {
  baseUrl,
  closeApps,
  knows,
  startApp,
  unreachedProxy,
  WhoController,
} from '../e2e/module/support.js';

afterEach(closeApps);

@Controller('vault')
@McpAuth({ resource: 'vault' })
class VaultController {
  @All()
  open(@AccessToken('clientId') clientId: string): object {
    return { clientId };
  }
}

@Controller('admin')
@McpAuth('mcp:admin')
class AdminController {
  @Get()
  @RequireScopes('mcp:admin:all')
  all(): object {
    return { ok: true };
  }
}

const resources = { mcp: '/mcp', vault: '/vault' };

describe('two modules of which it is unclear which one guards', () => {
  const of = (name: string, isGlobal = false) =>
    MultiAuthModule.forRoot({
      isGlobal,
      verifiers: knows(name),
      resources: { [name]: `/${name}` },
    });

  it('do not boot when both are global', async () => {
    const imports = [of('a', true), of('b', true)];
    await expect(startApp({ imports, controllers: [] })).rejects.toThrow(/isGlobal/);
    await expect(
      startApp({ imports: [of('a', true), of('b')], controllers: [] }),
    ).resolves.toBeDefined();
  });

  it('do not boot when the guard of a controller is that of the one without its resource', async () => {
    const imports = [of('mcp'), moduleOf({ imports: [of('vault')], controllers: [] })];
    const booting = startApp({ imports, controllers: [VaultController] });
    await expect(booting).rejects.toThrow(/VaultController/);
    const right = [of('mcp'), moduleOf({ imports: [of('vault')], controllers: [VaultController] })];
    await expect(startApp({ imports: right, controllers: [] })).resolves.toBeDefined();
  });
});

describe('a decorator that names a resource', () => {
  it('that no module has does not boot', async () => {
    const booting = startApp({
      options: { baseUrl, verifiers: knows('known') },
      controllers: [VaultController],
    });
    const error = await booting.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toContain('VaultController.open');
    expect((error as Error).message).toContain('vault');
  });

  it('that a module has boots', async () => {
    const app = await startApp({
      options: { baseUrl, verifiers: knows('known'), resources },
      controllers: [VaultController],
    });
    expect((await app.call('/vault', 'known')).json).toEqual({ clientId: 'verifier' });
  });

  it('that a module has boots without HTTP too, as for a worker or a command', async () => {
    const root = moduleOf({
      imports: [MultiAuthModule.forRoot({ baseUrl, verifiers: knows('known'), resources })],
      controllers: [VaultController],
    });
    const context = await NestFactory.createApplicationContext(root, {
      logger: false,
      abortOnError: false,
    });
    await context.close();
  });
});

describe('a scope that the server gives nobody', () => {
  it('is warned of, with the handler and the option', async () => {
    const logger = new LogSink();
    await startApp({
      logger,
      options: { baseUrl, server: unreachedProxy() },
      controllers: [AdminController],
    });
    const [warning, ...more] = logger.matching('warn', 'AdminController.all');
    expect(warning?.text).toContain('mcp:admin, mcp:admin:all');
    expect(warning?.text).toContain('validScopes');
    expect(more).toEqual([]);
  });

  it('is no surprise when it is among the valid ones, or when a verifier may bring it', async () => {
    const logger = new LogSink();
    const validScopes = ['mcp:admin', 'mcp:admin:all'];
    await startApp({
      logger,
      options: { baseUrl, server: unreachedProxy({ validScopes }) },
      controllers: [AdminController],
    });
    await startApp({
      logger,
      options: { baseUrl, server: unreachedProxy(), verifiers: knows('known') },
      controllers: [AdminController],
    });
    expect(logger.matching('warn', 'AdminController')).toEqual([]);
  });
});

describe('a context that is not HTTP (NE-02)', () => {
  async function guardWith(handlerOf: typeof WhoController = WhoController) {
    const app = await startApp({ options: { verifiers: knows('known') } });
    const guard = app.app.get(McpAuthGuard, { strict: false });
    const contextOf = (type: string, ...args: unknown[]): ExecutionContext => {
      const handler = Reflect.get(handlerOf.prototype, 'who') as () => unknown;
      const context = new ExecutionContextHost(args, handlerOf, handler);
      context.setType(type);
      return context;
    };
    return { guard, contextOf };
  }

  it.each(['graphql', 'ws', 'rpc', 'anything'])('of the type %s is closed', async (type) => {
    const { guard, contextOf } = await guardWith();
    const request = { headers: { authorization: 'Bearer known' }, user: {}, auth: {} };
    const contexts = [
      contextOf(type),
      contextOf(type, undefined, {}, { req: request }, {}),
      contextOf(type, request, { getRawRequest: () => request }),
      contextOf(type, { request, token: 'known' }, { handshake: request }),
    ];
    for (const context of contexts)
      expect(await outcome(() => guard.canActivate(context))).not.toBe(true);
  });

  it('of HTTP without a request is closed and does not crash', async () => {
    const { guard, contextOf } = await guardWith();
    for (const request of [undefined, null, {}, { headers: null }]) {
      const context = contextOf('http', request, { setHeader: () => undefined });
      expect(await outcome(() => guard.canActivate(context))).not.toBe(true);
    }
  });

  it('of HTTP with the token is open', async () => {
    const { guard, contextOf } = await guardWith();
    const request = { method: 'POST', headers: { authorization: 'Bearer known' } };
    const response = { setHeader: () => undefined, writeHead: () => undefined };
    expect(await outcome(() => guard.canActivate(contextOf('http', request, response)))).toBe(true);
  });
});

/** What the guard said: its answer, or that it threw. */
async function outcome(ask: () => unknown): Promise<unknown> {
  try {
    return await ask();
  } catch {
    return 'thrown';
  }
}

describe('a module without controllers', () => {
  @Module({ imports: [MultiAuthModule.forRoot({ baseUrl, server: unreachedProxy() })] })
  class OnlyAuthModule {}

  it('is an authorization server all the same', async () => {
    const app = await startApp({ imports: [OnlyAuthModule], controllers: [] });
    expect((await app.request('/.well-known/oauth-authorization-server')).status).toBe(200);
  });
});
