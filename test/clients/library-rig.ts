import { type CryptoKey, exportJWK, generateKeyPair, type JWK } from 'jose';
import type { Platform } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { DocumentHost } from '../support/document-host.js';
import { type ProxyFlow, startFlow } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

/** How the server knows a client, and how that client authenticates. */
export interface Identity {
  readonly origin: 'registration' | 'configuration' | 'document';
  readonly method: 'none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt';
}

export const identities: readonly Identity[] = [
  { origin: 'registration', method: 'none' },
  { origin: 'registration', method: 'client_secret_basic' },
  { origin: 'registration', method: 'client_secret_post' },
  { origin: 'registration', method: 'private_key_jwt' },
  { origin: 'configuration', method: 'none' },
  { origin: 'configuration', method: 'client_secret_basic' },
  { origin: 'configuration', method: 'client_secret_post' },
  { origin: 'configuration', method: 'private_key_jwt' },
  { origin: 'document', method: 'none' },
  { origin: 'document', method: 'private_key_jwt' },
];

/** Where the app runs, and how its own tokens are signed. */
export const hosts = [
  { platform: 'express', issuerPath: '', algorithm: 'ES256' },
  { platform: 'express', issuerPath: '/tenant', algorithm: 'RS256' },
  { platform: 'fastify', issuerPath: '', algorithm: 'EdDSA' },
  { platform: 'fastify', issuerPath: '/tenant', algorithm: 'ES256' },
] as const satisfies readonly {
  readonly platform: Platform;
  readonly issuerPath: string;
  readonly algorithm: string;
}[];

/** An app whose clients are written with a library. */
export class LibraryRig {
  static async start({ platform, issuerPath, algorithm }: (typeof hosts)[number]) {
    const idp = await UpstreamIdp.start();
    const documents = new DocumentHost();
    const clientKey = await keyPair('ES256');
    const jwks = { keys: [clientKey.publicJwk] };
    const of = (origin: Identity['origin']) => identities.filter((i) => i.origin === origin);
    const flow = await startFlow({
      idp,
      platform,
      issuerPath,
      proxy: {
        signingKeys: [(await keyPair(algorithm)).privateJwk],
        clientIdMetadataDocuments: documents.options(),
        // For an address of this machine it is 50 times that.
        rateLimits: { failedAuthentications: { max: 1, windowSeconds: 300 } },
        clients: of('configuration').map(({ method }) => ({
          clientId: clientIdOf(method),
          redirectUris: [redirectUri],
          tokenEndpointAuthMethod: method,
          ...(method.startsWith('client_secret') && { clientSecret }),
          ...(method === 'private_key_jwt' && { jwks }),
        })),
      },
    });
    for (const { method } of of('document')) {
      documents.publish(documentUrlOf(method), {
        redirect_uris: [redirectUri],
        token_endpoint_auth_method: method,
        ...(method === 'private_key_jwt' && { jwks }),
      });
    }
    return new LibraryRig(idp, flow, clientKey);
  }

  readonly redirectUri = redirectUri;
  readonly clientSecret = clientSecret;

  private constructor(
    private readonly idp: UpstreamIdp,
    readonly flow: ProxyFlow,
    private readonly clientKeyPair: Awaited<ReturnType<typeof keyPair>>,
  ) {}

  /** With which clients sign their assertions. */
  get clientKey(): { readonly key: CryptoKey; readonly kid: string } {
    return { key: this.clientKeyPair.privateKey, kid: this.clientKeyPair.kid };
  }

  /** The resource identifier of the MCP server. */
  get resource(): string {
    return this.flow.app.url;
  }

  /** What the client asks for when it is known by a registration of its own. */
  registration(method: Identity['method']) {
    return {
      client_name: 'A client',
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: method,
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      ...(method === 'private_key_jwt' && { jwks: { keys: [this.clientKeyPair.publicJwk] } }),
    };
  }

  /** The client id when it is known otherwise. */
  clientId({ origin, method }: Identity): string {
    return origin === 'document' ? documentUrlOf(method) : clientIdOf(method);
  }

  /** Logs in and answers the URL at which the client is called back. */
  async logIn(authorizationUrl: URL): Promise<URL> {
    const visit = await new Browser().walk(authorizationUrl, {
      user: 'alice',
      stopAt: redirectUri,
    });
    if (!visit.stopped) throw new Error(`The login ended on ${visit.url}: ${visit.html}`);
    return new URL(visit.url);
  }

  async close(): Promise<void> {
    await this.flow.close();
    await this.idp.stop();
  }
}

/** A request that the MCP server answers with its tools. */
export const listTools = {
  headers: {
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
  },
  body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }),
} as const;

const redirectUri = 'http://127.0.0.1:49152/callback';
const clientSecret = 'secret of a client + 32 random bytes: 9fK2/xQ=';

// Nothing in it changes when it is form-encoded; of the secret much does.
function clientIdOf(method: Identity['method']): string {
  return `app${method.replaceAll('_', '')}`;
}

function documentUrlOf(method: Identity['method']): string {
  return `https://client.test/${method}.json`;
}

async function keyPair(algorithm: string) {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const kid = `key-${algorithm}`;
  const described = async (key: CryptoKey): Promise<JWK> => ({
    ...(await exportJWK(key)),
    kid,
    alg: algorithm,
    use: 'sig',
  });
  return {
    kid,
    privateKey,
    privateJwk: await described(privateKey),
    publicJwk: await described(publicKey),
  };
}
