import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import type { JWK } from 'jose';
import type { Provider, ProviderAdapter } from 'oidc-provider';
import { Gate } from './gate.js';
import type { Held } from './gate.js';
import { MintedSecrets } from './minted-secrets.js';

export interface UpstreamIdpOptions {
  /** @default a free port */
  readonly port?: number;
  /** @default 300 */
  readonly accessTokenTtlSeconds?: number;
  /** Whether a login yields a refresh token. @default true */
  readonly refreshTokens?: boolean;
  /** Whether each refresh yields a new refresh token and ends the old one. @default true */
  readonly rotateRefreshTokens?: boolean;
  /**
   * `jwt` access tokens have an audience, so that userinfo refuses them; `opaque` ones are taken
   * by userinfo and introspection. @default 'jwt'
   */
  readonly accessTokenFormat?: 'jwt' | 'opaque';
  /** @default 'RS256' */
  readonly accessTokenAlgorithm?: 'RS256' | 'ES256' | 'EdDSA';
  /** The `aud` of JWT access tokens when the client names no resource. @default 'nest-app' */
  readonly audience?: string;
  /** Scopes besides those of OpenID Connect. @default ['api:read', 'api:write'] */
  readonly scopes?: readonly string[];
  /** Whether authorization responses carry `iss` (RFC 9207), and metadata says so. @default true */
  readonly issParameter?: boolean;
  /** @default [] */
  readonly redirectUris?: readonly string[];
  /** @default 'client_secret_basic' */
  readonly clientAuthentication?: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt';
  /** The public keys of the fixed client, for `private_key_jwt`. */
  readonly clientKeys?: readonly JWK[];
  /** Whether a login needs PKCE. @default true */
  readonly pkceRequired?: boolean;
  /** Whether anyone may register a client (RFC 7591). @default false */
  readonly registration?: boolean;
}

export type UpstreamEndpoint =
  'authorization' | 'token' | 'jwks' | 'discovery' | 'userinfo' | 'introspection' | 'revocation';

/** How an endpoint misbehaves; an object is sent as JSON. */
export type UpstreamFailure =
  | '500'
  | '503'
  | 'hang'
  | 'html'
  | 'garbage'
  | 'redirect'
  | 'huge'
  | 'disconnect'
  | {
      readonly status: number;
      readonly body: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    };

export interface UpstreamRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly authorization: string | undefined;
  /** The form that was posted, once the provider has read it. */
  form: Readonly<Record<string, string>> | undefined;
  /** The status of the answer, once there is one. */
  status: number | undefined;
}

export interface UpstreamUser {
  readonly name: string;
  readonly email: string;
  readonly email_verified: boolean;
  readonly preferred_username: string;
}

const paths: Readonly<Record<UpstreamEndpoint, string>> = {
  authorization: '/auth',
  token: '/token',
  jwks: '/jwks',
  discovery: '/.well-known/openid-configuration',
  userinfo: '/me',
  introspection: '/token/introspection',
  revocation: '/token/revocation',
};

const defaultResource = 'urn:upstream:api';
const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';

type Tamper = (body: Record<string, unknown>) => unknown;
type Handler = (req: IncomingMessage, res: ServerResponse) => void;

/**
 * A real OpenID provider that knows one confidential client and the users alice and bob; any
 * password does. Its host is `localhost`, so that its cookies do not mix with those of an app on
 * `127.0.0.1`.
 */
