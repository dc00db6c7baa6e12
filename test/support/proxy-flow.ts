import { randomBytes } from 'node:crypto';
import { type Answer, clientRedirect, jsonOf } from './answer.js';
import { Browser, type StopAt, type Visit, type WalkOptions } from './browser.js';
import { LogSink } from './log-sink.js';
import {
  type IdpBehind,
  type ProtectedApp,
  type ProtectedAppOptions,
  startProtectedApp,
} from './protected-app.js';
import { AuthorizationRequest, challengeOf, newVerifier, Params } from './request-builders.js';
import type { UpstreamIdp } from './upstream-idp.js';

export { type Answer, clientRedirect, jsonOf };

export interface TestClient {
  readonly id: string;
  readonly secret?: string;
  readonly redirectUri: string;
}

/** A code that a client got, and what it needs to redeem it. */
export interface HeldCode {
  readonly code: string;
  readonly client: TestClient;
  readonly request: AuthorizationRequest;
  /** The URL that the client was called back with. */
  readonly callback: URL;
  readonly browser: Browser;
}

export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
  readonly scope: string;
}

export interface SendOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly form?: Params | Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly body?: string;
}

export interface LoginOptions extends Partial<WalkOptions> {
  readonly browser?: Browser;
  readonly request?: AuthorizationRequest;
}

/** An app in this process or in another. */
export type ReachableApp = Pick<ProtectedApp, 'origin' | 'issuer' | 'url' | 'close'>;

export const validScopes = ['mcp:use', 'notes:read', 'notes:write'] as const;

/** Starts an app behind the proxy, as the baseline of the security tests has it. */
export async function startFlow<I extends IdpBehind = UpstreamIdp>(
  options: ProtectedAppOptions<I>,
): Promise<ProxyFlow<I>> {
  const log = options.logger ?? new LogSink();
  const app = await startProtectedApp({
    ...options,
    logger: log,
    proxy: { validScopes, ...options.proxy },
    module: {
      resources: { default: '/mcp', second: '/mcp2' },
      ...options.module,
    },
  });
  return new ProxyFlow(app, options.idp, log, options.port);
}

/** What a client, a user's browser, or an attacker does with the app: one request a method. */
export class ProxyFlow<I extends IdpBehind = UpstreamIdp, App extends ReachableApp = ProtectedApp> {
  constructor(
    readonly app: App,
    readonly idp: I,
    readonly log: LogSink = new LogSink(),
    /** Where the app really listens, when its origin is a public one. */
    private readonly port?: number,
  ) {}

  get issuer(): string {
    return this.app.issuer;
  }

  close(): Promise<void> {
    return this.app.close();
  }

