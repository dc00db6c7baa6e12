// RFC 6585 §4, RFC 7591 §5: how much one address may ask for, over all instances together.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { MemoryStore, type OAuthProxyOptions } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { freePort } from '../support/free-port.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  expectBegun,
  expectInvariants,
  expectStoreUntouched,
  expectTokenError,
} from '../support/outcomes.js';
import {
  type Answer,
  clientRedirect,
  jsonOf,
  type ProxyFlow,
  startFlow,
  type TestClient,
  tokensOf,
} from '../support/proxy-flow.js';
import type { ProtectedAppOptions } from '../support/protected-app.js';
import { StoreSpy } from '../support/store-spy.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const attacker = '8.8.8.8';
const somebody = '9.9.9.9';
const metadata = { redirect_uris: [clientRedirect] };
let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

const from = (address: string): Record<string, string> => ({ 'x-forwarded-for': address });

const times = async <T>(count: number, action: (i: number) => Promise<T>): Promise<T[]> => {
  const results: T[] = [];
  // Fifty at a time: what a busy host sees, and what the sockets of a test bear.
  for (let i = 0; i < count; i += 50) {
    const batch = Array.from({ length: Math.min(50, count - i) }, (_, j) => action(i + j));
    results.push(...(await Promise.all(batch)));
  }
  return results;
};

const statuses = (answers: readonly Answer[]): Record<number, number> => {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};

