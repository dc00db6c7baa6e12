import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import * as oauth from 'oauth4webapi';
import { UpstreamError } from '../../common/errors.js';
import { UpstreamClient } from './upstream-client.js';
import { loginFailure, refreshFailure } from './upstream-failure.js';
import { UpstreamScopes } from './upstream-scopes.js';

const as: oauth.AuthorizationServer = { issuer: 'https://idp.test' };
const client: oauth.Client = { client_id: 'app' };

async function thrownBy(response: Response): Promise<unknown> {
  try {
    return await oauth.processRefreshTokenResponse(as, client, response);
  } catch (error) {
    return error;
  }
}

const answer = (status: number, body: unknown): Promise<unknown> =>
  thrownBy(Response.json(body, { status }));

function refusedCallback(error: string): unknown {
  try {
    const parameters = new URLSearchParams({ error, error_description: 'of alice', state: 's' });
    return oauth.validateAuthResponse(as, client, parameters, 's');
  } catch (thrown) {
    return thrown;
  }
}

describe.each([
  ['a login', loginFailure],
  ['a refresh', refreshFailure],
])('a failure of %s', (_name, failureOf) => {
  it.each(['invalid_grant', 'bad_refresh_token', 'bad_verification_code'])(
    'is final when the token endpoint says %s',
    async (error) => {
      expect(failureOf(await answer(400, { error })).kind).toBe('refused');
    },
  );

  it.each([
    ['invalid_client', 401],
    ['invalid_request', 400],
    ['temporarily_unavailable', 400],
    ['slow_down', 429],
    ['unauthorized_client', 400],
  ])('may pass when it says %s', async (error, status) => {
    expect(failureOf(await answer(status, { error })).kind).toBe('transient');
  });

  it('may pass when there is no answer that can be read', async () => {
    for (const thrown of [
      await thrownBy(new Response('oops', { status: 500 })),
      await thrownBy(new Response('<html>', { headers: { 'content-type': 'text/html' } })),
      await thrownBy(new Response('{', { headers: { 'content-type': 'application/json' } })),
      new TypeError('fetch failed'),
      'a text',
      undefined,
    ]) {
      expect(failureOf(thrown)).toBeInstanceOf(UpstreamError);
      expect(failureOf(thrown).kind).toBe('transient');
    }
  });

  it("shows an error code, and nothing else of the upstream's text", async () => {
    const error = `<b>\r\n"x${'y'.repeat(100)}`;
    const failure = failureOf(await answer(400, { error, error_description: 'of alice' }));
    expect(failure.message).not.toMatch(/alice|[<\r\n"]/);
    expect(failure.message.length).toBeLessThan(100);
    expect(failure.cause).toBeUndefined();
  });
});

describe('loginFailure', () => {
  it.each(['access_denied', 'consent_required', 'login_required'])(
    'knows that the user, or a policy, said no: %s',
    (error) => {
      expect(loginFailure(refusedCallback(error))).toMatchObject({ kind: 'refused', denied: true });
    },
  );

  it('tells what may pass from what will not', () => {
    expect(loginFailure(refusedCallback('server_error')).kind).toBe('transient');
    expect(loginFailure(refusedCallback('temporarily_unavailable')).kind).toBe('transient');
    const final = loginFailure(refusedCallback('invalid_scope'));
    expect(final).toMatchObject({ kind: 'refused', denied: false });
    expect(final.message).not.toContain('alice');
  });

  it('takes an answer that contradicts the protocol for a refusal', () => {
    const wrongIssuer = new URLSearchParams({ code: 'c', state: 's', iss: 'https://evil.test' });
    let thrown: unknown;
    try {
      oauth.validateAuthResponse(as, client, wrongIssuer, 's');
    } catch (error) {
      thrown = error;
    }
    expect(loginFailure(thrown).kind).toBe('refused');
  });

  it('leaves an UpstreamError as it is', () => {
    const known = new UpstreamError('known', 'refused');
    expect(loginFailure(known)).toBe(known);
  });
});

describe('an UpstreamError of the client', () => {
  const token = 'THE-TOKEN';
  const tokens = { access_token: token, token_type: 'Bearer', refresh_token: token };
  const jwt = (claims: object): string =>
    [{ alg: 'RS256' }, { token, ...claims }, token]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
  const good = { iss: as.issuer, aud: 'app', sub: 'alice', nonce: 'n', iat: 1, exp: 9_999_999_999 };

  function calls(answered: () => Response | Promise<Response>): Promise<unknown>[] {
    const server = {
      ...as,
      token_endpoint: `${as.issuer}/token`,
      revocation_endpoint: `${as.issuer}/revoke`,
      userinfo_endpoint: `${as.issuer}/me`,
      jwks_uri: `${as.issuer}/jwks`,
    };
    const upstream = new UpstreamClient({
      clientId: 'app',
      clientSecret: token,
      fetch: async () => answered(),
      scopes: new UpstreamScopes({}),
    });
    const callback = {
      parameters: new URLSearchParams({ code: token, state: token }),
      state: token,
      nonce: 'n',
      codeVerifier: token,
      redirectUri: 'https://as.test/cb',
      scopes: [],
    };
    return [
      upstream.redeem(server, callback, 'oauth', (answer) => answer),
      upstream.redeem(server, callback, 'openid', (answer) => answer),
      upstream.refresh(server, token, { scopes: [token], resource: 'https://mcp.test' }),
      upstream.exchange(server, token, { audience: token, scopes: [token] }),
      upstream.userInfoVerdict(server, { accessToken: token, subject: token }),
      upstream.revoke(server, { refreshToken: token }),
    ];
  }

  const shows = (error: unknown): boolean => {
    const text = inspect(error, { depth: Infinity, showHidden: true });
    const encoded = Buffer.from(token).toString('base64');
    return [token, encoded, encoded.replace(/=+$/, '')].some((form) => text.includes(form));
  };

  it.each<[string, number, unknown]>([
    ['an unknown token_type', 200, { ...tokens, token_type: 'mac' }],
    ['a token_type that is a token', 200, { ...tokens, token_type: token }],
    ['an access token that is a list', 200, { ...tokens, access_token: [token] }],
    ['a refresh token that is an object', 200, { ...tokens, refresh_token: { token } }],
    ['a scope that is a list', 200, { ...tokens, scope: [token] }],
    ['an id_token that is no JWT', 200, { ...tokens, id_token: token }],
    ['an id_token that cannot be read', 200, { ...tokens, id_token: `${token}.${token}.${token}` }],
    ['an id_token of another', 200, { ...tokens, id_token: jwt({ ...good, iss: token }) }],
    [
      'an id_token with another nonce',
      200,
      { ...tokens, id_token: jwt({ ...good, nonce: token }) },
    ],
    ['an id_token nobody signed', 200, { ...tokens, id_token: jwt(good) }],
    ['an error beside the tokens', 400, { ...tokens, error: 'invalid_grant' }],
    ['an error that is described', 400, { error: 'invalid_grant', error_description: token }],
    ['an error that is a token', 400, { error: token, error_uri: token }],
    ['an error with status 200', 200, { error: 'bad_refresh_token', error_description: token }],
    ['a fault', 500, tokens],
    ['a list', 200, [tokens]],
    ['a text', 200, token],
  ])('shows no token when the answer is %s', async (_name, status, body) => {
    const answers = calls(() => Response.json(body, { status, headers: { 'x-token': token } }));
    const errors = (await Promise.allSettled(answers)).flatMap((result) =>
      result.status === 'rejected' ? [result.reason as unknown] : [],
    );
    expect(errors).not.toHaveLength(0);
    for (const error of errors) {
      expect(error).toBeInstanceOf(UpstreamError);
      expect(shows(error)).toBe(false);
    }
  });

  it.each<[string, () => Response | Promise<Response>]>([
    ['a page', () => new Response(token, { headers: { 'content-type': 'text/html' } })],
    [
      'half a document',
      () => new Response(`{"a":"${token}`, { headers: { 'content-type': 'application/json' } }),
    ],
    [
      'a challenge',
      () =>
        new Response(token, { status: 401, headers: { 'www-authenticate': `Basic a="${token}"` } }),
    ],
    [
      'none',
      () => Promise.reject(new TypeError('fetch failed', { cause: { request: { token } } })),
    ],
  ])('shows no token when the answer is %s', async (_name, answered) => {
    for (const result of await Promise.allSettled(calls(answered))) {
      // A revocation is done with status 200, whatever else comes.
      if (result.status === 'fulfilled') continue;
      expect(result.reason).toBeInstanceOf(UpstreamError);
      expect(shows(result.reason)).toBe(false);
    }
  });

  it('would be seen to show one', () => {
    const leaking = new UpstreamError('x', 'refused', { cause: { body: tokens } });
    expect(shows(leaking)).toBe(true);
  });
});
