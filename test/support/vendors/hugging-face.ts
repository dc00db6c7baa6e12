import type { Clock } from '../../../lib/index.js';
import { type AppAuthentication, FakeOidcVendor, refusal } from './fake-oidc-vendor.js';
import {
  type AuthorizeOptions,
  bearerOf,
  type VendorLogin,
  type VendorUser,
} from './fake-vendor.js';
import { IdTokenSigner } from './id-token-signer.js';
import { VendorHost } from './vendor-host.js';

/**
 * Hugging Face, after "Sign in with Hugging Face" of the Hub's documentation and the endpoints of its
 * OpenID configuration. Apps may be public: then they have no secret.
 */
export class FakeHuggingFace extends FakeOidcVendor {
  static async start(clock: Clock, kind: 'public' | 'confidential' = 'confidential') {
    const signer = await IdTokenSigner.create('hf-1');
    return new FakeHuggingFace(clock, signer, kind === 'public' ? 'none' : 'client_secret_post');
  }

  readonly issuer = 'https://huggingface.co';
  readonly host: VendorHost;
  readonly users: Readonly<Record<string, VendorUser>> = {
    alice: {
      sub: '62f264b9f3c90f4b6514a269',
      name: 'Alice Archer',
      preferred_username: 'alice',
      picture: 'https://huggingface.co/avatars/alice.svg',
      orgs: [{ sub: '5e67bd5b1009063689407478', name: 'acme' }],
    },
    bob: { sub: '62f264b9f3c90f4b6514a270', preferred_username: 'bob', orgs: [] },
  };
  protected readonly lifetimeSeconds = 28_800;

  private constructor(clock: Clock, signer: IdTokenSigner, authentication: AppAuthentication) {
    const client = {
      id: '67c5a1f0-demo-4b2e-9d7f-000000000001',
      secret: 'hf-app-secret-0123456789ab',
    };
    const otherApp = {
      id: '67c5a1f0-demo-4b2e-9d7f-000000000002',
      secret: 'hf-app-secret-of-another',
    };
    const hub = new VendorHost('https://huggingface.co');
    super(clock, { client, otherApp }, { hub }, signer, authentication);
    this.host = hub;
    hub.serve({
      'GET /.well-known/openid-configuration': () => Response.json(this.#configuration()),
      'POST /oauth/token': (request) => this.token(request),
      'GET /oauth/jwks': () => Response.json(signer.jwks),
      'GET /oauth/userinfo': (request) => {
        const issued = this.living(bearerOf(request));
        return issued ? Response.json(this.users[issued.user]) : refusal(401, 'invalid_token');
      },
    });
  }

  authorize(url: string, options: AuthorizeOptions = {}): string {
    if (!url.startsWith('https://huggingface.co/oauth/authorize?')) throw new Error(url);
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
    return this.decide(url, [...known, 'orgIds', 'prompt'], options);
  }

  protected idTokenClaims({ app, user }: VendorLogin): Readonly<Record<string, unknown>> {
    return { iss: this.issuer, aud: app.id, ...this.users[user] };
  }

  protected override hasRefreshToken(): boolean {
    return true;
  }

  #configuration(): Readonly<Record<string, unknown>> {
    return {
      issuer: this.issuer,
      authorization_endpoint: `${this.issuer}/oauth/authorize`,
      token_endpoint: `${this.issuer}/oauth/token`,
      userinfo_endpoint: `${this.issuer}/oauth/userinfo`,
      jwks_uri: `${this.issuer}/oauth/jwks`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      code_challenge_methods_supported: ['S256'],
    };
  }
}
