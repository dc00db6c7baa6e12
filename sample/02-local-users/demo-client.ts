import {
  Client,
  type OAuthClientMetadata,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client';

export const redirectUri = 'http://127.0.0.1:9/callback';

/** What the user does in the browser, from the authorization request to the client's redirect URI. */
export type UserLogin = (authorizationUrl: URL) => Promise<URL>;

/** The official client of an MCP application, whose user has a browser. */
export class DemoClient {
  readonly #provider: Memory;

  constructor(
    private readonly url: URL,
    login: UserLogin,
  ) {
    this.#provider = new Memory(login);
  }

  /** Calls a tool of the server; logs its user in first, if it has no tokens. */
  async callTool(name: string): Promise<Record<string, unknown>> {
    const client = await this.#connected();
    try {
      const { content } = (await client.callTool({ name, arguments: {} })) as {
        content: readonly { readonly text: string }[];
      };
      return JSON.parse(content[0]?.text ?? '{}') as Record<string, unknown>;
    } finally {
      await client.close();
    }
  }

  /** Makes the access token one that no server knows: the next call has to refresh. */
  spoilAccessToken(): void {
    const tokens = this.#provider.tokens();
    if (tokens) this.#provider.saveTokens({ ...tokens, access_token: `${tokens.access_token}x` });
  }

  async #connected(): Promise<Client> {
    const transport = (): StreamableHTTPClientTransport =>
      new StreamableHTTPClientTransport(this.url, { authProvider: this.#provider });
    const first = transport();
    try {
      return await connected(first);
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error;
      await first.finishAuth(this.#provider.takeCallback().searchParams);
      return connected(transport());
    }
  }
}

async function connected(transport: StreamableHTTPClientTransport): Promise<Client> {
  const client = new Client(
    { name: 'demo', version: '1.0.0' },
    { versionNegotiation: { mode: 'auto' } },
  );
  await client.connect(transport);
  return client;
}

/** What an application keeps, and its way to the browser. */
class Memory implements OAuthClientProvider {
  readonly redirectUrl = redirectUri;
  readonly clientMetadata: OAuthClientMetadata = {
    client_name: 'Demo client',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    application_type: 'native',
  };
  #client: StoredOAuthClientInformation | undefined;
  #tokens: StoredOAuthTokens | undefined;
  #discovery: OAuthDiscoveryState | undefined;
  #verifier = '';
  #callback: URL | undefined;

  constructor(private readonly login: UserLogin) {}

  clientInformation(): StoredOAuthClientInformation | undefined {
    return this.#client;
  }

  saveClientInformation(client: StoredOAuthClientInformation): void {
    this.#client = client;
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

  saveDiscoveryState(discovery: OAuthDiscoveryState): void {
    this.#discovery = discovery;
  }

  async redirectToAuthorization(authorizationUrl: URL): Promise<void> {
    this.#callback = await this.login(authorizationUrl);
  }

  takeCallback(): URL {
    const callback = this.#callback;
    this.#callback = undefined;
    if (!callback) throw new Error('Nobody logged in.');
    return callback;
  }
}
