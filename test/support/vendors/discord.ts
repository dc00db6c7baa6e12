import type { Clock } from '../../../lib/index.js';
import { refusal } from './fake-oidc-vendor.js';
import {
  type AuthorizeOptions,
  bearerOf,
  FakeVendor,
  hasBasicAuth,
  type VendorLogin,
  type VendorUser,
} from './fake-vendor.js';
import { VendorHost, type VendorRequest } from './vendor-host.js';

const week = 604_800;

/**
 * Discord, after "OAuth2" and "User" of its developer documentation. The token endpoints take forms
 * alone, and the app's credentials by HTTP Basic or in the form. To revoke one token ends them all.
 */
export class FakeDiscord extends FakeVendor {
  readonly issuer = 'https://discord.com';
  readonly host: VendorHost;
  readonly users: Readonly<Record<string, VendorUser>> = {
    alice: {
      id: '80351110224678912',
      username: 'alice',
      global_name: 'Alice Archer',
      avatar: '8342729096ea3675442027381ff50dfe',
      email: 'alice@example.com',
      verified: true,
    },
    bob: { id: '80351110224678913', username: 'bob', global_name: null, avatar: null },
  };

  constructor(clock: Clock) {
    const client = { id: '157730590492196864', secret: '937it3ow87i4ery69876wqire-demo' };
    const otherApp = { id: '157730590492196865', secret: '0000000000000000000000-other' };
    const host = new VendorHost('https://discord.com');
    super(clock, { client, otherApp }, { host });
    this.host = host;
    host.serve({
      'POST /api/oauth2/token': (request) => this.#asApp(request, () => this.#token(request)),
      'POST /api/oauth2/token/revoke': (request) =>
        this.#asApp(request, () => this.#revoke(request)),
      'GET /api/v10/oauth2/@me': (request) => this.#authorization(request),
      'GET /api/v10/users/@me': (request) => this.#user(request),
    });
  }

  authorize(url: string, options: AuthorizeOptions = {}): string {
    if (!url.startsWith('https://discord.com/oauth2/authorize?')) throw new Error(url);
    const pkce = ['code_challenge', 'code_challenge_method'];
    const known = ['client_id', 'redirect_uri', 'response_type', 'scope', 'state', ...pkce];
    return this.decide(url, [...known, 'prompt', 'integration_type'], options);
  }

  #asApp(request: VendorRequest, answer: () => Response): Response {
    const { form, headers } = request;
    if (headers['content-type']?.startsWith('application/x-www-form-urlencoded') !== true) {
      return refusal(400, 'invalid_request');
    }
    const { id, secret } = this.client;
    const inForm = form.get('client_id') === id && form.get('client_secret') === secret;
    if (!inForm && !hasBasicAuth(request, this.client)) return refusal(401, 'invalid_client');
    return answer();
  }

  #token({ form }: VendorRequest): Response {
    const grantType = form.get('grant_type');
    if (grantType === 'refresh_token') {
      const token = form.get('refresh_token') ?? '';
      const login = this.refreshTokens.get(token);
      if (!login) return refusal(400, 'invalid_grant');
      this.refreshTokens.delete(token);
      return this.#tokens(login);
    }
    if (grantType !== 'authorization_code') return refusal(400, 'unsupported_grant_type');
    const login = this.redeem(form);
    return typeof login === 'string' ? refusal(400, 'invalid_grant') : this.#tokens(login);
  }

  #tokens(login: VendorLogin): Response {
    return this.tokenAnswer({
      access_token: this.issueAccessToken(login, week),
      token_type: 'Bearer',
      expires_in: week,
      refresh_token: this.issueRefreshToken(login),
      scope: login.scopes.join(' '),
    });
  }

  #revoke({ form }: VendorRequest): Response {
    const token = form.get('token') ?? '';
    if (this.accessTokens.has(token) || this.refreshTokens.has(token)) this.revokeAll();
    return Response.json({});
  }

  #authorization(request: VendorRequest): Response {
    const issued = this.living(bearerOf(request));
    if (!issued) return unauthorized();
    const { id, username, global_name, avatar } = this.users[issued.user] ?? {};
    return Response.json({
      application: { id: issued.app.id, name: 'MCP', description: '' },
      scopes: issued.scopes,
      expires: new Date((issued.expiresAt ?? 0) * 1000).toISOString(),
      ...(issued.scopes.includes('identify') && { user: { id, username, global_name, avatar } }),
    });
  }

  #user(request: VendorRequest): Response {
    const issued = this.living(bearerOf(request));
    if (!issued?.scopes.includes('identify')) return unauthorized();
    const { email, verified, ...user } = this.users[issued.user] ?? {};
    return Response.json({ ...user, ...(issued.scopes.includes('email') && { email, verified }) });
  }
}

function unauthorized(): Response {
  return Response.json({ message: '401: Unauthorized', code: 0 }, { status: 401 });
}
