// OpenID Connect Core §3.1.3.7, §3.1.3.8; RFC 8414 §3.3: whom the upstream may say logged in.
import { createHash, createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { JwtVerifier, OAuth2Upstream } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  answerOf,
  expectInvariants,
  expectRedirectError,
  expectTokenError,
} from '../support/outcomes.js';
import { type ProxyFlow, startFlow, type TestClient, tokensOf } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

type Claims = Record<string, unknown>;

const trusted = generateKeyPairSync('rsa', { modulusLength: 2048 });
const untrusted = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ours = {
  ...trusted.publicKey.export({ format: 'jwk' }),
  kid: 'ours',
  alg: 'RS256',
  use: 'sig',
};
let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');

function signed(
  claims: Claims,
  key = trusted.privateKey,
  header: object = { alg: 'RS256', kid: 'ours' },
): string {
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${sign('RSA-SHA256', Buffer.from(input), key).toString('base64url')}`;
}

function claimsOf(token: unknown): Claims {
  return JSON.parse(
    Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString(),
  ) as Claims;
}

const hashOf = (text: string): string =>
  createHash('sha256').update(text).digest().subarray(0, 16).toString('base64url');

describe.each(platforms)('the id_token of a login on %s', (platform) => {
  let flow: ProxyFlow;
  let client: TestClient;

  beforeAll(async () => {
    flow = await startFlow({ idp, platform });
    client = await flow.register();
    // From the first fetch on, the provider has a key that the test can sign with.
    idp.tamperNext('jwks', (body) => ({ keys: [...(body['keys'] as object[]), ours] }));
  });

  afterAll(() => flow.close());

  const loginWith = (make: (claims: Claims, body: Claims) => string) => {
    idp.tamperNext('token', (body) => ({
      ...body,
      id_token: make(claimsOf(body['id_token']), body),
    }));
    const request = flow.authorizationRequest(client);
    return flow.login(client, { request }).then((visit) => ({ visit, request }));
  };

  it.each([
    ['as it is', (c: Claims) => signed(c)],
    [
      'with a hash of the access token',
      (c: Claims, b: Claims) => signed({ ...c, at_hash: hashOf(String(b['access_token'])) }),
    ],
    [
      'for this app among others',
      (c: Claims) => signed({ ...c, aud: [idp.client.id, 'x'], azp: idp.client.id }),
    ],
  ])('is taken %s — CB-16', async (_name, make) => {
    const { visit } = await loginWith(make);
    expect(new URL(visit.url).searchParams.has('code')).toBe(true);
  });

  it.each<[string, (claims: Claims, body: Claims) => string]>([
    ['with a changed signature', (c: Claims) => `${signed(c).slice(0, -4)}AAAA`],
    ['signed by another key', (c: Claims) => signed(c, untrusted.privateKey)],
    ['without a signature', (c: Claims) => `${encode({ alg: 'none' })}.${encode(c)}.`],
    [
      'signed with the client secret',
      (c: Claims) => {
        const input = `${encode({ alg: 'HS256' })}.${encode(c)}`;
        return `${input}.${createHmac('sha256', idp.client.secret).update(input).digest('base64url')}`;
      },
    ],
    ['of another issuer', (c: Claims) => signed({ ...c, iss: 'https://evil.test' })],
    ['of no issuer', (c: Claims) => signed({ ...c, iss: undefined })],
    ['for another app', (c: Claims) => signed({ ...c, aud: 'another-app' })],
    [
      'for another app among others',
      (c: Claims) => signed({ ...c, aud: [idp.client.id, 'x'], azp: 'x' }),
    ],
    ['given to another app', (c: Claims) => signed({ ...c, azp: 'x' })],
    ['of yesterday', (c: Claims) => signed({ ...c, iat: 1_700_000_000, exp: 1_700_003_600 })],
    ['that never expires', (c: Claims) => signed({ ...c, exp: undefined })],
    ['of another login', (c: Claims) => signed({ ...c, nonce: 'another' })],
    ['of no login', (c: Claims) => signed({ ...c, nonce: undefined })],
    ['of nobody', (c: Claims) => signed({ ...c, sub: undefined })],
    ['beside another access token', (c: Claims) => signed({ ...c, at_hash: hashOf('another') })],
    ['that is no JWT', () => 'not-a-jwt'],
  ])('is refused %s, and the tokens given back — CB-16', async (_name, make) => {
    let refreshToken: unknown;
    const { visit, request } = await loginWith((claims, body) => {
      refreshToken = body['refresh_token'];
      return make(claims, body);
    });
    expect(idp.requestsTo('revocation').at(-1)).toMatchObject({
      status: 200,
      form: { token: refreshToken },
    });
    const error = new URL(visit.url).searchParams.get('error') ?? 'none';
    expect(['server_error', 'temporarily_unavailable']).toContain(error);
    expectRedirectError(answerOf(visit), flow, request, error);
  });

  it('of somebody who answers for another name gives that name alone — CB-18', async () => {
    idp.tamperNext('token', (body) => ({
      ...body,
      id_token: signed({ ...claimsOf(body['id_token']), sub: 'carol', email: 'alice@example.com' }),
    }));
    const tokens = await flow.tokensFor(client);
    const claims = claimsOf(tokens.access_token);
    expect(claims).toMatchObject({ sub: 'carol', iss: flow.issuer });
  });

  it("cannot set what the app's own tokens say of themselves — CB-16", async () => {
    idp.tamperNext('token', (body) => ({
      ...body,
      id_token: signed({ ...claimsOf(body['id_token']), scope: 'admin', client_id: 'x', sid: 'y' }),
    }));
    const tokens = tokensOf(await flow.redeem(await flow.codeFor(client)));
    const claims = claimsOf(tokens.access_token);
    expect(claims).toMatchObject({ scope: tokens.scope, client_id: client.id, aud: flow.app.url });
    expect(claims['sid']).not.toBe('y');
  });
});

/** A provider whose access tokens nobody can read: the id_token, verified as a token, says who it is. */
describe.each(platforms)('the id_token of an OAuth2Upstream on %s', (platform) => {
  let clock: ManualClock;
  let flow: ProxyFlow;
  let client: TestClient;

  beforeAll(async () => {
    clock = new ManualClock();
    const upstream = new OAuth2Upstream({
      authorizationEndpoint: idp.endpoint('authorization'),
      tokenEndpoint: idp.endpoint('token'),
      revocationEndpoint: idp.endpoint('revocation'),
      clientId: idp.client.id,
      clientSecret: idp.client.secret,
      scopes: ['openid', 'email', 'offline_access'],
      embedClaims: ['email'],
      tokenToVerify: 'id_token',
      tokenVerifier: new JwtVerifier({
        jwksUri: idp.endpoint('jwks'),
        issuer: idp.issuer,
        audience: idp.client.id,
      }),
    });
    idp.tamperNext('jwks', (body) => ({ keys: [...(body['keys'] as object[]), ours] }));
    flow = await startFlow({ idp, platform, clock, proxy: { upstream } });
    client = await flow.register();
  });

  afterAll(() => flow.close());

  const answerWith = (make: (claims: Claims, body: Claims) => string | undefined): Claims => {
    const fresh: Claims = {};
    idp.tamperNext('token', (body) => {
      Object.assign(fresh, body);
      return { ...body, id_token: make(claimsOf(body['id_token']), body) };
    });
    return fresh;
  };

  it('says who logged in', async () => {
    answerWith((c) => signed({ ...c, sub: 'carol', email: 'carol@example.com' }));
    const tokens = await flow.tokensFor(client);
    expect(claimsOf(tokens.access_token)).toMatchObject({
      sub: 'carol',
      email: 'carol@example.com',
    });
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
  });

  it.each<[string, (claims: Claims, body: Claims) => string | undefined]>([
    ['that is not there', () => undefined],
    ['that is no JWT', () => 'not-a-jwt'],
    ['that is the access token', (_c, body) => String(body['access_token'])],
    ['signed by another key', (c) => signed(c, untrusted.privateKey)],
    ['of another issuer', (c) => signed({ ...c, iss: 'https://evil.test' })],
    ['for another app', (c) => signed({ ...c, aud: 'another-app' })],
    ['given to another app', (c) => signed({ ...c, azp: 'x' })],
    ['of yesterday', (c) => signed({ ...c, iat: 1_700_000_000, exp: 1_700_003_600 })],
    ['of another login', (c) => signed({ ...c, nonce: 'another' })],
    ['of no login', (c) => signed({ ...c, nonce: undefined })],
    ['of nobody', (c) => signed({ ...c, sub: undefined })],
    ['beside another access token', (c) => signed({ ...c, at_hash: hashOf('another') })],
  ])('is refused %s, and the tokens given back — CB-16', async (_name, make) => {
    const fresh = answerWith(make);
    const request = flow.authorizationRequest(client);
    const visit = await flow.login(client, { request });
    expectRedirectError(answerOf(visit), flow, request, 'server_error');
    expect(idp.requestsTo('revocation').at(-1)).toMatchObject({
      status: 200,
      form: { token: fresh['refresh_token'] },
    });
  });

  describe('at a refresh', () => {
    const dueTokens = async () => {
      // The verifier of the upstream's tokens goes by the machine's clock.
      clock.set(Math.floor(Date.now() / 1000));
      const tokens = await flow.tokensFor(client);
      clock.advance(301);
      return tokens;
    };

    it.each<[string, (claims: Claims) => string | undefined]>([
      ['of the same user', (c) => signed(c)],
      [
        'of the same user that has expired',
        (c) => signed({ ...c, iat: 1_700_000_000, exp: 1_700_003_600 }),
      ],
      ['of the same user by a key not yet known', (c) => signed(c, untrusted.privateKey)],
      ['that cannot be read', () => 'not-a-jwt'],
      ['that is not there', () => undefined],
    ])('may be one %s', async (_name, make) => {
      const { refresh_token } = await dueTokens();
      answerWith(make);
      expect((await flow.refresh(refresh_token, client)).status).toBe(200);
    });

    it('tells the operator of one that could not be verified', async () => {
      const told = () => flow.log.matching('error', 'upstream.token_unverifiable').length;
      for (const [key, events] of [[trusted, 0] as const, [untrusted, 1] as const]) {
        const { refresh_token } = await dueTokens();
        const before = told();
        answerWith((c) => signed(c, key.privateKey));
        expect((await flow.refresh(refresh_token, client)).status).toBe(200);
        expect(told() - before).toBe(events);
      }
    });

    it.each<[string, (claims: Claims) => string | undefined]>([
      ['of another user', (c) => signed({ ...c, sub: 'mallory' })],
      ['for another app', (c) => signed({ ...c, aud: 'x' })],
      ['of another issuer', (c) => signed({ ...c, iss: 'https://evil.test' })],
      [
        'of another user by a key not yet known',
        (c) => signed({ ...c, sub: 'mallory' }, untrusted.privateKey),
      ],
    ])('ends the grant when it is one %s', async (_name, make) => {
      const { access_token, refresh_token } = await dueTokens();
      const fresh = answerWith(make);
      expectTokenError(await flow.refresh(refresh_token, client), flow, 'invalid_grant');
      expect(await flow.isAccepted(access_token)).toBe(false);
      expect(idp.requestsTo('revocation').at(-1)?.form?.['token']).toBe(fresh['refresh_token']);
    });
  });
});

describe.each(platforms)("the upstream's discovery document on %s", (platform) => {
  let flow: ProxyFlow;

  beforeEach(async () => {
    flow = await startFlow({ idp, platform });
  });

  afterEach(() => flow.close());

  it.each([
    ['another issuer', 502, (b: Claims) => ({ ...b, issuer: 'https://evil.test' })],
    [
      'a token endpoint without TLS',
      503,
      (b: Claims) => ({ ...b, token_endpoint: 'http://evil.test/token' }),
    ],
    [
      'an authorization endpoint that is a script',
      503,
      (b: Claims) => ({ ...b, authorization_endpoint: 'javascript:alert(1)' }),
    ],
    ['no token endpoint', 503, (b: Claims) => ({ ...b, token_endpoint: undefined })],
    ['keys without TLS', 503, (b: Claims) => ({ ...b, jwks_uri: 'http://evil.test/jwks' })],
  ] as const)('stops a login when it names %s — CB-23', async (_name, serverFault, tamper) => {
    const client = await flow.register();
    const browser = new Browser();
    const page = await flow.consentPage(flow.authorizationRequest(client), browser);
    const before = idp.requests.length;
    idp.tamperNext('discovery', tamper);
    const answer = answerOf(await browser.approve(page));
    expectInvariants(answer, { issuer: flow.issuer, serverFault });
    expect(answer.status).toBe(serverFault);
    expect(answer.text).not.toMatch(/evil|discovery/);
    expect(idp.requests.slice(before).map((r) => r.path)).toEqual([
      '/.well-known/openid-configuration',
    ]);
    // Nothing was lost: the same page can be answered again.
    expect((await browser.approve(page, flow.atIdp)).stopped).toBe(true);
  });
});
