import type { Server } from 'node:http';
import {
  All,
  Controller,
  type INestApplication,
  type OnModuleDestroy,
  Req,
  Res,
} from '@nestjs/common';
import {
  AccessToken,
  Clock,
  McpAuth,
  MemoryStore,
  type KeyValueStore,
  MultiAuthEvents,
  MultiAuthModule,
  type MultiAuthModuleExtras,
  type MultiAuthOptions,
  OAuthProxy,
  type OAuthProvider,
  type OAuthProxyOptions,
  type OAuthServerOptions,
  OidcUpstream,
  type TokenVerifier,
} from '../../lib/index.js';
import { AnswerWatch } from './answer-watch.js';
import { createApp, moduleOf, type Platform } from './app.js';
import { freePort } from './free-port.js';
import type { LogSink } from './log-sink.js';
import { MintedSecrets } from './minted-secrets.js';
import { mcpNodeHandler } from './mcp-app.js';
import { StoreSpy } from './store-spy.js';
import type { UpstreamIdp } from './upstream-idp.js';

export const appSecret = 'the-secret-of-the-app-under-test-7Gq2';

const mcp = mcpNodeHandler();

/** The controller a user of the library writes. */
@Controller('mcp')
@McpAuth()
export class McpController implements OnModuleDestroy {
  /** What `@AccessToken()` gave the last request. */
  static seen: AccessToken | undefined;

  @All()
  async handle(
    @AccessToken() token: AccessToken,
    @Req() req: { body?: unknown },
    @Res() res: unknown,
  ): Promise<void> {
    McpController.seen = token;
    await mcp.handle(req, res, req.body);
  }

  onModuleDestroy(): void {}
}

/** What the rigs have to know of the provider behind the proxy. */
export interface IdpBehind {
  readonly issuer: string;
  readonly client: { readonly id: string; readonly secret: string };
  readonly minted: MintedSecrets;
  setRedirectUris(redirectUris: readonly string[]): void;
}

export interface ProtectedAppOptions<I extends IdpBehind = UpstreamIdp> {
  readonly idp: I;
  /** Makes another server than an `OAuthProxy`, which then has no use for the provider. */
  readonly server?: (options: OAuthServerOptions) => OAuthProvider;
  readonly platform?: Platform;
  /** The path of the issuer below the origin. @default none */
  readonly issuerPath?: string;
  readonly proxy?: Partial<OAuthProxyOptions>;
  readonly upstream?: Partial<ConstructorParameters<typeof OidcUpstream>[0]>;
  readonly verifiers?: readonly TokenVerifier[];
  readonly module?: Partial<MultiAuthOptions>;
  readonly extras?: MultiAuthModuleExtras;
  readonly clock?: Clock;
  readonly store?: KeyValueStore;
  readonly logger?: LogSink;
  readonly port?: number;
  /** The proxies whose `X-Forwarded-For` the host believes. @default none */
  readonly trustProxy?: string;
  /** The public origin, when it is not the app's own. */
  readonly origin?: string;
  readonly configure?: (app: INestApplication) => unknown;
  readonly controllers?: readonly (new (...args: never[]) => object)[];
  readonly providers?: readonly object[];
}

export interface ProtectedApp {
  readonly app: INestApplication;
  readonly origin: string;
  readonly issuer: string;
  /** The MCP URL. */
  readonly url: string;
  readonly store: StoreSpy;
  readonly proxy: OAuthProvider;
  close(): Promise<void>;
}

/** A Nest app with an MCP server behind an `OAuthProxy` in front of the given provider. */
export async function startProtectedApp<I extends IdpBehind = UpstreamIdp>(
  options: ProtectedAppOptions<I>,
): Promise<ProtectedApp> {
  const port = options.port ?? (await freePort());
  const origin = options.origin ?? `http://127.0.0.1:${port}`;
  const issuer = origin + (options.issuerPath ?? '');
  const { idp } = options;
  idp.setRedirectUris([`${issuer}/auth/callback`]);
  const store =
    options.store instanceof StoreSpy
      ? options.store
      : new StoreSpy(
          options.store ?? new MemoryStore(options.clock ? { clock: options.clock } : {}),
        );
  const common: OAuthServerOptions = {
    secrets: [appSecret],
    storage: store,
    serverName: 'Test server',
    // All of a test's clients have one address.
    rateLimits: false,
    ...options.proxy,
  };
  const proxy =
    options.server?.(common) ??
    new OAuthProxy({
      upstream: new OidcUpstream({
        issuer: idp.issuer,
        clientId: idp.client.id,
        clientSecret: idp.client.secret,
        scopes: ['openid', 'profile', 'email', 'offline_access'],
        extraAuthorizeParams: { prompt: 'consent' },
        embedClaims: ['name', 'email'],
        ...options.upstream,
      }),
      ...common,
    });
  const auth = MultiAuthModule.forRootAsync({
    ...options.extras,
    useFactory: (): MultiAuthOptions => ({
      baseUrl: issuer,
      resourceBaseUrl: origin,
      server: proxy,
      verifiers: options.verifiers ?? [],
      requiredScopes: ['mcp:use'],
      ...options.module,
    }),
  });
  if (options.clock) overrideClock(auth, options.clock);
  const root = moduleOf({
    imports: [auth],
    controllers: [...(options.controllers ?? [McpController])] as never[],
    providers: [...(options.providers ?? [])] as never[],
  });
  const running = await createApp(root, options.platform ?? 'express', options.configure, {
    port,
    ...(options.logger && { logger: options.logger }),
    ...(options.trustProxy !== undefined && { trustProxy: options.trustProxy }),
  });
  const audit = auditSecrets(running.app, { store, idp, log: options.logger });
  const answers = new AnswerWatch(options.proxy?.issuerUrl ?? issuer);
  answers.watch(running.app.getHttpServer() as Server);
  return {
    app: running.app,
    origin,
    issuer,
    url: `${origin}/mcp`,
    store,
    proxy,
    close: async () => {
      await running.close();
      audit();
      answers.assertNone();
    },
  };
}

/** Watches the app, and answers what fails when a secret got where none belongs (U5, ST-01). */
function auditSecrets(
  app: INestApplication,
  { store, idp, log }: { store: StoreSpy; idp: IdpBehind; log: LogSink | undefined },
): () => void {
  const minted = new MintedSecrets();
  minted.watch(app.getHttpServer() as Server);
  const events = app.get(MultiAuthEvents, { strict: false });
  const told: string[] = [];
  const emit = events.emit.bind(events);
  events.emit = (name, event) => {
    told.push(JSON.stringify(event));
    emit(name, event);
  };
  return () => {
    const texts = {
      log: log?.lines.map(({ text }) => text) ?? [],
      store: store.dump().flatMap(({ key, value }) => [key, value]),
      events: told,
    };
    for (const [place, lines] of Object.entries(texts)) {
      const text = lines.join('\n');
      const shown = [...minted.shownIn(text), ...idp.minted.shownIn(text)];
      if (shown.length === 0) continue;
      const line = lines.find((l) => minted.shownIn(l).length + idp.minted.shownIn(l).length > 0);
      throw new Error(`The ${place} shows secrets: ${shown.join(', ')}, as in: ${line}`);
    }
  };
}

function overrideClock(module: { providers?: unknown[] }, clock: Clock): void {
  module.providers = [...(module.providers ?? []), { provide: Clock, useValue: clock }];
}
