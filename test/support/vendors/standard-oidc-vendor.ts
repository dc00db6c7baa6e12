import type { Clock } from '../../../lib/index.js';
import { type AppAuthentication, FakeOidcVendor, refusal } from './fake-oidc-vendor.js';
import {
  type AuthorizeOptions,
  bearerOf,
  type VendorApp,
  type VendorLogin,
  VendorRefusal,
  type VendorUser,
} from './fake-vendor.js';
import { IdTokenSigner } from './id-token-signer.js';
import { VendorHost, type VendorRequest } from './vendor-host.js';

/** What tells one vendor that follows OpenID Connect from another. */
export interface OidcVendorFacts {
  readonly client: VendorApp;
  readonly otherApp: VendorApp;
  readonly issuer: string;
  /** Where the discovery document and the keys are. @default the origin of the issuer */
  readonly keysOrigin?: string;
  /** Where browsers and apps go. @default the origin of the issuer */
  readonly origin?: string;
  /** Absent where there is no discovery document, or one that names another issuer. */
  readonly discovery?: string;
  readonly authorize: string;
  readonly token: string;
  readonly jwks: string;
  readonly userinfo: string;
  /** Absent where there is no revocation. */
  readonly revocation?: string;
  readonly authentication: AppAuthentication;
  readonly lifetimeSeconds: number;
  /** The scopes the app may ask for: any other is an error. */
  readonly scopes: readonly string[];
  /** The parameters of an authorization request beside those of OpenID Connect Core §3.1.2.1. */
  readonly parameters?: readonly string[];
  /** Whether token answers name the scopes. @default true */
  readonly namesScopes?: boolean;
  /** @default what `offline_access` asks for */
  readonly alwaysRefreshable?: boolean;
  /** @default true */
  readonly rotates?: boolean;
  /** Why a token request is refused that others would take. */
  readonly objection?: (form: URLSearchParams) => string | undefined;
  /** The claims of id_tokens that others do not have; `aud` is the app. */
  readonly claims?: (app: VendorApp) => Readonly<Record<string, unknown>>;
  /** Claims by name. */
  readonly users: Readonly<Record<string, VendorUser>>;
}

const standard = [
  'client_id',
  'redirect_uri',
  'response_type',
  'scope',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'prompt',
  'login_hint',
  'max_age',
];

/**
 * A vendor that follows OpenID Connect Core and Discovery: what is its own are the facts. Its userinfo
 * endpoint speaks for access tokens as long as they live.
 */
export class StandardOidcVendor extends FakeOidcVendor {
  static async start(clock: Clock, facts: OidcVendorFacts): Promise<StandardOidcVendor> {
    return new StandardOidcVendor(clock, await IdTokenSigner.create('key-1'), facts);
  }

  readonly issuer: string;
  readonly web: VendorHost;
  readonly keys: VendorHost;
  readonly users: Readonly<Record<string, VendorUser>>;
  protected readonly lifetimeSeconds: number;
  protected override readonly rotates: boolean;
  readonly #facts: OidcVendorFacts;

  private constructor(clock: Clock, signer: IdTokenSigner, facts: OidcVendorFacts) {
    const { client, otherApp, issuer } = facts;
    const web = new VendorHost(facts.origin ?? new URL(issuer).origin);
    const keysOrigin = facts.keysOrigin ?? web.origin;
    const keys = keysOrigin === web.origin ? web : new VendorHost(keysOrigin);
    const hosts = keys === web ? { web } : { web, keys };
    super(clock, { client, otherApp }, hosts, signer, facts.authentication);
    this.issuer = web.origin;
    this.web = web;
    this.keys = keys;
    this.users = facts.users;
    this.lifetimeSeconds = facts.lifetimeSeconds;
    this.rotates = facts.rotates ?? true;
    this.#facts = facts;
    this.#serve();
  }

  authorize(url: string, options: AuthorizeOptions = {}): string {
    const { authorize, parameters = [], scopes } = this.#facts;
    if (!url.startsWith(`${this.web.origin}${authorize}?`)) throw new Error(url);
    const unknown = (new URL(url).searchParams.get('scope') ?? '')
      .split(' ')
      .find((scope) => !scopes.includes(scope));
    if (unknown !== undefined) throw new VendorRefusal(`invalid_scope: ${unknown}`);
    return this.decide(url, [...standard, ...parameters], options);
  }

  protected override objection(form: URLSearchParams): string | undefined {
    return this.#facts.objection?.(form);
  }

  protected override grantedScope(login: VendorLogin): string | undefined {
    return this.#facts.namesScopes === false ? undefined : login.scopes.join(' ');
  }

  protected override hasRefreshToken(login: VendorLogin): boolean {
    return this.#facts.alwaysRefreshable === true || super.hasRefreshToken(login);
  }

  protected idTokenClaims({ app, user }: VendorLogin): Readonly<Record<string, unknown>> {
    const claims = this.#facts.claims?.(app);
    return { iss: this.#facts.issuer, aud: app.id, ...this.users[user], ...claims };
  }

  #serve(): void {
    const { discovery, jwks, token, userinfo, revocation } = this.#facts;
    this.keys.serve({
      ...(discovery !== undefined && {
        [`GET ${discovery}`]: () => Response.json(this.#configuration()),
      }),
      [`GET ${jwks}`]: () => Response.json(this.signer.jwks),
    });
    this.web.serve({
      [`POST ${token}`]: (request) => this.token(request),
      [`GET ${userinfo}`]: (request) => {
        const issued = this.living(bearerOf(request));
        return issued ? Response.json(this.users[issued.user]) : refusal(401, 'invalid_token');
      },
      ...(revocation !== undefined && {
        [`POST ${revocation}`]: (request) => this.#revoke(request),
      }),
    });
  }

  #revoke(request: VendorRequest): Response {
    if (!this.isClient(request)) return refusal(401, 'invalid_client');
    const token = request.form.get('token') ?? '';
    if (this.accessTokens.has(token) || this.refreshTokens.has(token)) this.revokeAll();
    return new Response(null, { status: 200 });
  }

  #configuration(): Readonly<Record<string, unknown>> {
    const { issuer, authorize, token, jwks, userinfo, revocation, scopes } = this.#facts;
    const at = this.web.origin;
    return {
      issuer,
      authorization_endpoint: `${at}${authorize}`,
      token_endpoint: `${at}${token}`,
      userinfo_endpoint: `${at}${userinfo}`,
      jwks_uri: `${this.keys.origin}${jwks}`,
      ...(revocation !== undefined && { revocation_endpoint: `${at}${revocation}` }),
      scopes_supported: scopes,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      code_challenge_methods_supported: ['S256'],
    };
  }
}