  /** Sends one request and follows nothing. The path is below the issuer, or a whole URL. */
  async send(path: string, options: SendOptions = {}): Promise<Answer> {
    const { form, json } = options;
    const body = form ? String(form instanceof Params ? form : new Params(form)) : options.body;
    const type = form
      ? { 'content-type': 'application/x-www-form-urlencoded' }
      : json === undefined
        ? {}
        : { 'content-type': 'application/json' };
    const sent = json === undefined ? body : JSON.stringify(json);
    const method = options.method ?? (sent === undefined ? 'GET' : 'POST');
    const url = path.startsWith('/') ? this.issuer + path : path;
    const response = await fetch(this.#served(url), {
      method,
      redirect: 'manual',
      headers: { ...type, ...options.headers },
      ...(sent !== undefined && { body: sent }),
    });
    return {
      url,
      method,
      status: response.status,
      headers: Object.fromEntries(response.headers),
      text: await response.text(),
    };
  }

  #served(url: string): string {
    const { origin } = this.app;
    const served = this.port === undefined ? origin : `http://127.0.0.1:${this.port}`;
    return url.startsWith(origin) ? served + url.slice(origin.length) : url;
  }

  async register(metadata: Readonly<Record<string, unknown>> = {}): Promise<TestClient> {
    const answer = await this.tryRegister(metadata);
    if (answer.status !== 201) throw new Error(`Not registered: ${answer.text}`);
    const { client_id, client_secret, redirect_uris } = jsonOf(answer) as {
      client_id: string;
      client_secret?: string;
      redirect_uris: [string];
    };
    return {
      id: client_id,
      redirectUri: redirect_uris[0],
      ...(client_secret !== undefined && { secret: client_secret }),
    };
  }

  tryRegister(metadata: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
    const json = {
      client_name: 'App',
      redirect_uris: [clientRedirect],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      ...metadata,
    };
    return this.send('/register', { json });
  }

  authorizationRequest(client: TestClient): AuthorizationRequest {
    const verifier = newVerifier();
    const params = new Params({
      response_type: 'code',
      client_id: client.id,
      redirect_uri: client.redirectUri,
      state: `state-${randomBytes(12).toString('base64url')}`,
      code_challenge: challengeOf(verifier),
      code_challenge_method: 'S256',
      scope: 'notes:read',
      resource: this.app.url,
    });
    return new AuthorizationRequest(`${this.issuer}/authorize`, params, verifier);
  }

  /** Sends it without a browser, as curl would. */
  authorize(request: AuthorizationRequest, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send(request.url, { headers });
  }

  /** Opens it in the browser, which ends on the consent page. */
  consentPage(request: AuthorizationRequest, browser: Browser): Promise<Visit> {
    return browser.open(request.url);
  }

  /** Approves in the browser and stops before the upstream is reached. */
  async approve(request: AuthorizationRequest, browser: Browser): Promise<Visit> {
    return browser.approve(await this.consentPage(request, browser), this.atIdp);
  }

  /** Goes all the way to the upstream's answer, and stops before the app gets it. */
  upstreamAnswer(request: AuthorizationRequest, options: LoginOptions = {}): Promise<Visit> {
    const browser = options.browser ?? new Browser();
    const stopAt = `${this.issuer}/auth/callback`;
    return browser.walk(request.url, { user: 'alice', ...options, stopAt });
  }

  /** A whole login, up to the URL at which the client is called back. */
  login(client: TestClient, options: LoginOptions = {}): Promise<Visit> {
    const browser = options.browser ?? new Browser();
    const request = options.request ?? this.authorizationRequest(client);
    const stopAt: StopAt = atClient(client);
    return browser.walk(request.url, { user: 'alice', stopAt, ...options });
  }

  async codeFor(client: TestClient, options: LoginOptions = {}): Promise<HeldCode> {
    const request = options.request ?? this.authorizationRequest(client);
    const browser = options.browser ?? new Browser();
    const visit = await this.login(client, { ...options, request, browser });
    const callback = new URL(visit.url);
    const code = callback.searchParams.get('code');
    if (code === null) throw new Error(`No code: ${visit.status} ${visit.url} ${visit.html}`);
    return { code, client, request, callback, browser };
  }

  tokenRequest({ code, client, request }: HeldCode): Params {
    return new Params({
      grant_type: 'authorization_code',
      code,
      redirect_uri: client.redirectUri,
      client_id: client.id,
      code_verifier: request.verifier,
      resource: this.app.url,
      ...(client.secret !== undefined && { client_secret: client.secret }),
    });
  }

  refreshRequest(refreshToken: string, client: TestClient): Params {
    return new Params({
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      client_id: client.id,
      ...(client.secret !== undefined && { client_secret: client.secret }),
    });
  }

  token(form: Params, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send('/token', { form, headers });
  }

  redeem(held: HeldCode, changes: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.token(this.tokenRequest(held).with(changes));
  }

  refresh(refreshToken: string, client: TestClient): Promise<Answer> {
    return this.token(this.refreshRequest(refreshToken, client));
  }

  revoke(token: string, client: TestClient): Promise<Answer> {
    const secret = client.secret === undefined ? {} : { client_secret: client.secret };
    return this.send('/revoke', { form: { token, client_id: client.id, ...secret } });
  }

  async tokensFor(client: TestClient, options: LoginOptions = {}): Promise<Tokens> {
    return tokensOf(await this.redeem(await this.codeFor(client, options)));
  }

  /** Lists the tools of the protected MCP server; 200 when the token is accepted. */
  callMcp(accessToken: string): Promise<Answer> {
    return this.send(this.app.url, {
      json: { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} },
      headers: {
        authorization: `Bearer ${accessToken}`,
        accept: 'application/json, text/event-stream',
      },
    });
  }

  async isAccepted(accessToken: string): Promise<boolean> {
    const { status, text } = await this.callMcp(accessToken);
    if (status !== 200 && status !== 401) throw new Error(`Neither yes nor no: ${status} ${text}`);
    return status === 200;
  }

  /** Upstream token requests that carried this grant type. */
  upstreamGrants(
    this: ProxyFlow<UpstreamIdp, App>,
    grantType: 'authorization_code' | 'refresh_token',
  ): number {
    return this.idp.requestsTo('token').filter((r) => r.form?.['grant_type'] === grantType).length;
  }

  /** Stops a browser before the upstream. */
  readonly atIdp = (url: URL): boolean => url.origin === new URL(this.idp.issuer).origin;
}

/** Stops a browser at the client's redirect URI, whatever its query. */
export function atClient({ redirectUri }: TestClient): StopAt {
  const [wanted] = redirectUri.split('?');
  return (url) => url.href.split(/[?#]/)[0] === wanted;
}

export function tokensOf(answer: Answer): Tokens {
  if (answer.status !== 200) throw new Error(`No tokens: ${answer.status} ${answer.text}`);
  return jsonOf(answer) as Tokens;
}
