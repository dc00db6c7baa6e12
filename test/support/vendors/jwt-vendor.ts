import { createHmac } from 'node:crypto';
import { exportSPKI, importJWK } from 'jose';
import type { CryptoKey } from 'jose';
import type { Clock } from '../../../lib/index.js';
import { fakeIssuerKey, type FakeIssuerKey } from '../fake-issuer.js';
import { SignJWT } from 'jose';
import { VendorHost, type VendorRoutes } from './vendor-host.js';

export interface JwtVendorParts {
  readonly origin: string;
  readonly jwksPath: string;
  readonly algorithm?: string;
  readonly header?: Readonly<Record<string, unknown>>;
  /** What the vendor's access tokens say; `iat` and `exp` are added. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Metadata documents by their paths. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly clock: Clock;
}

/** A vendor whose access tokens are JWTs, with real keys at its real URLs. */
export class JwtVendor {
  /** Makes one with a key of its own. */
  static async start(parts: JwtVendorParts): Promise<JwtVendor> {
    return new JwtVendor(parts, await fakeIssuerKey('vendor-key-1', parts.algorithm ?? 'RS256'));
  }

  readonly host: VendorHost;

  private constructor(
    readonly parts: JwtVendorParts,
    private readonly key: FakeIssuerKey,
  ) {
    const documents: VendorRoutes = Object.fromEntries(
      Object.entries(parts.metadata).map(([path, document]) => [
        `GET ${path}`,
        () => Response.json(document),
      ]),
    );
    this.host = new VendorHost(parts.origin, {
      ...documents,
      [`GET ${parts.jwksPath}`]: () => Response.json({ keys: [key.publicJwk] }),
    });
  }

  get jwksUrl(): string {
    return this.parts.origin + this.parts.jwksPath;
  }

  /** An access token; claims and header members that are undefined are left out. */
  async issue(
    claims: Readonly<Record<string, unknown>> = {},
    header: Readonly<Record<string, unknown>> = {},
    key: FakeIssuerKey = this.key,
  ): Promise<string> {
    const { alg, ...rest } = { alg: key.algorithm, ...this.#header(header) };
    return new SignJWT(this.#claims(claims))
      .setProtectedHeader({ alg, ...rest })
      .sign(key.privateKey);
  }

  /** What nobody signed: `alg` is `none`. */
  unsigned(): string {
    return `${part({ ...this.#header({}), alg: 'none' })}.${part(this.#claims({}))}.`;
  }

  /** A token whose HMAC secret is the vendor's public key, as everybody has it. */
  async confused(): Promise<string> {
    const key = (await importJWK(this.key.publicJwk, this.key.algorithm)) as CryptoKey;
    const input = `${part({ ...this.#header({}), alg: 'HS256' })}.${part(this.#claims({}))}`;
    const mac = createHmac('sha256', await exportSPKI(key))
      .update(input)
      .digest('base64url');
    return `${input}.${mac}`;
  }

  /** A token signed by somebody else, under the vendor's key id or under one of their own. */
  async forged(kid?: string): Promise<string> {
    const own = await fakeIssuerKey(kid ?? this.key.kid, this.key.algorithm);
    return this.issue({}, { kid: own.kid }, own);
  }

  #header(changes: Readonly<Record<string, unknown>>): Record<string, unknown> {
    return defined({ kid: this.key.kid, typ: 'JWT', ...this.parts.header, ...changes });
  }

  #claims(changes: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const now = this.parts.clock.now();
    return defined({ iat: now, exp: now + 300, ...this.parts.claims, ...changes });
  }
}

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function defined(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}
