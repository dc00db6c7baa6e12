import { randomUUID } from 'node:crypto';
import {
  Body,
  Controller,
  Get,
  Header,
  type INestApplication,
  Inject,
  Post,
  Query,
  Redirect,
  Res,
} from '@nestjs/common';
import {
  type KeyValueStore,
  LocalAuthProvider,
  type LocalAuthProviderOptions,
  type LocalLogin,
  type LocalUser,
  MultiAuthService,
  type OAuthServerOptions,
} from '../../lib/index.js';
import type { Platform } from './app.js';
import type { Clock } from '../../lib/index.js';
import type { Browser, Visit } from './browser.js';
import { type IdpBehind, McpController } from './protected-app.js';
import { MintedSecrets } from './minted-secrets.js';
import { ProxyFlow, startFlow } from './proxy-flow.js';

/** What the host's session middleware puts on its request. */
interface HostRequest {
  readonly session?: { readonly subject?: string };
}

type Handled = ReturnType<LocalLogin['user']>;

/** The users and sessions of the app under test, and what its hooks do instead of their work. */
export class LocalUsersRig {
  readonly users = new Map<string, LocalUser>(
    ['alice', 'bob'].map((name) => [
      name,
      { subject: name, name: `${name} of the tests`, claims: { email: `${name}@local.test` } },
    ]),
  );
  readonly sessions = new Map<string, string>();
  /** How often each hook was asked. */
  readonly asked = { user: 0, findUser: 0 };
  /** Stands in for a hook. */
  user: ((request: HostRequest) => Handled) | undefined;
  findUser: ((subject: string) => Handled) | undefined;

  /** The hooks, as an app writes them. */
  readonly login: LocalLogin = {
    page: '/login',
    user: (request: HostRequest) => {
      this.asked.user++;
      if (this.user) return this.user(request);
      const { subject } = request.session ?? {};
      return subject === undefined ? undefined : this.users.get(subject);
    },
    findUser: (subject) => {
      this.asked.findUser++;
      return this.findUser ? this.findUser(subject) : this.users.get(subject);
    },
  };

  /** As express-session and @fastify/session do. */
  attachSessions(app: INestApplication, platform: Platform): void {
    const attach = (request: { headers: { cookie?: string } }): void => {
      const [, id = ''] = /(?:^|; )sid=([^;]*)/.exec(request.headers.cookie ?? '') ?? [];
      const subject = this.sessions.get(id);
      Object.assign(request, { session: subject === undefined ? {} : { subject } });
    };
    if (platform === 'express') {
      app.use((request: { headers: { cookie?: string } }, _response: unknown, next: () => void) => {
        attach(request);
        next();
      });
      return;
    }
    const fastify = app.getHttpAdapter().getInstance() as {
      addHook(
        name: string,
        hook: (request: { headers: { cookie?: string } }) => Promise<void>,
      ): void;
    };
    fastify.addHook('onRequest', async (request) => attach(request));
  }

  /** Logs the browser in at the app, or out of it. */
  putSession(browser: Browser, origin: string, subject: string | undefined): void {
    const id = randomUUID();
    if (subject !== undefined) this.sessions.set(id, subject);
    browser.cookies.store(new URL(origin), `sid=${id}; Path=/; HttpOnly; SameSite=Lax`);
  }
}

/** The login page of an app: it believes every name. */
export function loginController(rig: LocalUsersRig) {
  @Controller('login')
  class LoginController {
    constructor(@Inject(MultiAuthService) private readonly auth: MultiAuthService) {}

    @Get()
    @Header('content-type', 'text/html; charset=utf-8')
    page(@Query('return_to') returnTo = ''): string {
      const value = returnTo.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
      return `<form method="post" action="/login"><input type="hidden" name="return_to" value="${value}">
        <input name="login"><input name="password"><button name="go" value="in">In</button></form>`;
    }

    @Post()
    @Redirect()
    logIn(
      @Body() form: Record<string, string>,
      @Res({ passthrough: true }) response: { header(name: string, value: string): unknown },
    ): { url: string; statusCode: number } {
      const id = randomUUID();
      rig.sessions.set(id, String(form['login']));
      response.header('set-cookie', `sid=${id}; Path=/; HttpOnly; SameSite=Lax`);
      return { url: this.auth.loginReturnUrl(form['return_to']) ?? '/', statusCode: 303 };
    }
  }
  return LoginController;
}

export interface LocalFlowOptions {
  readonly platform?: Platform;
  readonly server?: Partial<LocalAuthProviderOptions>;
  readonly login?: Partial<LocalLogin>;
  readonly clock?: Clock;
  readonly store?: KeyValueStore;
  readonly issuerPath?: string;
  /** That of another app, as if it were in its place, and the port to listen at then. */
  readonly origin?: string;
  readonly port?: number;
}

/** An app with users of its own, in front of no provider. */
export class LocalFlow extends ProxyFlow<IdpBehind> {
  static async start(options: LocalFlowOptions = {}): Promise<LocalFlow> {
    const { platform = 'express', clock, store, issuerPath, origin, port } = options;
    const rig = new LocalUsersRig();
    const login = { ...rig.login, ...options.login };
    const flow = await startFlow({
      idp: noProvider(),
      platform,
      ...(clock && { clock }),
      ...(store && { store }),
      ...(issuerPath !== undefined && { issuerPath }),
      ...(origin !== undefined && port !== undefined && { origin, port }),
      server: (common: OAuthServerOptions) =>
        new LocalAuthProvider({ ...common, login, ...options.server }),
      configure: (app) => rig.attachSessions(app, platform),
      controllers: [McpController, loginController(rig)],
    });
    return new LocalFlow(flow, rig, port);
  }

  private constructor(
    flow: ProxyFlow<IdpBehind>,
    readonly rig: LocalUsersRig,
    port?: number,
  ) {
    super(flow.app, flow.idp, flow.log, port);
  }

  /** Logs the browser in at the app. */
  logInAtApp(browser: Browser, subject: string | undefined): void {
    this.rig.putSession(browser, this.app.origin, subject);
  }

  /** The consent page of a browser that is logged in at the app. */
  async consentPageOf(
    browser: Browser,
    subject: string,
    request: Parameters<ProxyFlow['consentPage']>[0],
  ): Promise<Visit> {
    this.logInAtApp(browser, subject);
    return this.consentPage(request, browser);
  }
}

function noProvider(): IdpBehind {
  return {
    issuer: 'https://there-is-none.test',
    client: { id: 'none', secret: 'none' },
    minted: new MintedSecrets(),
    setRedirectUris: () => {},
  };
}
