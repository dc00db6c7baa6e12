import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

/** An OpenID provider that keeps nothing: its codes say who logged in. */
export class InstantIdp {
  static async start(): Promise<InstantIdp> {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const jwk = { ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'instant' };
    const server = createServer();
    const idp = new InstantIdp(server, jwk, privateKey);
    server.on('request', (req, res) => void idp.#answer(req, res));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return idp;
  }

  readonly client = { id: 'nest-app', secret: 'upstream-client-secret-of-nest-app' } as const;

  private constructor(
    private readonly server: Server,
    private readonly publicJwk: JWK,
    private readonly privateKey: CryptoKey,
  ) {}

  get issuer(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  setRedirectUris(): void {
    // It takes any.
  }

  /** What it would answer a browser with in which this user is logged in: the callback's query. */
  approve(authorizationUrl: URL, user: string): URLSearchParams {
    const { searchParams: asked } = authorizationUrl;
    const code = JSON.stringify({ sub: user, nonce: asked.get('nonce') });
    return new URLSearchParams({
      code: Buffer.from(code).toString('base64url'),
      state: asked.get('state') ?? '',
    });
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  async #answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { issuer } = this;
    const body = await text(req);
    const documents: Record<string, () => object | Promise<object>> = {
      '/.well-known/openid-configuration': () => ({
        issuer,
        authorization_endpoint: `${issuer}/auth`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
      }),
      '/jwks': () => ({ keys: [this.publicJwk] }),
      '/token': () => this.#tokens(new URLSearchParams(body)),
    };
    const document = await documents[req.url ?? '']?.();
    res.writeHead(document ? 200 : 404, { 'content-type': 'application/json' });
    res.end(JSON.stringify(document ?? {}));
  }

  async #tokens(form: URLSearchParams): Promise<object> {
    const code = Buffer.from(form.get('code') ?? '', 'base64url').toString();
    const id = await new SignJWT(JSON.parse(code) as Record<string, unknown>)
      .setProtectedHeader({ alg: 'ES256', kid: 'instant' })
      .setIssuer(this.issuer)
      .setAudience(this.client.id)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(this.privateKey);
    return {
      token_type: 'Bearer',
      access_token: randomBytes(32).toString('base64url'),
      refresh_token: randomBytes(32).toString('base64url'),
      expires_in: 86_400,
      id_token: id,
    };
  }
}
