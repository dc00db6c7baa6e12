import { SignJWT } from 'jose';
import {
  MemoryStore,
  MultiAuthModule,
  type MultiAuthOptions,
  OAuth2Upstream,
  OAuthProxy,
  OidcUpstream,
  type TokenVerifier,
  type Upstream,
  type UpstreamOptions,
} from '../../lib/index.js';
import { createApp, moduleOf, type Platform } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { fakeIssuerKey } from '../support/fake-issuer.js';
import { freePort } from '../support/free-port.js';
import { connectV2, LoginRefused, LoginStuck } from '../support/mcp-clients.js';
import { appSecret, McpController } from '../support/protected-app.js';

/** The suite's own authorization server, as an operator of the proxy knows it. */
export interface SuiteServer {
  readonly issuer: string;
  /** The identifier of the suite's MCP server. */
  readonly resource: string;
}

/** Makes the upstream of the proxy; the options are what every kind of upstream needs. */
export type UpstreamFactory = (
  server: SuiteServer,
  options: UpstreamOptions,
  browser: Browser,
) => Promise<Upstream>;

export interface SuiteLogin {
  /** What the proxy's own token says of the user. */
  readonly subject?: string;
  /** The error with which the proxy sent its client back instead. */
  readonly error?: string;
  /** The status of the page on which the user was left. */
  readonly page?: number;
}

export interface SuiteLoginOptions {
  readonly serverUrl: string;
  readonly platform: Platform;
  readonly upstream: UpstreamFactory;
  readonly clientAuthentication: 'client_secret_basic' | 'client_secret_post' | 'none';
}

const clientId = 'nest-app';

/**
 * Puts a proxy in front of the suite's authorization server and logs an MCP client in through it.
 * When that succeeds, the proxy's upstream token is shown to the suite's MCP server.
 */
export async function logInThroughProxy(options: SuiteLoginOptions): Promise<SuiteLogin> {
  const server = await readServer(options.serverUrl);
  const spy = new TokenSpy();
  const browser = new Browser();
  const { clientAuthentication } = options;
  const upstream = await options.upstream(
    server,
    {
      clientId,
      ...(clientAuthentication !== 'none' && { clientSecret: 'upstream-secret' }),
      clientAuthentication,
      scopes: [],
      // The suite's server is one that insists on RFC 8707.
      extraAuthorizeParams: { resource: server.resource },
      extraTokenParams: { resource: server.resource },
      fetch: spy.fetch,
    },
    browser,
  );
  const app = await startProxy(upstream, options.platform);
  try {
    const connection = await connectV2({ url: `${app.url}/mcp`, browser });
    const { extra } = (await connection.whoami()) as { extra: { subject: string } };
    await connection.close();
    await callSuite(options.serverUrl, spy.token);
    return { subject: extra.subject };
  } catch (error) {
    if (error instanceof LoginStuck) return { page: error.visit.status };
    if (!(error instanceof LoginRefused)) throw error;
    return { error: error.callback.searchParams.get('error') ?? '' };
  } finally {
    await app.close();
  }
}

/**
 * An OpenID provider: the endpoints, and whether answers must carry `iss`, come from its metadata.
 * The suite's server knows OAuth alone, so that its answers are completed on their way: with keys
 * and an id_token, and with its RFC 8414 document in the place of the OpenID one.
 */
export const oidcUpstream: UpstreamFactory = async ({ issuer }, options, browser) => {
  const { publicJwk, privateKey, kid } = await fakeIssuerKey('key-1');
  const send = options.fetch ?? fetch;
  const idToken = (): Promise<string> =>
    new SignJWT({ nonce: sentNonce(browser, issuer) })
      .setProtectedHeader({ alg: 'RS256', kid })
      .setIssuer(issuer)
      .setAudience(clientId)
      .setSubject('alice')
      .setIssuedAt()
      .setExpirationTime('5 min')
      .sign(privateKey);
  const complete: typeof fetch = async (input, init) => {
    const url = input as string;
    if (url === `${issuer}/jwks`) return Response.json({ keys: [publicJwk] });
    if (url === `${issuer}/.well-known/openid-configuration`) {
      const answer = await send(`${issuer}/.well-known/oauth-authorization-server`, init);
      return Response.json({ ...(await jsonOf(answer)), jwks_uri: `${issuer}/jwks` });
    }
    const answer = await send(input, init);
    return Response.json({ ...(await jsonOf(answer)), id_token: await idToken() });
  };
  return new OidcUpstream({ ...options, issuer, fetch: complete });
};

/** A plain OAuth 2 server, configured by hand by an operator who knows whether it sends `iss`. */
export function oauth2Upstream({ sendsIss }: { readonly sendsIss: boolean }): UpstreamFactory {
  return async ({ issuer }, options) => {
    const metadata = await readJson(`${issuer}/.well-known/oauth-authorization-server`);
    return new OAuth2Upstream({
      ...options,
      authorizationEndpoint: String(metadata['authorization_endpoint']),
      tokenEndpoint: String(metadata['token_endpoint']),
      ...(sendsIss && { issuer }),
      tokenVerifier,
    });
  };
}

// The suite's tokens say nothing and can be asked nowhere.
const tokenVerifier: TokenVerifier = {
  name: 'SuiteTokenVerifier',
  requiredScopes: [],
  verifyToken: (token, context) =>
    token.startsWith('test-token-')
      ? { clientId, subject: 'alice', scopes: [] }
      : context.reject('not_of_the_suite'),
};

/** Remembers the access token that the upstream sent. */
class TokenSpy {
  token = '';

  readonly fetch: typeof fetch = async (input, init) => {
    const answer = await fetch(input, init);
    const { access_token } = await jsonOf(answer.clone());
    if (typeof access_token === 'string') this.token = access_token;
    return answer;
  };
}

async function readServer(serverUrl: string): Promise<SuiteServer> {
  const { origin, pathname } = new URL(serverUrl);
  const document = await readJson(`${origin}/.well-known/oauth-protected-resource${pathname}`);
  const [issuer] = document['authorization_servers'] as readonly [string];
  return { issuer, resource: String(document['resource']) };
}

async function readJson(url: string): Promise<Record<string, unknown>> {
  return jsonOf(await fetch(url));
}

async function jsonOf(answer: Response): Promise<Record<string, unknown>> {
  return (await answer.json()) as Record<string, unknown>;
}

async function startProxy(upstream: Upstream, platform: Platform) {
  const port = await freePort();
  const server = new OAuthProxy({ upstream, secrets: [appSecret], storage: new MemoryStore() });
  const auth = MultiAuthModule.forRootAsync({
    useFactory: (): MultiAuthOptions => ({ baseUrl: `http://127.0.0.1:${port}`, server }),
  });
  const root = moduleOf({ imports: [auth], controllers: [McpController] });
  return createApp(root, platform, undefined, { port });
}

/** The nonce of the authorization request that the browser took to the suite's server. */
function sentNonce(browser: Browser, issuer: string): string {
  const request = browser.history.findLast(({ url }) => url.startsWith(`${issuer}/authorize?`));
  return new URL(request?.url ?? issuer).searchParams.get('nonce') ?? '';
}

async function callSuite(serverUrl: string, token: string): Promise<void> {
  const { status } = await fetch(serverUrl, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }),
  });
  if (status === 401) throw new Error('The suite does not take its own token.');
}