export class UpstreamIdp {
  static async start(options: UpstreamIdpOptions = {}): Promise<UpstreamIdp> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port ?? 0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as AddressInfo;
    const idp = new UpstreamIdp(server, `http://localhost:${port}`, options);
    idp.minted.watch(server);
    await idp.#boot();
    return idp;
  }

  readonly issuer: string;
  readonly client = { id: 'nest-app', secret: 'upstream-client-secret-of-nest-app' } as const;
  /** The secrets that it made or was told. */
  readonly minted = new MintedSecrets();
  /** Every request that arrived, in order. */
  readonly requests: UpstreamRequest[] = [];
  readonly users = new Map<string, UpstreamUser>([
    ['alice', user('alice', 'Alice Archer')],
    ['bob', user('bob', 'Bob Builder')],
  ]);

  readonly #server: Server;
  readonly #options: UpstreamIdpOptions;
  readonly #records = new Map<string, Map<string, Record<string, unknown>>>();
  readonly #failures: { readonly path: string; readonly failure: UpstreamFailure }[] = [];
  readonly #tampers: { readonly path: string; readonly tamper: Tamper }[] = [];
  readonly #gates = new Map<string, Gate>();
  readonly #entries = new WeakMap<IncomingMessage, UpstreamRequest>();

  private constructor(server: Server, issuer: string, options: UpstreamIdpOptions) {
    this.#server = server;
    this.issuer = issuer;
    this.#options = options;
  }

  /** The absolute URL of an endpoint. */
  endpoint(endpoint: UpstreamEndpoint): string {
    return this.issuer + paths[endpoint];
  }

  /** The requests that reached one endpoint. */
  requestsTo(endpoint: UpstreamEndpoint): readonly UpstreamRequest[] {
    return this.requests.filter((request) => request.path === paths[endpoint]);
  }

  /** How many refresh tokens can still be used. */
  get liveRefreshTokens(): number {
    return [...this.#collection('RefreshToken').values()].filter((t) => !t['consumed']).length;
  }

  /** Replaces the redirect URIs of the fixed client. */
  setRedirectUris(redirectUris: readonly string[]): void {
    this.addClient({
      client_id: this.client.id,
      ...(this.#options.clientKeys
        ? { jwks: { keys: this.#options.clientKeys } }
        : { client_secret: this.client.secret }),
      token_endpoint_auth_method: this.#options.clientAuthentication ?? 'client_secret_basic',
      redirect_uris: redirectUris,
    });
  }

  /** Adds or replaces a client, given by its RFC 7591 metadata with id and secret. */
  addClient(metadata: { readonly client_id: string } & Readonly<Record<string, unknown>>): void {
    this.#collection('Client').set(metadata.client_id, {
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials', tokenExchange],
      response_types: ['code'],
      ...metadata,
    });
  }

  /** The user no longer exists: logins and refreshes fail from now on. */
  revokeUser(login: string): void {
    this.users.delete(login);
  }

  /** An administrator ends the user's logins, with all their tokens; new ones are possible. */
  endLogins(login: string): void {
    for (const model of ['AccessToken', 'RefreshToken', 'Grant', 'Session']) {
      const records = this.#collection(model);
      for (const [id, record] of records) if (record['accountId'] === login) records.delete(id);
    }
  }

  /** The next requests to the endpoint are answered with a failure. */
  failNext(endpoint: UpstreamEndpoint, failure: UpstreamFailure, times = 1): void {
    for (let i = 0; i < times; i++) this.#failures.push({ path: paths[endpoint], failure });
  }

  /** Forgets the failures that were ordered and did not happen yet. */
  recover(): void {
    this.#failures.length = 0;
    this.#tampers.length = 0;
  }

  /** The next JSON answer of the endpoint is replaced by what the function makes of it. */
  tamperNext(endpoint: UpstreamEndpoint, tamper: Tamper): void {
    this.#tampers.push({ path: paths[endpoint], tamper });
  }

  /** Requests to the endpoint wait until they are released. */
  hold(endpoint: UpstreamEndpoint): Held {
    const gate = new Gate(() => this.#gates.delete(paths[endpoint]));
    this.#gates.set(paths[endpoint], gate);
    return gate;
  }

  async stop(): Promise<void> {
    for (const gate of this.#gates.values()) gate.release();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #boot(): Promise<void> {
    this.setRedirectUris(this.#options.redirectUris ?? []);
    const jwks = { keys: await Promise.all(['RS256', 'ES256', 'EdDSA'].map(signingKey)) };
    const provider = await quietly(async () => {
      const { Provider } = await import('oidc-provider');
      return new Provider(this.issuer, this.#configuration(jwks));
    });
    this.#logForms(provider);
    offerTokenExchange(provider);
    const callback = provider.callback();
    this.#server.on('request', (req: IncomingMessage, res: ServerResponse) => {
      void this.#serve(req, res, callback);
    });
  }

  #configuration(jwks: { readonly keys: readonly JWK[] }): Readonly<Record<string, unknown>> {
    const ttl = this.#options.accessTokenTtlSeconds ?? 300;
    const scopes = this.#options.scopes ?? ['api:read', 'api:write'];
    return {
      jwks,
      adapter: (model: string) => new MapAdapter(this.#collection(model)),
      cookies: { keys: ['cookie-key-of-the-upstream'] },
      pkce: { required: () => this.#options.pkceRequired ?? true },
      scopes: ['openid', 'offline_access', ...scopes],
      claims: {
        profile: ['name', 'preferred_username'],
        email: ['email', 'email_verified'],
      },
      conformIdTokenClaims: false,
      enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA'] },
      clientDefaults: { id_token_signed_response_alg: 'RS256' },
      findAccount: (_ctx: unknown, sub: string) => this.#account(sub),
      issueRefreshToken: () => this.#options.refreshTokens ?? true,
      rotateRefreshToken: () => this.#options.rotateRefreshTokens ?? true,
      extraTokenClaims: (_ctx: unknown, token: { accountId?: string }) =>
        this.users.get(token.accountId ?? ''),
      ttl: {
        AccessToken: ttl,
        ClientCredentials: ttl,
        AuthorizationCode: 60,
        Grant: 86_400,
        IdToken: 3600,
        Interaction: 600,
        RefreshToken: 86_400,
        Session: 86_400,
      },
      features: {
        devInteractions: { enabled: true },
        clientCredentials: { enabled: true },
        introspection: { enabled: true, allowedPolicy: () => true },
        revocation: { enabled: true, allowedPolicy: () => true },
        registration: { enabled: this.#options.registration ?? false },
        resourceIndicators: this.#resourceIndicators(ttl, scopes),
      },
    };
  }

  #resourceIndicators(
    accessTokenTTL: number,
    scopes: readonly string[],
  ): Readonly<Record<string, unknown>> {
    if (this.#options.accessTokenFormat === 'opaque') return { enabled: false };
    const alg = this.#options.accessTokenAlgorithm ?? 'RS256';
    return {
      enabled: true,
      defaultResource: () => defaultResource,
      useGrantedResource: () => true,
      getResourceServerInfo: (_ctx: unknown, indicator: string) => ({
        scope: scopes.join(' '),
        audience:
          indicator === defaultResource ? (this.#options.audience ?? this.client.id) : indicator,
        accessTokenTTL,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg } },
      }),
    };
  }

  #account(sub: string): object | undefined {
    const known = this.users.get(sub);
    return known && { accountId: sub, claims: () => ({ sub, ...known }) };
  }

  #collection(model: string): Map<string, Record<string, unknown>> {
    const collection = this.#records.get(model) ?? new Map<string, Record<string, unknown>>();
    this.#records.set(model, collection);
    return collection;
  }

  #logForms(provider: Provider): void {
    provider.use(async (ctx, next) => {
      await next();
      const entry = this.#entries.get(ctx.req);
      if (entry && ctx.oidc?.body) entry.form = { ...ctx.oidc.body };
    });
  }

  async #serve(req: IncomingMessage, res: ServerResponse, next: Handler): Promise<void> {
    const url = new URL(req.url ?? '/', this.issuer);
    const entry: UpstreamRequest = {
      method: req.method ?? '',
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      authorization: req.headers.authorization,
      form: undefined,
      status: undefined,
    };
    this.requests.push(entry);
    this.#entries.set(req, entry);
    res.on('finish', () => (entry.status = res.statusCode));
    await this.#gates.get(url.pathname)?.pass();
    const failure = takeFirst(this.#failures, url.pathname)?.failure;
    if (failure !== undefined) return this.#fail(res, failure);
    this.#rewriteAnswer(res, takeFirst(this.#tampers, url.pathname)?.tamper, url.pathname);
    next(req, res);
  }

  #fail(res: ServerResponse, failure: UpstreamFailure): void {
    if (failure === 'hang') return;
    if (failure === 'disconnect') return void res.destroy();
    if (failure === 'huge') return flood(res);
    if (failure === 'redirect') {
      return void res.writeHead(302, { location: `${this.issuer}/elsewhere` }).end();
    }
    if (failure === 'html') return send(res, 200, 'text/html', '<!doctype html><h1>Welcome</h1>');
    if (failure === 'garbage') return send(res, 200, 'application/json', '{"access_token": "tru');
    const { status, body, headers } =
      typeof failure === 'string'
        ? { status: Number(failure), body: { error: 'server_error' }, headers: {} }
        : failure;
    for (const [name, value] of Object.entries(headers ?? {})) res.setHeader(name, value);
    send(res, status, 'application/json', JSON.stringify(body));
  }

  /** Changes the answer when the provider ends it: it sends each body in one piece. */
  #rewriteAnswer(res: ServerResponse, tamper: Tamper | undefined, path: string): void {
    const hideIss = this.#options.issParameter === false;
    const tampers: Tamper[] = tamper ? [tamper] : [];
    if (hideIss && path === paths.discovery) {
      tampers.push((body) => ({
        ...body,
        authorization_response_iss_parameter_supported: undefined,
      }));
    }
    if (!hideIss && tampers.length === 0) return;
    const end = res.end.bind(res) as (chunk?: unknown) => ServerResponse;
    res.end = ((chunk?: unknown) => {
      if (hideIss) removeIss(res);
      if (tampers.length === 0 || chunk === undefined) return end(chunk);
      res.removeHeader('content-length');
      const body = JSON.parse((chunk as string | Buffer).toString()) as Record<string, unknown>;
      return end(
        JSON.stringify(tampers.reduce<unknown>((b, t) => t(b as Record<string, unknown>), body)),
      );
    }) as typeof res.end;
  }
}

