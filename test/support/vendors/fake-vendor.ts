import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../../../lib/index.js';
import { MintedSecrets } from '../minted-secrets.js';
import { fetchOf, type VendorHost, type VendorRequest } from './vendor-host.js';

/** A person with an account at the vendor; the members are the vendor's own. */
export type VendorUser = Readonly<Record<string, unknown>>;

/** An app that is registered with the vendor. */
export interface VendorApp {
  readonly id: string;
  readonly secret: string;
}

/** A login that the vendor let happen, and what its tokens stand for. */
export interface VendorLogin {
  readonly app: VendorApp;
  readonly user: string;
  readonly scopes: readonly string[];
  readonly nonce: string | null;
}

interface IssuedCode extends VendorLogin {
  readonly redirectUri: string;
  readonly challenge: string | null;
}

export interface IssuedToken extends VendorLogin {
  readonly expiresAt: number | undefined;
}

export interface AuthorizeOptions {
  readonly user?: string;
  readonly decision?: 'approve' | 'cancel';
  /** The scopes the user agrees to. @default all that are asked for */
  readonly grant?: readonly string[];
}

/** What the vendor's own page or endpoint says instead of what was wanted. */
export class VendorRefusal extends Error {}

/**
 * What the fakes of vendors have in common: one registered app and another one, users, codes with
 * PKCE, and tokens that are remembered. How it is spoken to is each vendor's own.
 */
export abstract class FakeVendor {
  readonly client: VendorApp;
  /** Another app of the vendor, whose tokens are genuine too. */
  readonly otherApp: VendorApp;
  /** The secrets it made or was told; those of its hosts are noted as they pass. */
  readonly minted = new MintedSecrets();
  readonly fetch: typeof fetch;
  readonly codes = new Map<string, IssuedCode>();
  readonly accessTokens = new Map<string, IssuedToken>();
  readonly refreshTokens = new Map<string, VendorLogin>();
  /** Changes the next answers of the token endpoint. */
  tamper: ((body: Record<string, unknown>) => unknown) | undefined;
  /** Claims of the next id_tokens that are not as they should be. */
  claims: Readonly<Record<string, unknown>> = {};
  /** What the vendor wants of PKCE; without it its parameters are not known either. */
  protected readonly pkce: 'S256' | 'none' = 'S256';
  readonly #redirectUris: string[] = [];

  /** Where browsers are sent, as the identifier that the rigs know it by. */
  abstract readonly issuer: string;
  abstract readonly users: Readonly<Record<string, VendorUser>>;

  protected constructor(
    readonly clock: Clock,
    apps: { readonly client: VendorApp; readonly otherApp: VendorApp },
    readonly hosts: Readonly<Record<string, VendorHost>>,
  ) {
    this.client = apps.client;
    this.otherApp = apps.otherApp;
    const send = fetchOf(...Object.values(hosts));
    this.fetch = async (input, init) => {
      const response = await send(input, init);
      if (typeof init?.body === 'string' || init?.body instanceof URLSearchParams) {
        this.minted.note('vendor request', String(init.body));
      }
      this.minted.note('vendor answer', await response.clone().text());
      return response;
    };
  }

  /** Where the browser ends that opens the vendor's authorization URL. @throws VendorRefusal */
  abstract authorize(url: string, options?: AuthorizeOptions): string;

  /** Registers redirect URIs of the app, beside those it has. */
  setRedirectUris(redirectUris: readonly string[]): void {
    this.#redirectUris.push(...redirectUris);
  }

  /** Every request to any host, in the order of each host. */
  requests(): readonly VendorRequest[] {
    return Object.values(this.hosts).flatMap((host) => host.requests);
  }

  /** Forgets the requests so far. */
  forgetRequests(): void {
    for (const host of Object.values(this.hosts)) host.requests.length = 0;
  }

  recover(): void {
    for (const host of Object.values(this.hosts)) host.recover();
    this.tamper = undefined;
    this.claims = {};
  }

  /** The user, or the vendor, ends everything the app has. */
  revokeAll(): void {
    this.accessTokens.clear();
    this.refreshTokens.clear();
  }

