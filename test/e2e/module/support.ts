import { All, Controller, type INestApplication, Post, type Type } from '@nestjs/common';
import {
  AccessToken,
  McpAuth,
  MemoryStore,
  MultiAuthModule,
  type MultiAuthModuleExtras,
  type MultiAuthOptions,
  OAuth2Upstream,
  OAuthProxy,
  type OAuthProxyOptions,
} from '../../../lib/index.js';
import { createApp, moduleOf, type Platform } from '../../support/app.js';
import { FakeVerifier } from '../../support/fake-sources.js';
import type { LogSink } from '../../support/log-sink.js';

export const baseUrl = 'https://mcp.example.com';
export const secret = 'q8vZx3Lm9Tn2Rb7Kc5Wd1Hy6Jf4Ps0Ga';

/** A protected endpoint that says whose token it got. */
@Controller('mcp')
@McpAuth()
export class WhoController {
  @All()
  who(@AccessToken() token: AccessToken): object {
    return { source: token.source, clientId: token.clientId };
  }
}

/** A host's own endpoint: it says what it got. */
@Controller('echo')
export class EchoController {
  @Post()
  echo(): object {
    return { echoed: true };
  }
}

/** A verifier that knows one token. */
export function knows(token: string, name = 'verifier'): FakeVerifier {
  return new FakeVerifier({ name, tokens: { [token]: {} } });
}

/** A proxy whose provider is never reached: for all that happens before and beside a login. */
export function unreachedProxy(options: Partial<OAuthProxyOptions> = {}): OAuthProxy {
  return new OAuthProxy({
    upstream: new OAuth2Upstream({
      authorizationEndpoint: 'https://idp.example.com/authorize',
      tokenEndpoint: 'https://idp.example.com/token',
      clientId: 'app',
      clientSecret: 'what-the-app-and-its-provider-share',
      tokenVerifier: knows('upstream'),
    }),
    secrets: [secret],
    storage: new MemoryStore(),
    ...options,
  });
}

export interface AppParts {
  readonly platform?: Platform;
  readonly options?: MultiAuthOptions;
  readonly extras?: MultiAuthModuleExtras;
  /** Replaces the module made of `options`. */
  readonly imports?: readonly object[];
  readonly controllers?: readonly Type[];
  readonly providers?: readonly object[];
  readonly configure?: (app: INestApplication) => unknown;
  readonly logger?: LogSink;
}

export interface TestedApp {
  readonly app: INestApplication;
  readonly url: string;
  request(path: string, init?: RequestInit): Promise<Answered>;
  /** A request with a bearer token. */
  call(path: string, token: string): Promise<Answered>;
  postForm(path: string, form: Record<string, string>): Promise<Answered>;
  postJson(path: string, body: unknown): Promise<Answered>;
  close(): Promise<void>;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The JSON of the body, or an empty object. */
  readonly json: Record<string, unknown>;
}

/** An app with a proxy and a verifier that knows the token `known`, unless told otherwise. */
export async function startApp(parts: AppParts = {}): Promise<TestedApp> {
  const options = parts.options ?? {
    baseUrl,
    server: unreachedProxy(),
    verifiers: knows('known'),
  };
  const root = moduleOf({
    imports: [
      ...(parts.imports ?? [MultiAuthModule.forRoot({ ...options, ...parts.extras })]),
    ] as never[],
    controllers: [...(parts.controllers ?? [WhoController])],
    providers: [...(parts.providers ?? [])] as never[],
  });
  const app = await createApp(root, parts.platform ?? 'express', parts.configure, {
    ...(parts.logger && { logger: parts.logger }),
  });
  const running = tested(app.app, app.url, () => app.close());
  open.add(running);
  return running;
}

const open = new Set<TestedApp>();

/** Closes what the tests before left open: for `afterEach`. Closing an app twice does no harm. */
export async function closeApps(): Promise<void> {
  const apps = [...open];
  open.clear();
  await Promise.all(apps.map((app) => app.close()));
}

export function tested(app: INestApplication, url: string, close: () => Promise<void>): TestedApp {
  const request: TestedApp['request'] = async (path, init) =>
    answered(await fetch(url + path, { redirect: 'manual', ...init }));
  const post = (path: string, type: string, body: string): Promise<Answered> =>
    request(path, { method: 'POST', headers: { 'content-type': type }, body });
  let closing: Promise<void> | undefined;
  return {
    app,
    url,
    request,
    call: (path, token) => request(path, { headers: { authorization: `Bearer ${token}` } }),
    postForm: (path, form) =>
      post(path, 'application/x-www-form-urlencoded', new URLSearchParams(form).toString()),
    postJson: (path, body) => post(path, 'application/json', JSON.stringify(body)),
    close: () => (closing ??= close()),
  };
}

async function answered(response: Response): Promise<Answered> {
  const text = await response.text();
  let json: Record<string, unknown> = {};
  try {
    json = JSON.parse(text) as Record<string, unknown>;
  } catch {
    // A page, or nothing.
  }
  return { status: response.status, headers: response.headers, text, json };
}
