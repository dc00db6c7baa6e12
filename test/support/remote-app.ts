import { All, Controller } from '@nestjs/common';
import { expect } from '@jest/globals';
import {
  AccessToken,
  Clock,
  McpAuth,
  MultiAuthEvents,
  type MultiAuthEventMap,
  type MultiAuthEventName,
  MultiAuthModule,
  type MultiAuthOptions,
  MultiAuthService,
  type RemoteAuthProvider,
} from '../../lib/index.js';
import { createApp, moduleOf, type Platform } from './app.js';
import { LogSink } from './log-sink.js';

/** Where the app of these tests is, as far as anybody is told. */
export const remoteOrigin = 'https://mcp.example.com';
export const remoteResource = `${remoteOrigin}/mcp`;
export const resourceMetadataUrl = `${remoteOrigin}/.well-known/oauth-protected-resource/mcp`;

@Controller('mcp')
@McpAuth()
class McpController {
  @All()
  who(@AccessToken() token: AccessToken): object {
    return token;
  }
}

@Controller('admin/mcp')
@McpAuth({ resource: 'admin' })
class AdminController {
  @All()
  who(@AccessToken() token: AccessToken): object {
    return token;
  }
}

export interface DocumentAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** What became of a request with a token: `accepted`, or the status and the error in the challenge. */
export interface RemoteAnswer {
  readonly outcome: string;
  /** What the handler got, or the error that was answered. */
  readonly body: Record<string, unknown>;
  readonly challenge: string;
}

export interface RemoteApp {
  readonly service: MultiAuthService;
  readonly log: LogSink;
  call(token?: string, path?: string): Promise<RemoteAnswer>;
  document(path: string): Promise<DocumentAnswer>;
  /** What was told of one event, in order. */
  told<N extends MultiAuthEventName>(name: N): readonly MultiAuthEventMap[N][];
  close(): Promise<void>;
}

export interface RemoteAppOptions {
  readonly platform?: Platform;
  readonly clock?: Clock;
  readonly module?: Partial<MultiAuthOptions>;
}

/** A Nest app whose clients log in elsewhere. It has one resource, or also `admin` if told so. */
export async function startRemoteApp(
  server: RemoteAuthProvider,
  { platform = 'express', clock, module = {} }: RemoteAppOptions = {},
): Promise<RemoteApp> {
  const auth = MultiAuthModule.forRoot({
    baseUrl: remoteOrigin,
    server,
    ...module,
  });
  if (clock) auth.providers = [...(auth.providers ?? []), { provide: Clock, useValue: clock }];
  const controllers = [McpController, ...(module.resources ? [AdminController] : [])];
  const log = new LogSink();
  const heard: (readonly [MultiAuthEventName, unknown])[] = [];
  const root = moduleOf({ imports: [auth], controllers });
  const running = await createApp(
    root,
    platform,
    (app) => {
      app.get(MultiAuthEvents, { strict: false }).onAny((name, event) => heard.push([name, event]));
    },
    { logger: log },
  );
  return {
    service: running.app.get(MultiAuthService, { strict: false }),
    log,
    call: async (token, path = '/mcp') => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const response = await fetch(running.url + path, { method: 'POST', headers });
      const body = (await response.json()) as Record<string, unknown>;
      const challenge = response.headers.get('www-authenticate') ?? '';
      return { outcome: outcomeOf(response, challenge), body, challenge };
    },
    document: async (path) => {
      const response = await fetch(running.url + path, { headers: { origin: 'https://a.test' } });
      return { status: response.status, headers: response.headers, body: await response.json() };
    },
    told: (name) =>
      heard.filter(([n]) => n === name).map(([, e]) => e as MultiAuthEventMap[typeof name]),
    close: () => running.close(),
  };
}

function outcomeOf({ status, headers }: Response, challenge: string): string {
  if (status < 300) return 'accepted';
  if (status === 503) {
    // The lack of a verdict: nothing that would make a client throw its token away.
    expect([challenge, headers.get('retry-after')]).toEqual(['', expect.stringMatching(/^\d+$/)]);
    return '503';
  }
  expect(challenge).toContain('resource_metadata="https://');
  const error = /error="(\w+)"/.exec(challenge)?.[1];
  return error === undefined ? String(status) : `${status} ${error}`;
}
