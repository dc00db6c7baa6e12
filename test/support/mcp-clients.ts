import { randomUUID } from 'node:crypto';
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
  UnauthorizedError as UnauthorizedV2,
} from '@modelcontextprotocol/client';
import type {
  OAuthClientMetadata,
  OAuthClientProvider,
  OAuthDiscoveryState,
  StoredOAuthClientInformation,
  StoredOAuthTokens,
} from '@modelcontextprotocol/client';
import {
  UnauthorizedError as UnauthorizedV1,
  type OAuthClientProvider as OAuthClientProviderV1,
} from '@modelcontextprotocol/sdk/client/auth.js';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Browser, Decision, Visit } from './browser.js';
import { freePort } from './free-port.js';

export interface ConnectOptions {
  /** The MCP server, such as `http://127.0.0.1:3000/mcp`. */
  readonly url: string;
  /** Where the user logs in. */
  readonly browser: Browser;
  /** @default 'alice' */
  readonly user?: string;
  /** @default 'approve' */
  readonly decision?: Decision;
  /** Joins or replaces what the client says about itself when it registers. */
  readonly clientMetadata?: Partial<OAuthClientMetadata>;
  /** A client id that is a URL (CIMD); used where the authorization server supports it. */
  readonly clientMetadataUrl?: string;
  /** A client that is already registered. */
  readonly clientInformation?: StoredOAuthClientInformation;
  /** A provider that remembers an earlier connection. */
  readonly provider?: MemoryOAuthProvider;
  /** Replaces the network of the client. */
  readonly fetch?: typeof fetch;
}

export interface ToolAnswer {
  /** The text of the first content block. */
  readonly text: string;
  readonly isError: boolean;
}

export interface TracedRequest {
  readonly method: string;
  readonly url: string;
  readonly status: number;
}

/** A logged-in client. */
export interface McpConnection<C> {
  readonly client: C;
  readonly provider: MemoryOAuthProvider;
  /** Every request the client sent and the status of its answer. */
  readonly trace: readonly TracedRequest[];
  /** Calls the tool; logs in again when the server asks for it. */
  callTool(name: string, args?: Record<string, unknown>): Promise<ToolAnswer>;
  /** What the `whoami` tool says. */
  whoami(): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

/** The user or the server refused; carries the query of the callback. */
export class LoginRefused extends Error {
  constructor(readonly callback: URL) {
    super(`The login was refused: ${callback.searchParams.get('error') ?? 'no code'}`);
    this.name = 'LoginRefused';
  }
}

/** The login ended on a page instead of at the client's redirect URI. */
export class LoginStuck extends Error {
  constructor(readonly visit: Visit) {
    super(`The login ended on ${visit.url} (${visit.status}): ${visit.html.slice(0, 500)}`);
    this.name = 'LoginStuck';
  }
}

/** Connects the client of SDK v2; `auto` speaks the newest protocol, `legacy` that of 2025. */
export async function connectV2(
  options: ConnectOptions & { readonly mode?: 'legacy' | 'auto' },
): Promise<McpConnection<ClientV2>> {
  const provider = options.provider ?? (await MemoryOAuthProvider.create(options));
  const trace: TracedRequest[] = [];
  return connect({
    provider,
    trace,
    isUnauthorized: (error) => error instanceof UnauthorizedV2,
    create: () => {
      const transport = new TransportV2(new URL(options.url), {
        authProvider: provider,
        fetch: traced(trace, options.fetch),
      });
      const client = new ClientV2(
        { name: 'test-client-v2', version: '1.0.0' },
        { versionNegotiation: { mode: options.mode ?? 'legacy' } },
      );
      return {
        client,
        connect: () => client.connect(transport),
        finish: (callback) => transport.finishAuth(callback.searchParams),
        callTool: (name, args) => client.callTool({ name, arguments: args }),
      };
    },
  });
}

/** Connects the client of SDK v1. */
export async function connectV1(options: ConnectOptions): Promise<McpConnection<ClientV1>> {
  const provider = options.provider ?? (await MemoryOAuthProvider.create(options));
  const trace: TracedRequest[] = [];
  return connect({
    provider,
    trace,
    isUnauthorized: (error) => error instanceof UnauthorizedV1,
    create: () => {
      const transport = new TransportV1(new URL(options.url), {
        authProvider: provider as unknown as OAuthClientProviderV1,
        fetch: traced(trace, options.fetch),
      });
      const client = new ClientV1({ name: 'test-client-v1', version: '1.0.0' });
      return {
        client,
        connect: () => client.connect(transport),
        finish: (callback) => transport.finishAuth(callback.searchParams.get('code') ?? ''),
        callTool: (name, args) => client.callTool({ name, arguments: args }),
      };
    },
  });
}

type ProviderOptions = Omit<ConnectOptions, 'url' | 'provider' | 'fetch'>;

/** The client's memory, and its way to send the user to a browser. */
export class MemoryOAuthProvider implements OAuthClientProvider {
  /** Its redirect URI is a loopback port on which nothing listens. */
  static async create(options: ProviderOptions): Promise<MemoryOAuthProvider> {
    return new MemoryOAuthProvider(options, `http://127.0.0.1:${await freePort()}/callback`);
  }

