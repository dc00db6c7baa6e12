import { All, Controller, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  AccessToken,
  McpAuth,
  MultiAuthModule,
  type MultiAuthOptions,
  MultiAuthService,
} from '../../../lib/index.js';
import { createApp, moduleOf, type Platform } from '../../support/app.js';

@Controller('mcp')
@McpAuth()
class McpController {
  @All()
  handle(@AccessToken() token: AccessToken): object {
    return { source: token.source, clientId: token.clientId };
  }
}

/** The composition without HTTP: what `MultiAuthService` says, and the end of it. */
export interface Composition {
  readonly service: MultiAuthService;
  /** The verdict in one word: the client of an accepted token, or what became of it. */
  readonly ask: (token: string) => Promise<string>;
  close(): Promise<void>;
}

export async function compose(options: MultiAuthOptions): Promise<Composition> {
  const context = await NestFactory.createApplicationContext(rootOf(options), {
    logger: false,
    abortOnError: false,
  });
  const service = context.get(MultiAuthService, { strict: false });
  return {
    service,
    ask: async (token) => {
      const verdict = await service.verifyToken(token);
      return verdict.outcome === 'accepted' ? verdict.token.clientId : verdict.outcome;
    },
    close: () => context.close(),
  };
}

/** What a request was answered, as far as a client acts on it. */
export interface Answer {
  readonly status: number;
  readonly challenge: string | null;
  readonly body: Record<string, unknown>;
}

export interface RunningServer {
  /** Asks for a path with or without a token. */
  readonly get: (path: string, token?: string) => Promise<Answer>;
  close(): Promise<void>;
}

/** A Nest app with a protected `/mcp`; its public URLs come from the options alone. */
export async function serve(options: MultiAuthOptions, platform: Platform): Promise<RunningServer> {
  const app = await createApp(rootOf(options), platform);
  return {
    get: async (path, token) => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const response = await fetch(app.url + path, { headers });
      return {
        status: response.status,
        challenge: response.headers.get('www-authenticate'),
        body: (await response.json()) as Record<string, unknown>,
      };
    },
    close: () => app.close(),
  };
}

/** Serves, hands the server to the test, and closes it whatever comes. */
export async function serving<T>(
  options: MultiAuthOptions,
  platform: Platform,
  test: (server: RunningServer) => Promise<T>,
): Promise<T> {
  const server = await serve(options, platform);
  try {
    return await test(server);
  } finally {
    await server.close();
  }
}

/** Composes, hands the composition to the test, and closes it whatever comes. */
export async function composing<T>(
  options: MultiAuthOptions,
  test: (composition: Composition) => Promise<T>,
): Promise<T> {
  const composition = await compose(options);
  try {
    return await test(composition);
  } finally {
    await composition.close();
  }
}

function rootOf(options: MultiAuthOptions): DynamicModule {
  return moduleOf({ imports: [MultiAuthModule.forRoot(options)], controllers: [McpController] });
}
