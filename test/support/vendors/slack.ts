import type { Clock } from '../../../lib/index.js';
import { FakeOidcVendor } from './fake-oidc-vendor.js';
import {
  type AuthorizeOptions,
  bearerOf,
  type VendorLogin,
  type VendorUser,
} from './fake-vendor.js';
import { IdTokenSigner } from './id-token-signer.js';
import { VendorHost, type VendorRequest } from './vendor-host.js';

/**
 * Slack, after "Sign in with Slack", "Using PKCE" and the reference of `openid.connect.token`,
 * `openid.connect.userInfo` and `auth.revoke`. Every answer of its API has status 200, and `ok` tells
 * whether it went well. PKCE is refused: it is for public apps. Tokens do not end by themselves.
 */
export class FakeSlack extends FakeOidcVendor {
  static async start(clock: Clock): Promise<FakeSlack> {
    return new FakeSlack(clock, await IdTokenSigner.create('slack-1'));
  }

  readonly issuer = 'https://slack.com';
  readonly host: VendorHost;
  readonly users: Readonly<Record<string, VendorUser>> = {
    alice: {
      sub: 'U0R7MFMJM',
      'https://slack.com/user_id': 'U0R7MFMJM',
      'https://slack.com/team_id': 'T0123ABCD',
      name: 'Alice Archer',
      email: 'alice@example.com',
      email_verified: true,
    },
    bob: { sub: 'U0R7MFMJN', 'https://slack.com/team_id': 'T9999ZZZZ', name: 'Bob' },
  };
  protected readonly lifetimeSeconds = Number.POSITIVE_INFINITY;
  protected override readonly pkce = 'none';

  private constructor(clock: Clock, signer: IdTokenSigner) {
    const client = { id: '25259531569.11152291', secret: 'e1b9e11dfcd19c1982d5de12921e17e8' };
    const otherApp = { id: '25259531569.11152292', secret: '00000000000000000000000000000000' };
    const host = new VendorHost('https://slack.com');
    super(clock, { client, otherApp }, { host }, signer, 'client_secret_post');
    this.host = host;
    host.serve({
      'POST /api/openid.connect.token': (request) => this.#token(request),
      'GET /openid/connect/keys': () => Response.json(signer.jwks),
      'POST /api/openid.connect.userInfo': (request) => this.#userInfo(request),
      'POST /api/auth.revoke': (request) => this.#revoke(request),
    });
  }

  authorize(url: string, options: AuthorizeOptions = {}): string {
    if (!url.startsWith('https://slack.com/openid/connect/authorize?')) throw new Error(url);
    const known = ['client_id', 'redirect_uri', 'response_type', 'scope', 'state', 'nonce', 'team'];
    return this.decide(url, known, options);
  }

  protected idTokenClaims({ app, user }: VendorLogin): Readonly<Record<string, unknown>> {
    // An id_token is good for five minutes.
    const exp = Math.floor(Date.now() / 1000) + 300;
    return { iss: this.issuer, aud: app.id, exp, ...this.users[user] };
  }

  protected override objection(form: URLSearchParams): string | undefined {
    return form.has('code_verifier') ? 'internal_error' : undefined;
  }

  protected override grantedScope(): undefined {
    return undefined;
  }

  async #token(request: VendorRequest): Promise<Response> {
    const response = await this.token(request);
    const { expires_in: _, ...body } = (await response.json()) as Record<string, unknown>;
    const { error } = body;
    if (response.status === 200) return Response.json({ ok: true, ...body });
    return failure(error === 'invalid_client' ? 'bad_client_secret' : String(error));
  }

  #userInfo(request: VendorRequest): Response {
    const issued = this.living(bearerOf(request));
    return issued
      ? Response.json({ ok: true, ...this.users[issued.user] })
      : failure('token_revoked');
  }

  #revoke(request: VendorRequest): Response {
    if (!this.accessTokens.delete(bearerOf(request))) return failure('token_revoked');
    return Response.json({ ok: true, revoked: true });
  }
}

function failure(error: string): Response {
  return Response.json({ ok: false, error });
}