  readonly redirectUrl: string;
  readonly clientMetadataUrl?: string;
  /** The authorization requests that were made, in order. */
  readonly authorizationUrls: URL[] = [];
  /** Where each of them came back to. */
  readonly callbacks: URL[] = [];
  readonly #options: ProviderOptions;
  #clientInformation: StoredOAuthClientInformation | undefined;
  #tokens: StoredOAuthTokens | undefined;
  #discovery: OAuthDiscoveryState | undefined;
  #verifier = '';
  #state = '';
  #callback: URL | undefined;

  constructor(options: ProviderOptions, redirectUrl: string) {
    this.#options = options;
    this.redirectUrl = redirectUrl;
    this.#clientInformation = options.clientInformation;
    if (options.clientMetadataUrl) this.clientMetadataUrl = options.clientMetadataUrl;
  }

  get clientMetadata(): OAuthClientMetadata {
    return {
      client_name: 'Test client',
      redirect_uris: [this.redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      ...this.#options.clientMetadata,
    };
  }

  state(): string {
    this.#state = randomUUID();
    return this.#state;
  }

  clientInformation(): StoredOAuthClientInformation | undefined {
    return this.#clientInformation;
  }

  saveClientInformation(information: StoredOAuthClientInformation): void {
    this.#clientInformation = information;
  }

  tokens(): StoredOAuthTokens | undefined {
    return this.#tokens;
  }

  saveTokens(tokens: StoredOAuthTokens): void {
    this.#tokens = tokens;
  }

  codeVerifier(): string {
    return this.#verifier;
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#discovery;
  }

  saveDiscoveryState(state: OAuthDiscoveryState): void {
    this.#discovery = state;
  }

  invalidateCredentials(scope: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery'): void {
    if (scope === 'all' || scope === 'client') this.#clientInformation = undefined;
    if (scope === 'all' || scope === 'tokens') this.#tokens = undefined;
    if (scope === 'all' || scope === 'verifier') this.#verifier = '';
    if (scope === 'all' || scope === 'discovery') this.#discovery = undefined;
  }

  async redirectToAuthorization(authorizationUrl: URL): Promise<void> {
    this.authorizationUrls.push(authorizationUrl);
    const { browser, user, decision } = this.#options;
    const visit = await browser.walk(authorizationUrl, {
      user: user ?? 'alice',
      decision: decision ?? 'approve',
      stopAt: this.redirectUrl,
    });
    if (!visit.stopped) throw new LoginStuck(visit);
    this.#callback = new URL(visit.url);
    this.callbacks.push(this.#callback);
  }

  /** The callback that is waiting to be redeemed; its `state` is the one that was sent. */
  takeCallback(): URL {
    const callback = this.#callback;
    this.#callback = undefined;
    if (!callback) throw new Error('No login took place.');
    if (callback.searchParams.get('state') !== this.#state) throw new Error('The state differs.');
    if (!callback.searchParams.has('code')) throw new LoginRefused(callback);
    return callback;
  }

  /** Makes the access token one that no server knows, so that the next call refreshes. */
  corruptAccessToken(): void {
    if (!this.#tokens) throw new Error('There is no token.');
    this.#tokens = { ...this.#tokens, access_token: `${this.#tokens.access_token}x` };
  }
}

interface Attempt<C> {
  readonly client: C;
  connect(): Promise<unknown>;
  finish(callback: URL): Promise<void>;
  callTool(name: string, args: Record<string, unknown>): Promise<unknown>;
}

interface Driver<C> {
  readonly provider: MemoryOAuthProvider;
  readonly trace: readonly TracedRequest[];
  create(): Attempt<C>;
  isUnauthorized(error: unknown): boolean;
}

async function connect<C extends { close(): Promise<void> }>(
  driver: Driver<C>,
): Promise<McpConnection<C>> {
  const { provider, trace } = driver;
  let attempt = driver.create();
  try {
    await attempt.connect();
  } catch (error) {
    if (!driver.isUnauthorized(error)) throw error;
    await attempt.finish(provider.takeCallback());
    await attempt.client.close();
    attempt = driver.create();
    await attempt.connect();
  }
  const callTool = async (name: string, args: Record<string, unknown> = {}) => {
    try {
      return answerOf(await attempt.callTool(name, args));
    } catch (error) {
      if (!driver.isUnauthorized(error)) throw error;
      await attempt.finish(provider.takeCallback());
      return answerOf(await attempt.callTool(name, args));
    }
  };
  return {
    client: attempt.client,
    provider,
    trace,
    callTool,
    whoami: async () => JSON.parse((await callTool('whoami')).text) as Record<string, unknown>,
    close: () => attempt.client.close(),
  };
}

function answerOf(result: unknown): ToolAnswer {
  const { content, isError } = result as {
    content: readonly { readonly text?: string }[];
    isError?: boolean;
  };
  return { text: content[0]?.text ?? '', isError: isError ?? false };
}

function traced(trace: TracedRequest[], inner: typeof fetch = fetch): typeof fetch {
  return async (input, init) => {
    const response = await inner(input, init);
    trace.push({
      method: init?.method ?? (input instanceof Request ? input.method : 'GET'),
      url: input instanceof Request ? input.url : input.toString(),
      status: response.status,
    });
    return response;
  };
}
