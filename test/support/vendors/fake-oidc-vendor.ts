import type { Clock } from '../../../lib/index.js';
import { FakeVendor, hasBasicAuth, type VendorApp, type VendorLogin } from './fake-vendor.js';
import type { IdTokenSigner } from './id-token-signer.js';
import { type VendorHost, type VendorRequest } from './vendor-host.js';

/** How the app authenticates at the token endpoint; `none` is for apps without a secret. */
export type AppAuthentication = 'client_secret_basic' | 'client_secret_post' | 'none';

/** A vendor whose token endpoint follows RFC 6749 and OpenID Connect; its quirks are its own. */
export abstract class FakeOidcVendor extends FakeVendor {
  protected constructor(
    clock: Clock,
    apps: { readonly client: VendorApp; readonly otherApp: VendorApp },
    hosts: Readonly<Record<string, VendorHost>>,
    readonly signer: IdTokenSigner,
    private readonly authentication: AppAuthentication,
  ) {
    super(clock, apps, hosts);
  }

  /** For how long access tokens are good. */
  protected abstract readonly lifetimeSeconds: number;

  /** The claims of the id_token of a login, except for its nonce and times. */
  protected abstract idTokenClaims(login: VendorLogin): Readonly<Record<string, unknown>>;

  /** What the answer says the token's scopes are; undefined where it does not say. */
  protected grantedScope(login: VendorLogin, _form: URLSearchParams): string | undefined {
    return login.scopes.join(' ');
  }

  /** Why a request is refused that is none of this vendor's. */
  protected objection(_form: URLSearchParams): string | undefined {
    return undefined;
  }

  /** Whether a refresh token is good for one refresh, which yields the next. */
  protected readonly rotates: boolean = true;

  /** Whether a login yields a refresh token. */
  protected hasRefreshToken({ scopes }: VendorLogin): boolean {
    return scopes.includes('offline_access');
  }

  protected async token(request: VendorRequest): Promise<Response> {
    const { form } = request;
    if (request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') !== true) {
      return refusal(400, 'invalid_request');
    }
    if (new Set(form.keys()).size !== form.size) return refusal(400, 'invalid_request');
    if (!this.isClient(request)) return refusal(401, 'invalid_client');
    const objection = this.objection(form);
    if (objection !== undefined) return refusal(400, objection);
    const grantType = form.get('grant_type');
    if (grantType === 'refresh_token') {
      const token = form.get('refresh_token') ?? '';
      const login = this.refreshTokens.get(token);
      if (!login) return refusal(400, 'invalid_grant');
      const tokens = await this.#tokens({ ...login, nonce: null }, form);
      if (this.rotates) this.refreshTokens.delete(token);
      else delete tokens['refresh_token'];
      return this.tokenAnswer(tokens);
    }
    if (grantType !== 'authorization_code') return refusal(400, 'unsupported_grant_type');
    const login = this.redeem(form);
    if (typeof login === 'string') return refusal(400, 'invalid_grant');
    return this.tokenAnswer(await this.#tokens(login, form));
  }

  protected isClient(request: VendorRequest): boolean {
    const { form } = request;
    const { id, secret } = this.client;
    switch (this.authentication) {
      case 'client_secret_basic':
        return hasBasicAuth(request, this.client) && !form.has('client_secret');
      case 'client_secret_post':
        return form.get('client_id') === id && form.get('client_secret') === secret;
      case 'none':
        return form.get('client_id') === id && !form.has('client_secret');
    }
  }

  async #tokens(login: VendorLogin, form: URLSearchParams): Promise<Record<string, unknown>> {
    const scope = this.grantedScope(login, form);
    const { nonce } = login;
    const claims = { ...this.idTokenClaims(login), nonce: nonce ?? undefined, ...this.claims };
    return {
      access_token: this.issueAccessToken(login, this.lifetimeSeconds),
      token_type: 'Bearer',
      expires_in: this.lifetimeSeconds,
      ...(scope !== undefined && { scope }),
      ...(login.scopes.includes('openid') && { id_token: await this.signer.sign(claims) }),
      ...(this.hasRefreshToken(login) && { refresh_token: this.issueRefreshToken(login) }),
    };
  }
}

/** An error of RFC 6749 §5.2. */
export function refusal(status: number, error: string): Response {
  return Response.json({ error, error_description: `As documented: ${error}.` }, { status });
}