/** One model's records of one provider; entries outlive a test run and never expire here. */
class MapAdapter implements ProviderAdapter {
  readonly #records: Map<string, Record<string, unknown>>;

  constructor(records: Map<string, Record<string, unknown>>) {
    this.#records = records;
  }

  async upsert(id: string, payload: Record<string, unknown>): Promise<void> {
    this.#records.set(id, { ...payload });
  }

  async find(id: string): Promise<Record<string, unknown> | undefined> {
    const record = this.#records.get(id);
    return record && { ...record };
  }

  async findByUid(uid: string): Promise<Record<string, unknown> | undefined> {
    return this.#findBy('uid', uid);
  }

  async findByUserCode(userCode: string): Promise<Record<string, unknown> | undefined> {
    return this.#findBy('userCode', userCode);
  }

  async consume(id: string): Promise<void> {
    const record = this.#records.get(id);
    if (record) record['consumed'] = Math.floor(Date.now() / 1000);
  }

  async destroy(id: string): Promise<void> {
    this.#records.delete(id);
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    for (const [id, record] of this.#records) {
      if (record['grantId'] === grantId) this.#records.delete(id);
    }
  }

  #findBy(member: string, value: string): Record<string, unknown> | undefined {
    for (const record of this.#records.values()) if (record[member] === value) return { ...record };
    return undefined;
  }
}

