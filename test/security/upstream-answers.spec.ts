// RFC 6749 §5, §6; OpenID Connect Core §12.2: what an answer to a refresh at the upstream may end.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  JwtVerifier,
  OAuth2Upstream,
  type OAuthProxyOptions,
  OidcUpstream,
} from '../../lib/index.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectInvariants, expectTokenError } from '../support/outcomes.js';
import {
  jsonOf,
  type ProxyFlow,
  startFlow,
  type TestClient,
  type Tokens,
  tokensOf,
} from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

type Claims = Record<string, unknown>;

const afterExpiry = 301;
const challenge = { 'www-authenticate': 'Basic realm="upstream"' };
let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start({ accessTokenTtlSeconds: 300 });
});

afterEach(() => idp.recover());

afterAll(() => idp.stop());

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');

function idToken(changes: Claims): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: idp.issuer, aud: idp.client.id, sub: 'alice', iat: now, exp: now + 600 };
  return `${encode({ alg: 'RS256' })}.${encode({ ...claims, ...changes })}.AAAA`;
}

function claimsOf(token: string): Claims {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Claims;
}

describe('an answer to a refresh at the upstream', () => {
  let clock: ManualClock;
  let flow: ProxyFlow;
  let client: TestClient;

  beforeAll(async () => {
    clock = new ManualClock();
    flow = await startFlow({ idp, clock });
    client = await flow.register();
  });

  afterAll(() => flow.close());

  async function expiredTokens(): Promise<Tokens> {
    const tokens = await flow.tokensFor(client);
    clock.advance(afterExpiry);
    return tokens;
  }

  // The user was identified at the login: an id_token of a refresh can end that, and change nothing.
  it.each([
    ['of another user', { sub: 'mallory' }],
    ['of another issuer', { iss: 'https://evil.test' }],
    ['for another app', { aud: 'another-app' }],
    ['for other apps', { aud: ['another-app', 'a-third'] }],
  ])('with an id_token %s ends the grant, and is given back', async (_name, claims) => {
    const tokens = await expiredTokens();
    const fresh: { refresh_token?: string } = {};
    idp.tamperNext('token', (body) => {
      Object.assign(fresh, body);
      return { ...body, id_token: idToken(claims) };
    });
    expectTokenError(await flow.refresh(tokens.refresh_token, client), flow, 'invalid_grant');
    expectTokenError(await flow.refresh(tokens.refresh_token, client), flow, 'invalid_grant');
    expect(idp.requestsTo('revocation').at(-1)).toMatchObject({
      status: 200,
      form: { token: fresh.refresh_token },
    });
  });

  it.each([
    ['that has expired', { iat: 1, exp: 2 }],
    ['with other claims', { email: 'mallory@example.com', name: 'Mallory', nonce: 'x' }],
    ['for this app among others', { aud: ['another-app', 'nest-app'] }],
  ])('works with an id_token %s, which changes nobody', async (_name, claims) => {
    const tokens = await expiredTokens();
    idp.tamperNext('token', (body) => ({ ...body, id_token: idToken(claims) }));
    const second = tokensOf(await flow.refresh(tokens.refresh_token, client));
    expect(claimsOf(second.access_token)).toMatchObject({ sub: 'alice', name: 'Alice Archer' });
    expect(await flow.isAccepted(second.access_token)).toBe(true);
    clock.advance(afterExpiry);
    expect((await flow.refresh(second.refresh_token, client)).status).toBe(200);
  });

  it.each([
    ['an id_token that is no token', { id_token: 'x' }],
    ['an id_token that is no text', { id_token: 7 }],
    ['a token_type in capitals', { token_type: 'BEARER' }],
    ['a lifetime that makes no sense', { expires_in: -5 }],
    [
      'nothing in members that need not be there',
      { scope: null, id_token: null, expires_in: null },
    ],
  ])('works with %s', async (_name, changes) => {
    const tokens = await expiredTokens();
    idp.tamperNext('token', (body) => ({ ...body, ...changes }));
    const second = tokensOf(await flow.refresh(tokens.refresh_token, client));
    expect(await flow.isAccepted(second.access_token)).toBe(true);
  });

  it.each([
    ['an unknown token_type', { status: 200, body: { access_token: 'a', token_type: 'mac' } }],
    ['no token_type', { status: 200, body: { access_token: 'a' } }],
    ['no access token', { status: 200, body: { token_type: 'Bearer' } }],
    ['a rate limit', { status: 429, body: { error: 'rate_limited' }, headers: challenge }],
    [
      'doubts about the app',
      { status: 401, body: { error: 'invalid_client' }, headers: challenge },
    ],
    [
      'doubts about the app as GitHub has them',
      { status: 200, body: { error: 'incorrect_client_credentials' } },
    ],
    ['a challenge alone', { status: 401, body: {}, headers: challenge }],
    ['the end of the grant, broken', { status: 500, body: { error: 'invalid_grant' } }],
  ])('costs nothing when it has %s', async (_name, failure) => {
    const tokens = await expiredTokens();
    idp.failNext('token', failure);
    const answer = await flow.refresh(tokens.refresh_token, client);
    expectInvariants(answer, { issuer: flow.issuer, serverFault: 503 });
    expect(answer.status).toBe(503);
    expect(jsonOf(answer)).toMatchObject({ error: 'temporarily_unavailable' });
    const second = tokensOf(await flow.refresh(tokens.refresh_token, client));
    expect(await flow.isAccepted(second.access_token)).toBe(true);
  });

  it.each([
    ['as RFC 6749 has it', { status: 400, body: { error: 'invalid_grant' } }],
    ['with a challenge', { status: 401, body: { error: 'invalid_grant' }, headers: challenge }],
    ['as GitHub has it', { status: 200, body: { error: 'bad_refresh_token' } }],
    [
      'with a challenge and status 400',
      { status: 400, body: { error: 'invalid_grant' }, headers: challenge },
    ],
  ])('ends the grant when it says so %s', async (_name, failure) => {
    const tokens = await expiredTokens();
    idp.failNext('token', failure);
    expectTokenError(await flow.refresh(tokens.refresh_token, client), flow, 'invalid_grant');
    // The upstream would answer again; there is nothing here to ask it with.
    const asked = flow.upstreamGrants('refresh_token');
    expectTokenError(await flow.refresh(tokens.refresh_token, client), flow, 'invalid_grant');
    expect(flow.upstreamGrants('refresh_token')).toBe(asked);
  });
});

