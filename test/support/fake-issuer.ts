import { KeyObject, sign } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { CryptoKey, JWK } from 'jose';
import { type Clock, SystemClock } from '../../lib/common/clock.js';

/** How the JWKS endpoint behaves. */
export type FakeIssuerMode = 'ok' | '500' | 'hang' | 'html' | 'redirect' | 'huge';

export interface FakeIssuerKey {
  readonly kid: string;
  readonly algorithm: string;
  readonly publicJwk: JWK;
  readonly privateKey: CryptoKey;
}

/** An issuer with real keys and a real JWKS endpoint on loopback, to be scripted by a test. */
export class FakeIssuer {
  /** What the endpoint does; may be changed at any time. */
  mode: FakeIssuerMode = 'ok';
  /** Published instead of the keys, when set. */
  document: unknown;
  /** How often the JWKS was asked for. */
  requests = 0;
  /** What its metadata endpoint does, as `mode` for the keys. */
  discovery: FakeIssuerMode = 'ok';
  /** Changes to its metadata (OpenID Connect Discovery, or RFC 8414). */
  metadata: Record<string, unknown> = {};
  /** Where the metadata are; the other well-known paths are not there. */
  metadataPath = '/.well-known/openid-configuration';
  /** How often metadata were asked for, at whatever well-known path. */
  discoveries = 0;
  /** How often anything else was asked for, where a redirect, `jku` or `x5u` might lead. */
  strayRequests = 0;
  /** The keys published, the newest last. */
  keys: FakeIssuerKey[] = [];

  readonly #algorithm: string;
  readonly #clock: Clock;
  readonly #server: Server;
  #serial = 0;

  constructor(options: { algorithm?: string; clock?: Clock } = {}) {
    this.#algorithm = options.algorithm ?? 'RS256';
    this.#clock = options.clock ?? new SystemClock();
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  /** Listens, with one key. */
  async start(): Promise<this> {
    await this.addKey();
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return this;
  }

  async stop(): Promise<void> {
    await new Promise((resolve) => {
      this.#server.close(resolve);
      this.#server.closeAllConnections();
    });
  }

  get issuer(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get jwksUri(): string {
    return `${this.issuer}/jwks.json`;
  }

  /** Where nothing of the issuer is: requests there are counted as stray. */
  get strayUri(): string {
    return `${this.issuer}/elsewhere.json`;
  }

  /** Publishes one more key. */
  async addKey(algorithm = this.#algorithm): Promise<FakeIssuerKey> {
    const key = await fakeIssuerKey(`key-${++this.#serial}`, algorithm);
    this.keys.push(key);
    return key;
  }

  /** Replaces all keys by a new one. */
  async rotate(): Promise<FakeIssuerKey> {
    this.keys = [];
    return this.addKey();
  }

  /** Forgets what a test did, except for the keys. */
  reset(): void {
    this.mode = 'ok';
    this.document = undefined;
    this.requests = 0;
    this.strayRequests = 0;
    this.discovery = 'ok';
    this.metadata = {};
    this.metadataPath = '/.well-known/openid-configuration';
    this.discoveries = 0;
  }

  /**
   * Signs a token with the newest key. `iss`, `sub`, `client_id`, `iat` and `exp` are filled in;
   * a claim or header that is given as undefined is left out.
   */
  async sign(
    claims: Record<string, unknown> = {},
    header: Record<string, unknown> = {},
    key: Pick<FakeIssuerKey, 'kid' | 'algorithm' | 'privateKey'> | undefined = this.keys.at(-1),
  ): Promise<string> {
    if (!key) throw new Error('The issuer has no key.');
    const now = this.#clock.now();
    const payload = defined({
      iss: this.issuer,
      sub: 'user-1',
      client_id: 'client-1',
      iat: now,
      exp: now + 300,
      ...claims,
    });
    const { alg, ...rest } = { alg: key.algorithm, kid: key.kid, typ: 'at+jwt', ...header };
    return new SignJWT(payload).setProtectedHeader({ alg, ...defined(rest) }).sign(key.privateKey);
  }

  /** Signs a header and a payload as they are, well-formed or not, with the newest key (RS256). */
  signText(header: string, payload: string): string {
    const key = this.keys.at(-1);
    if (!key) throw new Error('The issuer has no key.');
    const input = [header, payload].map((t) => Buffer.from(t).toString('base64url')).join('.');
    const signature = sign('sha256', Buffer.from(input), KeyObject.from(key.privateKey));
    return `${input}.${signature.toString('base64url')}`;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (request.url?.startsWith('/.well-known/')) {
      this.discoveries++;
      if (request.url === this.metadataPath) {
        return answers[this.discovery](response, this.#metadata(), this.strayUri);
      }
      return void response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>no</h1>');
    }
    if (request.url !== '/jwks.json') {
      this.strayRequests++;
      response.writeHead(200, { 'content-type': 'application/json' }).end(this.#jwks());
      return;
    }
    this.requests++;
    answers[this.mode](response, this.#jwks(), this.strayUri);
  }

  #metadata(): string {
    const { issuer, jwksUri } = this;
    const authorization = { authorization_endpoint: `${issuer}/authorize` };
    const document = { issuer, jwks_uri: jwksUri, ...authorization, ...this.metadata };
    return JSON.stringify(defined({ ...document, response_types_supported: ['code'] }));
  }

  #jwks(): string {
    return JSON.stringify(this.document ?? { keys: this.keys.map((key) => key.publicJwk) });
  }
}

/** A key pair as an issuer would have it. */
export async function fakeIssuerKey(kid: string, algorithm = 'RS256'): Promise<FakeIssuerKey> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const publicJwk = { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' };
  return { kid, algorithm, publicJwk, privateKey };
}

type Answer = (response: ServerResponse, jwks: string, strayUri: string) => void;

const answers: Record<FakeIssuerMode, Answer> = {
  ok: (response, jwks) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(jwks);
  },
  // With good keys, so that only the status tells.
  '500': (response, jwks) => {
    response.writeHead(500, { 'content-type': 'application/json' }).end(jwks);
  },
  hang: () => {},
  html: (response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Please log in</html>');
  },
  redirect: (response, _jwks, strayUri) => {
    response.writeHead(302, { location: strayUri }).end();
  },
  huge: (response, jwks) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write(`{"padding":"`);
    for (let i = 0; i < 64; i++) response.write('x'.repeat(65_536));
    response.end(`",${jwks.slice(1)}`);
  },
};

function defined(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}