function user(login: string, name: string): UpstreamUser {
  return {
    name,
    email: `${login}@example.com`,
    email_verified: true,
    preferred_username: login,
  };
}

async function signingKey(alg: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: `upstream-${alg}` };
}

/** RFC 8693 for opaque access tokens: the new one is the same user's, with the scopes asked for. */
function offerTokenExchange(provider: Provider): void {
  const parameters = ['audience', 'requested_token_type', 'resource', 'scope'];
  const required = ['subject_token', 'subject_token_type'];
  provider.registerGrantType(
    tokenExchange,
    async (ctx) => {
      const { params = {}, client } = ctx.oidc ?? {};
      const subject = await provider.AccessToken.find(params['subject_token'] ?? '');
      if (!subject || params['subject_token_type'] !== accessTokenType) {
        ctx.status = 400;
        ctx.body = { error: 'invalid_request', error_description: 'no such subject token' };
        return;
      }
      const { accountId, grantId } = subject;
      const { scope } = params;
      const token = new provider.AccessToken({
        accountId,
        client,
        grantId,
        gty: 'exchange',
        scope,
      });
      ctx.body = {
        access_token: await token.save(),
        issued_token_type: accessTokenType,
        token_type: 'Bearer',
        expires_in: 120,
        ...(scope !== undefined && { scope }),
      };
    },
    [...required, ...parameters],
  );
}

/** oidc-provider prints advice for production when it is loaded and built. */
async function quietly<T>(task: () => Promise<T>): Promise<T> {
  const { info, warn } = console;
  console.info = console.warn = () => undefined;
  try {
    return await task();
  } finally {
    Object.assign(console, { info, warn });
  }
}

function takeFirst<T extends { readonly path: string }>(list: T[], path: string): T | undefined {
  const index = list.findIndex((item) => item.path === path);
  return index < 0 ? undefined : list.splice(index, 1)[0];
}

function send(res: ServerResponse, status: number, type: string, body: string): void {
  res.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
}

/** A JSON document that never ends. */
function flood(res: ServerResponse): void {
  const filler = ' '.repeat(64 * 1024);
  const pour = (): void => {
    while (!res.destroyed && res.write(filler));
  };
  res.writeHead(200, { 'content-type': 'application/json' });
  res.write('{');
  res.on('drain', pour);
  pour();
}

function removeIss(res: ServerResponse): void {
  const location = res.getHeader('location');
  if (typeof location !== 'string' || !URL.canParse(location)) return;
  const url = new URL(location);
  if (!url.searchParams.has('iss')) return;
  url.searchParams.delete('iss');
  res.setHeader('location', url.href);
}