  /**
   * What every authorization endpoint checks, and its answer: unknown parameters are a fault of the
   * one who asks, as are repeated ones, an unknown app or redirect URI, and PKCE that is not S256.
   */
  protected decide(
    url: string,
    known: readonly string[],
    { user = 'alice', decision = 'approve', grant }: AuthorizeOptions,
  ): string {
    const query = new URL(url).searchParams;
    for (const name of query.keys()) {
      if (!known.includes(name)) throw new VendorRefusal(`unknown parameter ${name}`);
      if (query.getAll(name).length > 1) throw new VendorRefusal(`${name} is repeated`);
    }
    const redirectUri = query.get('redirect_uri') ?? '';
    if (query.get('client_id') !== this.client.id) throw new VendorRefusal('unknown client_id');
    if (query.get('response_type') !== 'code') throw new VendorRefusal('no response_type code');
    if (!this.#redirectUris.includes(redirectUri)) throw new VendorRefusal('wrong redirect_uri');
    if (this.pkce === 'S256' && query.get('code_challenge_method') !== 'S256') {
      throw new VendorRefusal('no S256');
    }
    const answer = new URL(redirectUri);
    const state = query.get('state');
    if (decision === 'cancel') answer.searchParams.set('error', 'access_denied');
    else {
      const code = secret();
      const scopes = (query.get('scope') ?? '').split(' ').filter((s) => s !== '');
      this.codes.set(code, {
        app: this.client,
        user,
        scopes: grant ?? scopes,
        nonce: query.get('nonce'),
        redirectUri,
        challenge: query.get('code_challenge'),
      });
      answer.searchParams.set('code', code);
    }
    if (state !== null) answer.searchParams.set('state', state);
    return answer.href;
  }

  /** The login of a code, which is spent; or the reason why there is none. */
  protected redeem(form: URLSearchParams): VendorLogin | 'code' | 'redirect_uri' | 'code_verifier' {
    const code = form.get('code') ?? '';
    const issued = this.codes.get(code);
    if (!issued) return 'code';
    if (form.get('redirect_uri') !== issued.redirectUri) return 'redirect_uri';
    const verifier = form.get('code_verifier') ?? '';
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    if (issued.challenge !== null && challenge !== issued.challenge) return 'code_verifier';
    this.codes.delete(code);
    return issued;
  }

  /** Makes an access token, as the vendor would for a login at one of its apps. */
  issueAccessToken(login: VendorLogin, lifetimeSeconds: number | undefined, prefix = ''): string {
    const token = prefix + secret();
    const expiresAt =
      lifetimeSeconds === undefined ? undefined : this.clock.now() + lifetimeSeconds;
    this.accessTokens.set(token, { ...login, expiresAt });
    return token;
  }

  protected issueRefreshToken(login: VendorLogin, prefix = ''): string {
    const token = prefix + secret();
    this.refreshTokens.set(token, login);
    return token;
  }

  /** What an access token stands for, as long as it does. */
  protected living(token: string): IssuedToken | undefined {
    const issued = this.accessTokens.get(token);
    if (issued?.expiresAt !== undefined && issued.expiresAt <= this.clock.now()) return undefined;
    return issued;
  }

  /** Sends a token answer, after what a test makes of it. */
  protected tokenAnswer(body: Record<string, unknown>): Response {
    return Response.json(this.tamper ? this.tamper(body) : body);
  }
}

/** The token of an `Authorization: Bearer` header. */
export function bearerOf({ headers }: VendorRequest): string {
  return /^Bearer (.+)$/.exec(headers['authorization'] ?? '')?.[1] ?? '';
}

/** Tells whether the request authenticates the app by HTTP Basic, with nothing encoded before. */
export function hasBasicAuth({ headers }: VendorRequest, { id, secret: password }: VendorApp) {
  const pair = Buffer.from(`${id}:${password}`);
  return headers['authorization'] === `Basic ${pair.toString('base64')}`;
}

function secret(): string {
  return randomBytes(24).toString('hex');
}