/** Both kinds, without scopes of their own: then the upstream has a say in those of the client. */
const upstreams: [string, () => Partial<OAuthProxyOptions>][] = [
  [
    'an OAuth2Upstream',
    () => ({
      upstream: new OAuth2Upstream({
        authorizationEndpoint: idp.endpoint('authorization'),
        tokenEndpoint: idp.endpoint('token'),
        issuer: idp.issuer,
        clientId: idp.client.id,
        clientSecret: idp.client.secret,
        tokenVerifier: new JwtVerifier({
          jwksUri: idp.endpoint('jwks'),
          issuer: idp.issuer,
          audience: idp.client.id,
        }),
      }),
    }),
  ],
  [
    'an OidcUpstream',
    () => ({
      upstream: new OidcUpstream({
        issuer: idp.issuer,
        clientId: idp.client.id,
        clientSecret: idp.client.secret,
        extraAuthorizeParams: { prompt: 'consent' },
      }),
    }),
  ],
];

describe.each(upstreams)('the scopes of a refresh at %s', (_name, upstream) => {
  const all = ['api:read', 'api:write'];
  let clock: ManualClock;
  let flow: ProxyFlow;
  let client: TestClient;

  beforeAll(async () => {
    clock = new ManualClock();
    flow = await startFlow({
      idp,
      clock,
      proxy: { validScopes: all, ...upstream() },
      module: { requiredScopes: ['api:read'] },
    });
    client = await flow.register();
  });

  afterAll(() => flow.close());

  async function refreshWith(tokens: Tokens, scope: string | undefined): Promise<Tokens> {
    clock.advance(afterExpiry);
    idp.tamperNext('token', (body) => ({ ...body, scope }));
    return tokensOf(await flow.refresh(tokens.refresh_token, client));
  }

  const scopesOf = ({ access_token, scope }: Tokens): string[] => {
    expect(claimsOf(access_token)['scope']).toBe(scope);
    return scope.split(' ').sort();
  };

  async function login(): Promise<Tokens> {
    // The verifier of the upstream's tokens goes by this clock too.
    clock.set(Math.floor(Date.now() / 1000));
    const request = flow.authorizationRequest(client).with({ scope: all.join(' ') });
    return flow.tokensFor(client, { request });
  }

  it('are all that a token of ours has: fewer there are fewer here — RT-18', async () => {
    const first = await login();
    expect(scopesOf(first)).toEqual(all);
    const fewer = await refreshWith(first, 'api:read');
    expect(scopesOf(fewer)).toEqual(['api:read']);
    expect(await flow.isAccepted(fewer.access_token)).toBe(true);
    const unsaid = await refreshWith(fewer, undefined);
    expect(scopesOf(unsaid)).toEqual(['api:read']);
    const more = await refreshWith(unsaid, 'api:read api:write api:admin');
    expect(scopesOf(more)).toEqual(all);
  });

  it('that are none leave nothing to give', async () => {
    const none = await refreshWith(await login(), '');
    expect(none.scope).toBe('');
    expect((await flow.callMcp(none.access_token)).status).toBe(403);
  });
});
