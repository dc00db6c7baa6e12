import type { Clock } from '../../../lib/index.js';
import { FakeOidcVendor } from './fake-oidc-vendor.js';
import {
  type AuthorizeOptions,
  type VendorLogin,
  VendorRefusal,
  type VendorUser,
} from './fake-vendor.js';
import { IdTokenSigner } from './id-token-signer.js';
import { VendorHost } from './vendor-host.js';

export const contoso = '11111111-2222-4333-8444-555555555555';
export const fabrikam = '66666666-7777-4888-9999-aaaaaaaaaaaa';
export const consumers = '9188040d-6c67-4c5b-b112-36a304b66dad';
/** What the app exposes. */
const appScopes = ['mcp:use', 'notes:read', 'notes:write'];
const openId = ['openid', 'profile', 'email', 'offline_access'];

export interface FakeEntraOptions {
  /** What stands before `/oauth2/v2.0`. @default contoso's id */
  readonly directory?: string;
  /** @default https://login.microsoftonline.com */
  readonly origin?: string;
  /** The issuer of a tenant's id_tokens. */
  readonly issuerOf?: (tenant: string) => string;
  /** Claims of every id_token. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/**
 * Microsoft Entra ID, after learn.microsoft.com: "OAuth 2.0 authorization code flow", "Scopes and
 * permissions", "ID token claims reference"; and Azure AD B2C, which is the same behind another
 * address.
 *
 * The scopes of an app are known with its identifier before them, and by no other name; a token
 * request names the scopes of one resource; `resource` is refused; answers name the scopes of that
 * resource, and never `offline_access`. Each tenant has an issuer of its own.
 */
export class FakeEntra extends FakeOidcVendor {
  static async start(clock: Clock, options: FakeEntraOptions = {}): Promise<FakeEntra> {
    return new FakeEntra(clock, await IdTokenSigner.create('entra-1'), options);
  }

  readonly issuer: string;
  readonly web: VendorHost;
  readonly at: string;
  readonly users: Readonly<Record<string, VendorUser>> = {
    alice: {
      sub: 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ',
      oid: '00000000-0000-4000-8000-00000000a11c',
      tid: contoso,
      name: 'Alice Archer',
      preferred_username: 'alice@contoso.com',
    },
    bob: { sub: 'AAAAAAAAAAAAAAAAAAAAABobbobbobbobbobbobbobb', tid: fabrikam, name: 'Bob' },
    carol: { sub: 'AAAAAAAAAAAAAAAAAAAAACarolcarolcarolcarolca', tid: consumers, name: 'Carol' },
  };
  protected readonly lifetimeSeconds = 3600;
  readonly #options: FakeEntraOptions;

  private constructor(clock: Clock, signer: IdTokenSigner, options: FakeEntraOptions) {
    const client = {
      id: 'c0ffee00-1111-4222-8333-444455556666',
      secret: 'dGhlLXNlY3JldC1vZi10aGUtYXBwLWluLWVudHJh',
    };
    const otherApp = { id: 'c0ffee00-1111-4222-8333-44445555ffff', secret: 'another' };
    const origin = options.origin ?? 'https://login.microsoftonline.com';
    const web = new VendorHost(origin);
    super(clock, { client, otherApp }, { web }, signer, 'client_secret_post');
    this.#options = options;
    this.issuer = origin;
    this.web = web;
    this.at = `/${options.directory ?? contoso}`;
    web.serve({
      [`POST ${this.at}/oauth2/v2.0/token`]: (request) => this.token(request),
      [`GET ${this.at}/discovery/v2.0/keys`]: () => Response.json(signer.jwks),
    });
  }

  authorize(url: string, options: AuthorizeOptions = {}): string {
    if (!url.startsWith(`${this.issuer}${this.at}/oauth2/v2.0/authorize?`)) throw new Error(url);
    const pkce = ['code_challenge', 'code_challenge_method'];
    const known = [
      'client_id',
      'redirect_uri',
      'response_type',
      'scope',
      'state',
      'nonce',
      ...pkce,
    ];
    const asked = (new URL(url).searchParams.get('scope') ?? '').split(' ');
    const unknown = asked.find((scope) => !this.#isScope(scope));
    if (unknown !== undefined) throw new VendorRefusal(`AADSTS65005: ${unknown}`);
    const hints = ['prompt', 'login_hint', 'domain_hint', 'response_mode'];
    const answer = new URL(this.decide(url, [...known, ...hints], options));
    answer.searchParams.set('session_state', '5ca1ab1e-0000-4000-8000-000000000000');
    return answer.href;
  }

  protected override objection(form: URLSearchParams): string | undefined {
    if (form.has('resource')) return 'invalid_request';
    const named = (form.get('scope') ?? '').split(' ').filter((s) => s !== '');
    const resources = named.filter((s) => !openId.includes(s)).map(resourceOf);
    return new Set(resources).size > 1 ? 'invalid_scope' : undefined;
  }

  protected override grantedScope(login: VendorLogin, form: URLSearchParams): string {
    const named = form.get('scope')?.split(' ') ?? login.scopes;
    const granted = login.scopes.filter((s) => named.includes(s) && s !== 'offline_access');
    return granted.join(' ');
  }

  protected idTokenClaims({ app, user }: VendorLogin): Readonly<Record<string, unknown>> {
    const claims = this.users[user] ?? {};
    const issuerOf = this.#options.issuerOf ?? ((tenant) => `${this.issuer}/${tenant}/v2.0`);
    const iss = issuerOf(String(claims['tid']));
    return { iss, aud: app.id, ver: '2.0', ...claims, ...this.#options.more };
  }

  #isScope(scope: string): boolean {
    const { id } = this.client;
    const apps = [`api://${id}/`, `https://contoso.onmicrosoft.com/${id}/`];
    return (
      openId.includes(scope) ||
      scope === id ||
      scope === 'https://graph.microsoft.com/User.Read' ||
      apps.some((app) => appScopes.some((name) => scope === app + name))
    );
  }
}

function resourceOf(scope: string): string {
  return scope.slice(0, Math.max(0, scope.lastIndexOf('/')));
}