describe.each(platforms)('limits on %s', (platform) => {
  const running: ProxyFlow[] = [];

  afterEach(async () => {
    for (const flow of running.splice(0)) await flow.close();
  });

  const start = async (
    proxy: Partial<OAuthProxyOptions> = {},
    options: Partial<ProtectedAppOptions> = {},
  ): Promise<{ flow: ProxyFlow; clock: ManualClock }> => {
    const clock = new ManualClock();
    const flow = await startFlow({
      idp,
      platform,
      clock,
      trustProxy: 'loopback',
      ...options,
      proxy: { rateLimits: {}, ...proxy },
    });
    running.push(flow);
    return { flow, clock };
  };

  const register = (flow: ProxyFlow, address: string, more: object = {}): Promise<Answer> =>
    flow.send('/register', { json: { ...metadata, ...more }, headers: from(address) });

  const begin = (flow: ProxyFlow, client: TestClient, address: string): Promise<Answer> =>
    flow.authorize(flow.authorizationRequest(client), { ...from(address), accept: 'text/html' });

  const confidential = (flow: ProxyFlow): Promise<TestClient> =>
    flow.register({ token_endpoint_auth_method: 'client_secret_post' });

  const guess = (flow: ProxyFlow, { id }: TestClient, address: string, i = 0): Promise<Answer> =>
    flow.token(
      flow.refreshRequest('x', { id, redirectUri: '', secret: `guess-${i}` }),
      from(address),
    );

  const expectTooMany = (answer: Answer, flow: ProxyFlow, atMostSeconds: number): void => {
    expectInvariants(answer, { issuer: flow.issuer });
    expect(answer.status).toBe(429);
    expect(answer.headers['location']).toBeUndefined();
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/);
    expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(atMostSeconds);
  };

  it('stops one address that registers ten thousand clients, and nobody else — DCR-17', async () => {
    const { flow, clock } = await start();
    const answers = await times(1000, () => register(flow, attacker));
    expect(statuses(answers)).toEqual({ 201: 60, 429: 940 });
    const kept = (name: string): number =>
      flow.app.store.live().filter(({ key }) => key.startsWith(`${name}:`)).length;
    expect([kept('client'), kept('rate-limit')]).toEqual([60, 60]);
    // What is refused costs the store nothing, however much of it there is.
    const before = flow.app.store.total();
    await times(500, () => register(flow, attacker));
    expect(flow.app.store.total()).toBe(before);
    const refused = await expectStoreUntouched(flow, () => register(flow, attacker));
    expectTooMany(refused, flow, 60);
    expect((await register(flow, somebody)).status).toBe(201);
    clock.advance(Number(refused.headers['retry-after']) - 1);
    expect((await register(flow, attacker)).status).toBe(429);
    clock.advance(1);
    expect((await register(flow, attacker)).status).toBe(201);
  });

  it('answers beyond a limit as RFC 6585 has it, for programs and for persons — DS-09', async () => {
    const one = { max: 1, windowSeconds: 600 };
    const { flow } = await start({ rateLimits: { registrations: one, authorizations: one } });
    const client = await flow.register();
    const origin = { ...from('127.0.0.1'), origin: 'https://app.test' };
    await times(60, () => flow.send('/register', { json: metadata, headers: origin }));
    const program = await flow.send('/register', { json: metadata, headers: origin });
    expectTooMany(program, flow, 600);
    expect(jsonOf(program)).toEqual({
      error: 'temporarily_unavailable',
      error_description: expect.stringMatching(/^[\w .]+$/),
    });
    // Browsers may read it as they may read a success (CR-06).
    expect(program.headers['access-control-allow-origin']).toBe('*');
    expect(program.headers['access-control-expose-headers']).toContain('Retry-After');
    expectBegun(await begin(flow, client, somebody), flow);
    const person = await begin(flow, client, somebody);
    expectTooMany(person, flow, 600);
    expect(person.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(person.headers['access-control-allow-origin']).toBeUndefined();
    expect(person.text).toMatch(/too many logins/);
    expect(person.text).toMatch(/wait a few minutes/);
  });

  it('stops one address that begins login after login, and nobody else — AQ-18', async () => {
    const { flow, clock } = await start();
    const client = await flow.register();
    const answers = await times(1000, () => begin(flow, client, attacker));
    expect(statuses(answers)).toEqual({ 302: 600, 429: 400 });
    const begun = flow.app.store.live().filter(({ key }) => key.startsWith('transaction:'));
    expect(begun).toHaveLength(600);
    expect(begun.every(({ ttlSeconds }) => ttlSeconds <= 600)).toBe(true);
    const before = flow.app.store.counts.add;
    expectTooMany(await expectStoreUntouched(flow, () => begin(flow, client, attacker)), flow, 600);
    expect(flow.app.store.counts.add).toBe(before);
    expectBegun(await begin(flow, client, somebody), flow);
    // Whoever logs in elsewhere notices nothing.
    const { access_token } = await flow.tokensFor(client, { browser: new Browser() });
    expect(await flow.isAccepted(access_token)).toBe(true);
    clock.advance(600);
    expectBegun(await begin(flow, client, attacker), flow);
  });

  it('counts what is stored: who is refused for another reason uses nothing up', async () => {
    const once = { max: 1, windowSeconds: 600 };
    const { flow } = await start({ rateLimits: { registrations: once, authorizations: once } });
    const client = await flow.register();
    await expectStoreUntouched(flow, async () => {
      for (let i = 0; i < 3; i++) {
        expect((await register(flow, attacker, { redirect_uris: [] })).status).toBe(400);
        expect((await begin(flow, { ...client, id: 'nobody' }, attacker)).status).toBe(400);
        const wrong = flow.authorizationRequest(client).with({ response_type: 'token' });
        expect((await flow.authorize(wrong, from(attacker))).status).toBe(302);
      }
    });
    expect((await register(flow, attacker)).status).toBe(201);
    expectBegun(await begin(flow, client, attacker), flow);
    expect((await register(flow, attacker)).status).toBe(429);
    expect((await begin(flow, client, attacker)).status).toBe(429);
  });

  it('stops who tries secrets, and lets the client go on elsewhere — CA-14', async () => {
    const { flow, clock } = await start();
    const client = await confidential(flow);
    let { refresh_token } = await flow.tokensFor(client);
    for (let i = 0; i < 20; i++) {
      expectTokenError(await guess(flow, client, attacker, i), flow, 'invalid_client', 401);
    }
    const refused = await guess(flow, client, attacker, 20);
    expectTooMany(refused, flow, 300);
    expect(jsonOf(refused)).toMatchObject({ error: 'temporarily_unavailable' });
    // No answer tells the right secret from the wrong ones any more.
    const right = flow.refreshRequest(refresh_token, client);
    const unseen = await expectStoreUntouched(flow, () => flow.token(right, from(attacker)));
    expect({ status: unseen.status, text: unseen.text }).toEqual({
      status: 429,
      text: refused.text,
    });
    expect((await flow.send('/revoke', { form: right, headers: from(attacker) })).status).toBe(429);
    // The client, at its own address, and another client at the attacker's.
    ({ refresh_token } = tokensOf(await flow.token(right, from(somebody))));
    const other = await confidential(flow);
    const its = await flow.tokensFor(other);
    tokensOf(await flow.token(flow.refreshRequest(its.refresh_token, other), from(attacker)));
    expect((await guess(flow, client, somebody)).status).toBe(401);
    clock.advance(300);
    expect((await guess(flow, client, attacker)).status).toBe(401);
    tokensOf(await flow.token(flow.refreshRequest(refresh_token, client), from(attacker)));
  });

  it('never counts what succeeds: all users of a hosted client have one address — CA-14', async () => {
    const once = { max: 1, windowSeconds: 300 };
    const { flow } = await start({ rateLimits: { failedAuthentications: once } });
    const client = await confidential(flow);
    const open = await flow.register();
    const users = [await flow.tokensFor(client), await flow.tokensFor(client)];
    for (let round = 0; round < 5; round++) {
      for (const [i, user] of users.entries()) {
        const form = flow.refreshRequest(user.refresh_token, client);
        users[i] = tokensOf(await flow.token(form, from(attacker)));
      }
    }
    // Nor a secret that is right only once it is decoded (RFC 6749 §2.3.1).
    const byHeader = await flow.register({ token_endpoint_auth_method: 'client_secret_basic' });
    const { secret = '' } = byHeader;
    const escaped = Buffer.from(secret).toString('hex').replaceAll(/../g, '%$&');
    const credentials = Buffer.from(`${byHeader.id}:${escaped}`).toString('base64');
    for (let i = 0; i < 5; i++) {
      const headers = { ...from(attacker), authorization: `Basic ${credentials}` };
      const form = { grant_type: 'refresh_token', refresh_token: 'made-up' };
      expectTokenError(await flow.send('/token', { form, headers }), flow, 'invalid_grant');
    }
    // Nor what is wrong with a code or a token, and nothing of who has no secret to find.
    for (let i = 0; i < 5; i++) {
      const stale = flow.refreshRequest('made-up', client);
      expectTokenError(await flow.token(stale, from(attacker)), flow, 'invalid_grant');
      const silent = stale.without('client_secret');
      const refused = await flow.token(silent, from(attacker));
      expectTokenError(refused, flow, 'invalid_client', 401);
      const anybody = flow.refreshRequest('made-up', open);
      expectTokenError(await flow.token(anybody, from(attacker)), flow, 'invalid_grant');
    }
    const slots = flow.app.store.dump().filter(({ key }) => key.startsWith('rate-limit:'));
    const kinds = slots.filter(({ ttlSeconds }) => ttlSeconds === 300);
    expect(kinds).toEqual([]);
  });

  it('stores nothing for clients that do not exist — CA-14, DS-03', async () => {
    const { flow } = await start();
    const open = await flow.register();
    await expectStoreUntouched(flow, async () => {
      for (let i = 0; i < 30; i++) {
        const nobody = { id: `nobody-${i}`, redirectUri: '' };
        expectTokenError(await guess(flow, nobody, attacker), flow, 'invalid_client', 401);
        expectTokenError(await guess(flow, open, attacker), flow, 'invalid_client', 401);
      }
    });
  });

  it('lets no wrong secret in and no right one out while it cannot count — DS-05', async () => {
    const { flow } = await start();
    const client = await confidential(flow);
    const { refresh_token } = await flow.tokensFor(client);
    const down = new Error('the store is down');
    for (let i = 0; i < 30; i++) {
      flow.app.store.failNext('get', down, 'rate-limit:');
      flow.app.store.failNext('add', down, 'rate-limit:');
      expectTokenError(await guess(flow, client, attacker, i), flow, 'invalid_client', 401);
    }
    flow.app.store.failNext('get', down, 'rate-limit:');
    const form = flow.refreshRequest(refresh_token, client);
    expect(
      await flow.isAccepted(tokensOf(await flow.token(form, from(attacker))).access_token),
    ).toBe(true);
  });

  it('registers nobody and begins no login without the store — DS-05', async () => {
    const { flow } = await start({ rateLimits: { registrations: { max: 1, windowSeconds: 600 } } });
    const client = await flow.register();
    const unavailable = (answer: Answer): void => {
      expectInvariants(answer, { issuer: flow.issuer, serverFault: 503 });
      expect(answer.status).toBe(503);
      expect(answer.headers['retry-after']).toMatch(/^\d+$/);
    };
    for (let i = 0; i < 5; i++) {
      flow.app.store.failNext('add', new Error('down'), 'rate-limit:');
      unavailable(await expectStoreUntouched(flow, () => register(flow, attacker)));
      flow.app.store.failNext('add', new Error('down'), 'rate-limit:');
      unavailable(await expectStoreUntouched(flow, () => begin(flow, client, attacker)));
    }
    // Nothing of it was held against anybody.
    expect((await register(flow, attacker)).status).toBe(201);
    expectBegun(await begin(flow, client, attacker), flow);
  });

  it('counts over all instances together — DS-05', async () => {
    const clock = new ManualClock();
    const store = new StoreSpy(new MemoryStore({ clock }));
    const origin = `http://127.0.0.1:${await freePort()}`;
    const limit = { max: 40, windowSeconds: 600 };
    const rateLimits = { registrations: limit, authorizations: limit };
    const instance = async (): Promise<ProxyFlow> =>
      (await start({ rateLimits }, { clock, store, origin, port: await freePort() })).flow;
    const flows = [await instance(), await instance()];
    const [one, two] = flows as [ProxyFlow, ProxyFlow];
    const inTurn = (i: number): ProxyFlow => (i % 2 === 0 ? one : two);
    const registered = await times(100, (i) => register(inTurn(i), attacker));
    expect(statuses(registered)).toEqual({ 201: 40, 429: 60 });
    const client = await one.register();
    const apart = [
      ...(await times(39, () => begin(one, client, attacker))),
      ...(await times(10, () => begin(two, client, attacker))),
    ];
    expect(statuses(apart)).toEqual({ 302: 40, 429: 9 });
    expect((await begin(one, client, attacker)).status).toBe(429);
    const guesses = [];
    const guarded = await confidential(one);
    for (let i = 0; i < 30; i++) guesses.push(await guess(inTurn(i), guarded, attacker, i));
    expect(statuses(guesses)).toEqual({ 401: 20, 429: 10 });
  });

  it('tells the operator once a window, with the address and no secret — LG-05', async () => {
    const { flow } = await start();
    const client = await confidential(flow);
    await times(200, () => register(flow, attacker));
    for (let i = 0; i < 25; i++) await guess(flow, client, '2600:1:2:3::9', i);
    const lines = flow.log.matching('warn', 'rate_limit.reached').map(({ text }) => text);
    expect(lines).toEqual([
      `rate_limit.reached {"limit":"registrations","address":"${attacker}"} MultiAuth`,
      `rate_limit.reached {"limit":"failedAuthentications","address":"2600:1:2:3::/64","clientId":"${client.id}"} MultiAuth`,
    ]);
    expect(flow.log.contains('guess-')).toBe(false);
    expect(flow.app.store.contains(attacker)).toBe(false);
  });

  it('has no limits where the operator wants none', async () => {
    const { flow } = await start({ rateLimits: false });
    const client = await confidential(flow);
    expect(statuses(await times(150, () => register(flow, attacker)))).toEqual({ 201: 150 });
    expect(statuses(await times(30, (i) => guess(flow, client, attacker, i)))).toEqual({ 401: 30 });
    expect(flow.app.store.dump().filter(({ key }) => key.startsWith('rate-limit'))).toEqual([]);
  });
});
