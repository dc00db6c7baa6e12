// Security matrix RI-09, MD-07; RFC 7662: who may ask what a token is worth, and what they are told.
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type IntrospectionClient, MultiAuthService } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectInvariants, expectStoreUntouched, expectTokenError } from '../support/outcomes.js';
import {
  type Answer,
  jsonOf,
  type ProxyFlow,
  type SendOptions,
  startFlow,
  type TestClient,
  type Tokens,
  tokensOf,
} from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const [secret, hashed, narrow] = Array.from({ length: 3 }, () =>
  randomBytes(32).toString('base64'),
) as [string, string, string];
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const introspectionClients: readonly IntrospectionClient[] = [
  { id: 'files', secret },
  { id: 'mail & more: é', secretHash: sha256(hashed) },
  { id: 'second', secret: narrow, resources: ['second'] },
];
let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

const basic = (id: string, password: string): string =>
  `Basic ${Buffer.from(`${id}:${password}`).toString('base64')}`;

describe.each(platforms)('introspection on %s', (platform) => {
  let clock: ManualClock;
  let flow: ProxyFlow;
  let client: TestClient;
  let tokens: Tokens;

  beforeAll(async () => {
    clock = new ManualClock();
    flow = await startFlow({ idp, platform, clock, proxy: { introspectionClients } });
    client = await flow.register();
    tokens = await flow.tokensFor(client);
  });

  afterAll(() => flow.close());

  const ask = (
    form: Readonly<Record<string, string>>,
    authorization: string | null = basic('files', secret),
  ): Promise<Answer> =>
    flow.send('/introspect', { form, headers: authorization === null ? {} : { authorization } });

  const expectAnswer = (answer: Answer, body: unknown): void => {
    expectInvariants(answer, { issuer: flow.issuer });
    expect({ status: answer.status, body: jsonOf(answer) }).toEqual({ status: 200, body });
    expect(answer.headers['pragma']).toBe('no-cache');
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  };

  const activeBody = (of: Tokens): object => {
    const [payload = ''] = of.access_token.split('.').slice(1);
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Tokens & object;
    const { iss, sub, aud, scope, sid, jti, iat, exp } = claims as Record<string, unknown> & Tokens;
    return {
      active: true,
      token_type: 'Bearer',
      client_id: client.id,
      iss,
      sub,
      aud,
      scope,
      sid,
      jti,
      iat,
      exp,
    };
  };

  it('tells a resource server what a token is worth, and nothing of the user but the name', async () => {
    const answer = await ask({ token: tokens.access_token });
    expectAnswer(answer, activeBody(tokens));
    expect(jsonOf(answer)).toMatchObject({
      iss: flow.issuer,
      sub: 'alice',
      aud: flow.app.url,
      scope: 'notes:read mcp:use',
    });
    expect(answer.text).not.toContain('alice@example.com');
    // The hint is only a hint (RFC 7662 §2.1), and what is unknown is ignored.
    for (const token_type_hint of ['refresh_token', 'access_token', 'nonsense']) {
      const form = { token: tokens.access_token, token_type_hint, more: 'x' };
      expectAnswer(await ask(form), activeBody(tokens));
    }
  });

  it.each<[string, SendOptions]>([
    ['in the header', { headers: { authorization: basic('files', secret) } }],
    [
      'in the header, its scheme in small letters',
      { headers: { authorization: basic('files', secret).replace('Basic', 'basic') } },
    ],
    ['in the form', { form: { client_id: 'files', client_secret: secret } }],
    [
      'in the header, form-encoded',
      {
        headers: {
          authorization: basic(encodeURIComponent('mail & more: é'), encodeURIComponent(hashed)),
        },
      },
    ],
    [
      'in the form, with a secret of which only the hash is known',
      { form: { client_id: 'mail & more: é', client_secret: hashed } },
    ],
  ])('takes the secret %s', async (_name, { form, ...options }) => {
    const sent = { ...options, form: { ...(form as object), token: tokens.access_token } };
    expectAnswer(await flow.send('/introspect', sent), activeBody(tokens));
  });

  it.each<[string, SendOptions, 'basic' | 'form']>([
    ['nobody', {}, 'form'],
    ['an id alone', { form: { client_id: 'files' } }, 'form'],
    ['a wrong secret', { form: { client_id: 'files', client_secret: hashed } }, 'form'],
    ['no id', { form: { client_secret: secret } }, 'form'],
    [
      'a secret that is a hash',
      { form: { client_id: 'files', client_secret: sha256(secret) } },
      'form',
    ],
    ['a wrong secret', { headers: { authorization: basic('files', narrow) } }, 'basic'],
    ['an empty secret', { headers: { authorization: basic('files', '') } }, 'basic'],
    ['an unknown id', { headers: { authorization: basic('nobody', secret) } }, 'basic'],
    ['an id like another', { headers: { authorization: basic('Files', secret) } }, 'basic'],
    ['no credentials at all', { headers: { authorization: 'Basic' } }, 'basic'],
    ['another scheme', { headers: { authorization: 'Bearer x' } }, 'basic'],
  ])('answers 401 to %s — RI-09', async (_name, { form, ...options }, attempt) => {
    await expectStoreUntouched(flow, async () => {
      const sent = { ...options, form: { ...(form as object), token: tokens.access_token } };
      const answer = await flow.send('/introspect', sent);
      expectTokenError(answer, flow, 'invalid_client', 401);
      const challenge = attempt === 'basic' ? expect.stringMatching(/^Basic /) : undefined;
      expect(answer.headers['www-authenticate']).toEqual(challenge);
    });
  });

  it('answers 401 to a client of this server, confidential or not — RI-09', async () => {
    const confidential = await flow.register({ token_endpoint_auth_method: 'client_secret_post' });
    const own = await flow.tokensFor(confidential);
    for (const [id, password] of [
      [confidential.id, confidential.secret ?? ''],
      [client.id, ''],
    ] as const) {
      const answer = await ask({ token: own.access_token }, basic(id, password));
      expectTokenError(answer, flow, 'invalid_client', 401);
    }
    const bearer = await ask({ token: own.access_token }, `Bearer ${own.access_token}`);
    expectTokenError(bearer, flow, 'invalid_client', 401);
  });

  it('says before anything else who may not ask — RI-09', async () => {
    expectTokenError(await ask({}, null), flow, 'invalid_client', 401);
    expectTokenError(await ask({}), flow, 'invalid_request');
    expectTokenError(await ask({ token: '' }), flow, 'invalid_request');
  });

  it('tells a resource server nothing of the tokens of another — RI-09', async () => {
    const request = flow.authorizationRequest(client).with({ resource: `${flow.app.origin}/mcp2` });
    const held = await flow.codeFor(client, { request });
    const form = flow.tokenRequest(held).with({ resource: `${flow.app.origin}/mcp2` });
    const second = tokensOf(await flow.token(form));
    const asSecond = basic('second', narrow);
    expectAnswer(await ask({ token: tokens.access_token }, asSecond), { active: false });
    expectAnswer(await ask({ token: second.access_token }, asSecond), activeBody(second));
    expectAnswer(await ask({ token: second.access_token }), activeBody(second));
  });

  it('knows nothing but living access tokens of its own — RI-09', async () => {
    const [header = '', payload = '', signature = ''] = tokens.access_token.split('.');
    const held = await flow.codeFor(client);
    await expectStoreUntouched(flow, async () => {
      for (const token of [
        'x',
        'a.b.c',
        '..',
        'x'.repeat(8000),
        tokens.refresh_token,
        held.code,
        secret,
        // A header that is no JSON, and would break whoever reads it as such.
        `${Buffer.from('{"\\q":1,"\\q":1}').toString('base64url')}.${payload}.${signature}`,
        `${header}.${payload}.`,
        `${header}.${payload}.${signature.slice(0, -2)}AA`,
        `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${payload}.`,
      ]) {
        expectAnswer(await ask({ token }), { active: false });
      }
    });
  });

  it('knows at once of every end of a token — RI-09', async () => {
    const [revoked, ended, all, expired] = [
      await flow.tokensFor(client),
      await flow.tokensFor(client),
      await flow.tokensFor(client, { user: 'bob' }),
      await flow.tokensFor(client),
    ];
    for (const one of [revoked, ended, all, expired]) {
      expect(jsonOf(await ask({ token: one.access_token }))).toMatchObject({ active: true });
    }
    await flow.revoke(revoked.access_token, client);
    await flow.revoke(ended.refresh_token, client);
    const service = flow.app.app.get(MultiAuthService, { strict: false });
    await service.revokeAll({ subject: 'bob' });
    for (const one of [revoked, ended, all]) {
      expectAnswer(await ask({ token: one.access_token }), { active: false });
    }
    clock.advance(expired.expires_in);
    expectAnswer(await ask({ token: expired.access_token }), { active: false });
    tokens = await flow.tokensFor(client);
  });

  it('is no verdict when the store is down', async () => {
    flow.app.store.failNext('get', undefined, 'access-token:');
    const answer = await ask({ token: tokens.access_token });
    expectInvariants(answer, { issuer: flow.issuer, serverFault: 503 });
    expect(answer.status).toBe(503);
    expect(answer.text).not.toContain('active');
    expectAnswer(await ask({ token: tokens.access_token }), activeBody(tokens));
  });

  it('takes one form by POST, and nothing twice — CA-10', async () => {
    const headers = { authorization: basic('files', secret) };
    const { access_token: token } = tokens;
    const query = await flow.send(`/introspect?token=${token}`, { headers });
    expect(query.status).toBe(405);
    expect(query.headers['allow']).toBe('POST, OPTIONS');
    expect(query.text).not.toContain('alice');
    const json = await flow.send('/introspect', { json: { token }, headers });
    expectTokenError(json, flow, 'invalid_request');
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    for (const again of [`token=${token}`, 'token_type_hint=a&token_type_hint=b', 'x[]=y']) {
      const body = `token=${token}&${again}`;
      const twice = await flow.send('/introspect', { body, headers: { ...headers, ...type } });
      expectTokenError(twice, flow, 'invalid_request');
    }
    const both = { token, client_id: 'files', client_secret: secret };
    expectTokenError(await ask(both), flow, 'invalid_request');
  });

  it('is limited for whoever guesses at a secret, and for nobody else — RI-09, CA-14', async () => {
    const proxy = {
      introspectionClients,
      rateLimits: { failedAuthentications: { max: 1, windowSeconds: 300 } },
    };
    const limited = await startFlow({ idp, platform, clock, proxy });
    try {
      const send = (id: string, password: string) =>
        limited.send('/introspect', {
          form: { token: 'x' },
          headers: { authorization: basic(id, password) },
        });
      const statuses = new Set<number>();
      // An address that may be a proxy's has fifty times as many.
      for (let i = 0; i < 51; i++) statuses.add((await send('files', `wrong-${i}`)).status);
      expect([...statuses]).toEqual([401, 429]);
      const held = await send('files', secret);
      expectTokenError(held, limited, 'temporarily_unavailable', 429 as 400);
      expect(Number(held.headers['retry-after'])).toBeGreaterThan(0);
      expect((await send('second', narrow)).status).toBe(200);
    } finally {
      await limited.close();
    }
  });

  it('is in the metadata, with the ways to authenticate that work — MD-07', async () => {
    const answer = await flow.send('/.well-known/oauth-authorization-server');
    expect(jsonOf(answer)).toMatchObject({
      introspection_endpoint: `${flow.issuer}/introspect`,
      introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    });
  });

  it.each([
    ['the option', {}],
    ['anyone in it', { introspectionClients: [] }],
  ])('is not there without %s — MD-07', async (_name, proxy) => {
    const plain = await startFlow({ idp, platform, clock, proxy });
    try {
      const answer = await plain.send('/.well-known/oauth-authorization-server');
      const members = Object.keys(jsonOf(answer) as object);
      expect(members.filter((name) => name.startsWith('introspection'))).toEqual([]);
      const form = { token: 'x', client_id: 'files', client_secret: secret };
      expect((await plain.send('/introspect', { form })).status).toBe(404);
    } finally {
      await plain.close();
    }
  });

  it.each<[string, IntrospectionClient, string]>([
    ['a guessable secret', { id: 'a', secret: 'password' }, 'introspectionClients[0].secret'],
    ['an unknown resource', { id: 'a', secret, resources: ['x'] }, 'introspectionClients[0].res'],
  ])('does not start with %s — CF-01', async (_name, wrong, path) => {
    const start = startFlow({ idp, platform, proxy: { introspectionClients: [wrong] } });
    await expect(start).rejects.toThrow(`server.${path}`);
  });

  it('never shows a secret, in the store or in the log — U5', () => {
    for (const text of [secret, hashed, narrow]) {
      expect(flow.app.store.contains(text)).toBe(false);
      expect(flow.log.contains(text)).toBe(false);
    }
  });
});
