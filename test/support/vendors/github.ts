import type { Clock } from '../../../lib/index.js';
import {
  type AuthorizeOptions,
  bearerOf,
  FakeVendor,
  type VendorLogin,
  type VendorUser,
} from './fake-vendor.js';
import { VendorHost, type VendorRequest } from './vendor-host.js';

/**
 * GitHub, after docs.github.com: "Authorizing OAuth apps", "Troubleshooting OAuth app access token
 * request errors", "Refreshing user access tokens", "Scopes for OAuth apps" (normalized scopes), and
 * the REST API's "OAuth authorizations" and "Get the authenticated user".
 *
 * Errors of the token endpoint come with status 200. The API turns away who does not name himself,
 * and shows a token to the app it was issued to, and to no other.
 */
export class FakeGitHub extends FakeVendor {
  readonly issuer = 'https://github.com';
  readonly web: VendorHost;
  readonly api: VendorHost;
  readonly users: Readonly<Record<string, VendorUser>> = {
    alice: {
      login: 'alice',
      id: 583231,
      type: 'User',
      avatar_url: 'https://avatars.githubusercontent.com/u/583231?v=4',
      name: 'Alice Archer',
      email: 'alice@example.com',
    },
    bob: { login: 'bob', id: 583232, type: 'User', avatar_url: 'x', name: null, email: null },
  };
  /** GitHub Apps can have tokens that expire; tokens of OAuth Apps live until they are revoked. */
  readonly kind: 'OAuth App' | 'GitHub App';

  constructor(clock: Clock, kind: 'OAuth App' | 'GitHub App' = 'OAuth App') {
    const client = {
      id: 'Ov23liDEMOclientid01',
      secret: '6b1f0a7e4c2d9b8a5f3e1c0d7a6b9e8f2c4d1a0b',
    };
    const otherApp = {
      id: 'Ov23liOTHERclient002',
      secret: '0000111122223333444455556666777788889999',
    };
    const web = new VendorHost('https://github.com');
    const api = new VendorHost('https://api.github.com');
    super(clock, { client, otherApp }, { web, api });
    this.web = web;
    this.api = api;
    this.kind = kind;
    web.serve({ 'POST /login/oauth/access_token': (request) => this.#token(request) });
    for (const app of [client, otherApp]) {
      const path = `/applications/${app.id}/token`;
      api.serve({
        [`POST ${path}`]: (request) => this.#ofApp(request, app.id, (t) => this.#checked(t)),
        [`DELETE ${path}`]: (request) =>
          this.#ofApp(request, app.id, (token) => {
            this.accessTokens.delete(token);
            return new Response(null, { status: 204 });
          }),
      });
    }
    api.serve({ 'GET /user': (request) => this.#user(request) });
  }

  authorize(url: string, options: AuthorizeOptions = {}): string {
    if (!url.startsWith('https://github.com/login/oauth/authorize?')) throw new Error(url);
    const pkce = ['code_challenge', 'code_challenge_method'];
    const known = ['client_id', 'redirect_uri', 'response_type', 'scope', 'state', ...pkce];
    return this.decide(url, [...known, 'login', 'allow_signup', 'prompt'], options);
  }

  #token({ form, headers }: VendorRequest): Response {
    if (headers['accept'] !== 'application/json') {
      return new Response('error=not_json', { headers: { 'content-type': 'text/plain' } });
    }
    const { id, secret } = this.client;
    if (form.get('client_id') !== id || form.get('client_secret') !== secret) {
      return gitHubError('incorrect_client_credentials');
    }
    if (form.get('grant_type') === 'refresh_token') return this.#refresh(form);
    const login = this.redeem(form);
    if (login === 'redirect_uri') return gitHubError('redirect_uri_mismatch');
    if (typeof login === 'string') return gitHubError('bad_verification_code');
    return this.tokenAnswer(this.#tokens({ ...login, scopes: normalized(login.scopes) }));
  }

  #refresh(form: URLSearchParams): Response {
    const token = form.get('refresh_token') ?? '';
    const login = this.refreshTokens.get(token);
    if (!login) return gitHubError('bad_refresh_token');
    this.refreshTokens.delete(token);
    return this.tokenAnswer(this.#tokens(login));
  }

  #tokens(login: VendorLogin): Record<string, unknown> {
    if (this.kind === 'OAuth App') {
      const access_token = this.issueAccessToken(login, undefined, 'gho_');
      return { access_token, token_type: 'bearer', scope: login.scopes.join(',') };
    }
    // What such a token may do is the app's permissions.
    const fineGrained = { ...login, scopes: [] };
    return {
      access_token: this.issueAccessToken(fineGrained, 28_800, 'ghu_'),
      expires_in: 28_800,
      refresh_token: this.issueRefreshToken(fineGrained, 'ghr_'),
      refresh_token_expires_in: 15_897_600,
      scope: '',
      token_type: 'bearer',
    };
  }

  #ofApp(request: VendorRequest, id: string, answer: (token: string) => Response): Response {
    if (!request.headers['user-agent']) return forbidden();
    const app = [this.client, this.otherApp].find((a) => a.id === id);
    const basic = Buffer.from(`${id}:${app?.secret}`).toString('base64');
    if (request.headers['authorization'] !== `Basic ${basic}`) {
      return Response.json({ message: 'Bad credentials', status: '401' }, { status: 401 });
    }
    const { access_token: token } = JSON.parse(request.body) as { access_token?: unknown };
    if (typeof token !== 'string') {
      return Response.json({ message: 'Validation Failed' }, { status: 422 });
    }
    const issued = this.living(token);
    if (issued?.app.id !== id) return Response.json({ message: 'Not Found' }, { status: 404 });
    return answer(token);
  }

  #checked(token: string): Response {
    const issued = this.living(token);
    const { login, id, type, avatar_url } = this.users[issued?.user ?? ''] ?? {};
    const expiresAt = issued?.expiresAt;
    return Response.json({
      id: 1,
      url: 'https://api.github.com/authorizations/1',
      app: { name: 'MCP', url: 'https://mcp.test', client_id: issued?.app.id },
      token,
      hashed_token: 'f',
      token_last_eight: token.slice(-8),
      scopes: issued?.scopes,
      expires_at: expiresAt === undefined ? null : new Date(expiresAt * 1000).toISOString(),
      user: { login, id, type, avatar_url },
    });
  }

  #user(request: VendorRequest): Response {
    if (!request.headers['user-agent']) return forbidden();
    const issued = this.living(bearerOf(request));
    if (!issued) return Response.json({ message: 'Bad credentials' }, { status: 401 });
    const headers = { 'x-oauth-scopes': issued.scopes.join(', ') };
    return Response.json(this.users[issued.user], { headers });
  }
}

function gitHubError(error: string): Response {
  const error_uri = `https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/#${error}`;
  return Response.json({ error, error_description: 'As the documentation says.', error_uri });
}

function forbidden(): Response {
  const text = 'Request forbidden by administrative rules. Make sure it has a User-Agent header';
  return new Response(text, { status: 403, headers: { 'content-type': 'text/html' } });
}

/** What a broader scope includes is left out. */
function normalized(scopes: readonly string[]): readonly string[] {
  return scopes.filter(
    (s) => !(['read:user', 'user:email'].includes(s) && scopes.includes('user')),
  );
}
