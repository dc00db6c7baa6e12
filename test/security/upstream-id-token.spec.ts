// OpenID Connect Core §3.1.3.7, §3.1.3.8; RFC 8414 §3.3: whom the upstream may say logged in.
import { createHash, createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { answerOf, expectInvariants, expectRedirectError } from '../support/outcomes.js';
import { type ProxyFlow, startFlow, type TestClient, tokensOf } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

type Claims = Record<string, unknown>;

const trusted = generateKeyPairSync('rsa', { modulusLength: 2048 });
const untrusted = generateKeyPairSync('rsa', { modulusLength: 2048 });
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
    const jwk = {
      ...trusted.publicKey.export({ format: 'jwk' }),
      kid: 'ours',
      alg: 'RS256',
      use: 'sig',
    };
    // From the first fetch on, the provider has a key that the test can sign with.
    idp.tamperNext('jwks', (body) => ({ keys: [...(body['keys'] as object[]), jwk] }));
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

  it.each([
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
  ])('is refused %s — CB-16', async (_name, make) => {
    const { visit, request } = await loginWith(make);
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
