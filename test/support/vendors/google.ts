import type { Clock } from '../../../lib/index.js';
import {
  type AuthorizeOptions,
  bearerOf,
  FakeVendor,
  type VendorLogin,
  type VendorUser,
} from './fake-vendor.js';
import { IdTokenSigner } from './id-token-signer.js';
import { VendorHost, type VendorRequest } from './vendor-host.js';

const longNames: Readonly<Record<string, string>> = {
  email: 'https://www.googleapis.com/auth/userinfo.email',
  profile: 'https://www.googleapis.com/auth/userinfo.profile',
};

/**
 * Google, after developers.google.com: "OpenID Connect", "Using OAuth 2.0 for Web Server
 * Applications", and its discovery document.
 *
 * A refresh token comes with `access_type=offline` on a login that asks for consent, stays the same
 * at a refresh, and scopes are answered by their long names. A user may agree to some of them.
 */
export class FakeGoogle extends FakeVendor {
  static async start(clock: Clock): Promise<FakeGoogle> {
    return new FakeGoogle(clock, await IdTokenSigner.create('google-1'));
  }

  readonly issuer = 'https://accounts.google.com';
  readonly oauth: VendorHost;
  readonly keys: VendorHost;
  readonly users: Readonly<Record<string, VendorUser>> = {
    alice: {
      sub: '110169484474386276334',
      email: 'alice@example.com',
      email_verified: true,
      name: 'Alice Archer',
      hd: 'example.com',
    },
    // Anyone can have an account with an address of any domain.
    bob: { sub: '110169484474386276335', email: 'bob@example.com', email_verified: true },
  };
  readonly #offline = new Set<string>();

  private constructor(
    clock: Clock,
    readonly signer: IdTokenSigner,
  ) {
    const client = {
      id: '407408718192-demo.apps.googleusercontent.com',
      secret: 'GOCSPX-demo-client-secret-0123456789',
    };
    const otherApp = {
      id: '990000000000-other.apps.googleusercontent.com',
      secret: 'GOCSPX-other',
    };
    const hosts = {
      oauth: new VendorHost('https://oauth2.googleapis.com'),
      keys: new VendorHost('https://www.googleapis.com'),
      userinfo: new VendorHost('https://openidconnect.googleapis.com'),
    };
    super(clock, { client, otherApp }, hosts);
    this.oauth = hosts.oauth;
    this.keys = hosts.keys;
    hosts.oauth.serve({
      'POST /token': (request) => this.#token(request),
      'POST /revoke': (request) => this.#revoke(request),
      'GET /tokeninfo': (request) => this.#tokenInfo(request),
    });
    hosts.keys.serve({ 'GET /oauth2/v3/certs': () => Response.json(signer.jwks) });
    hosts.userinfo.serve({ 'GET /v1/userinfo': (request) => this.#userinfo(request) });
  }

  authorize(url: string, options: AuthorizeOptions = {}): string {
    if (!url.startsWith('https://accounts.google.com/o/oauth2/v2/auth?')) throw new Error(url);
    const query = new URL(url).searchParams;
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
    const more = ['access_type', 'prompt', 'hd', 'login_hint', 'include_granted_scopes'];
    const answer = this.decide(url, [...known, ...more], options);
    const code = new URL(answer).searchParams.get('code');
    const offline = query.get('access_type') === 'offline' && query.get('prompt') === 'consent';
    if (code !== null && offline) this.#offline.add(code);
    return answer;
  }

  async #token({ form }: VendorRequest): Promise<Response> {
    const { id, secret } = this.client;
    if (form.get('client_id') !== id || form.get('client_secret') !== secret) {
      return refusal(401, 'invalid_client', 'The OAuth client was not found.');
    }
    const grantType = form.get('grant_type');
    if (grantType === 'refresh_token') {
      const login = this.refreshTokens.get(form.get('refresh_token') ?? '');
      if (!login) return refusal(400, 'invalid_grant', 'Token has been expired or revoked.');
      return this.tokenAnswer(await this.#tokens({ ...login, nonce: null }));
    }
    if (grantType !== 'authorization_code') return refusal(400, 'unsupported_grant_type', '');
    const code = form.get('code') ?? '';
    const login = this.redeem(form);
    if (login === 'redirect_uri') return refusal(400, 'redirect_uri_mismatch', 'Bad Request');
    if (typeof login === 'string') return refusal(400, 'invalid_grant', 'Bad Request');
    return this.tokenAnswer({
      ...(await this.#tokens(login)),
      ...(this.#offline.delete(code) && { refresh_token: this.issueRefreshToken(login, '1//') }),
    });
  }

  async #tokens(login: VendorLogin): Promise<Record<string, unknown>> {
    const access_token = this.issueAccessToken(login, 3599, 'ya29.');
    return {
      access_token,
      expires_in: 3599,
      scope: login.scopes.map((s) => longNames[s] ?? s).join(' '),
      token_type: 'Bearer',
      ...(login.scopes.includes('openid') && { id_token: await this.#idToken(login) }),
    };
  }

  #idToken({ app, user, nonce }: VendorLogin): Promise<string> {
    return this.signer.sign({
      iss: this.issuer,
      azp: app.id,
      aud: app.id,
      ...this.users[user],
      nonce: nonce ?? undefined,
      ...this.claims,
    });
  }

  #userinfo(request: VendorRequest): Response {
    const issued = this.living(bearerOf(request));
    if (!issued) return refusal(401, 'invalid_request', 'Invalid Credentials');
    return Response.json(this.users[issued.user]);
  }

  /** Numbers and truth are texts here. */
  #tokenInfo({ query }: VendorRequest): Response {
    const issued = this.living(query.get('access_token') ?? '');
    if (!issued) return refusal(400, 'invalid_token', 'Invalid Value');
    const { sub, email, email_verified } = this.users[issued.user] ?? {};
    const expiresAt = issued.expiresAt ?? 0;
    return Response.json({
      azp: issued.app.id,
      aud: issued.app.id,
      sub,
      scope: issued.scopes.map((s) => longNames[s] ?? s).join(' '),
      exp: String(expiresAt),
      expires_in: String(expiresAt - this.clock.now()),
      ...(issued.scopes.includes('email') && { email, email_verified: String(email_verified) }),
      access_type: 'offline',
    });
  }

  #revoke({ form }: VendorRequest): Response {
    const token = form.get('token') ?? '';
    const known = this.accessTokens.delete(token) || this.refreshTokens.delete(token);
    return known ? Response.json({}) : refusal(400, 'invalid_token', 'Token expired or revoked');
  }
}

function refusal(status: number, error: string, error_description: string): Response {
  return Response.json({ error, error_description }, { status });
}
