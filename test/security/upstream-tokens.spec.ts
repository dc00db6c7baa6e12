// RFC 8693, RFC 9700 §2.2: the upstream's tokens in the hands of the app's own tools.
import { inspect } from 'node:util';
import { Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  AccessToken,
  JwtVerifier,
  McpAuth,
  MemoryStore,
  UpstreamError,
  UpstreamToken,
  UpstreamTokens,
} from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { bearerOutcome } from '../support/bearer-outcomes.js';
import { eventually } from '../support/eventually.js';
import { FakeIssuer } from '../support/fake-issuer.js';
import { freePort } from '../support/free-port.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectTokenError } from '../support/outcomes.js';
import {
  jsonOf,
  type ProxyFlow,
  startFlow,
  type TestClient,
  type Tokens,
} from '../support/proxy-flow.js';
import { StoreSpy } from '../support/store-spy.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

/** The upstream's token of five minutes is due; ours, of an hour, is not. */
const untilDue = 250;
const lockIsOver = 41;
const proxy = { lifetimes: { accessToken: 3600 } };
let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start({ accessTokenFormat: 'opaque', accessTokenTtlSeconds: 300 });
});

afterEach(() => idp.recover());

afterAll(() => idp.stop());

/** A tool that asks the upstream who the user is. */
@Controller('mcp')
@McpAuth()
class ToolController {
  static seen: AccessToken | undefined;

  constructor(@Inject(UpstreamTokens) private readonly upstream: UpstreamTokens) {}

  @Post()
  @HttpCode(200)
  async handle(@AccessToken() token: AccessToken): Promise<object> {
    ToolController.seen = token;
    try {
      const { accessToken, expiresAt, scopes } = await this.upstream.for(token);
      const user = await fetch(idp.endpoint('userinfo'), {
        headers: { authorization: `Bearer ${accessToken}` },
      });
      return { accessToken, expiresAt, scopes, user: await user.json() };
    } catch (error) {
      if (error instanceof UpstreamError) return { failed: error.kind };
      throw error;
    }
  }
}

interface ToolAnswer {
  readonly accessToken?: string;
  readonly expiresAt?: number;
  readonly scopes?: string[];
  readonly user?: { readonly sub: string };
  readonly failed?: string;
}

async function callTool(flow: ProxyFlow, tokens: Tokens): Promise<ToolAnswer> {
  const answer = await flow.callMcp(tokens.access_token);
  expect(answer.status).toBe(200);
  return jsonOf(answer) as ToolAnswer;
}

const metadataUrl = (flow: ProxyFlow): string =>
  `${flow.app.origin}/.well-known/oauth-protected-resource/mcp`;

describe.each(platforms)("a tool and the upstream's token on %s", (platform) => {
  let clock: ManualClock;
  let flow: ProxyFlow;
  let client: TestClient;
  const controllers = [ToolController];

  beforeEach(async () => {
    clock = new ManualClock();
    flow = await startFlow({ idp, platform, clock, proxy, controllers });
    client = await flow.register();
  });

  afterEach(() => flow.close());

  it('has one that the upstream takes for its user', async () => {
    const tokens = await flow.tokensFor(client, { user: 'bob' });
    const answer = await callTool(flow, tokens);
    expect(answer.user).toMatchObject({ sub: 'bob' });
    expect(answer.expiresAt).toBe(clock.now() + 300);
    expect(answer.scopes?.toSorted()).toEqual(['email', 'offline_access', 'openid', 'profile']);
    expect(answer.accessToken).not.toBe(tokens.access_token);
  });

  it('has a fresh one when the old one is about to expire, and nobody notices', async () => {
    const tokens = await flow.tokensFor(client);
    const seen = [(await callTool(flow, tokens)).accessToken];
    for (const _ of [1, 2, 3]) {
      clock.advance(untilDue);
      seen.push((await callTool(flow, tokens)).accessToken);
      expect((await callTool(flow, tokens)).accessToken).toBe(seen.at(-1));
    }
    expect(new Set(seen).size).toBe(4);
    expect(flow.upstreamGrants('refresh_token')).toBeGreaterThanOrEqual(3);
  });

  it('is told when the upstream has ended the login, which then is over here — RT-16', async () => {
    const tokens = await flow.tokensFor(client);
    idp.endLogins('alice');
    clock.advance(untilDue);
    expect(await callTool(flow, tokens)).toEqual({ failed: 'refused' });
    const next = await flow.callMcp(tokens.access_token);
    expect(bearerOutcome(next, metadataUrl(flow))).toBe('B401i');
    expectTokenError(await flow.refresh(tokens.refresh_token, client), flow, 'invalid_grant');
  });

  it.each(['500', '503', 'garbage', 'disconnect'] as const)(
    'is told of an outage (%s), which costs the user nothing',
    async (failure) => {
      const tokens = await flow.tokensFor(client);
      clock.advance(301);
      idp.failNext('token', failure);
      expect(await callTool(flow, tokens)).toEqual({ failed: 'transient' });
      expect((await callTool(flow, tokens)).user).toMatchObject({ sub: 'alice' });
    },
  );

  it('leaves no trace of it in log and store', async () => {
    const tokens = await flow.tokensFor(client);
    clock.advance(untilDue);
    const { accessToken = '' } = await callTool(flow, tokens);
    expect(accessToken).not.toBe('');
    expect(flow.log.contains(accessToken)).toBe(false);
    expect(flow.app.store.contains(accessToken)).toBe(false);
  });
});

describe.each(platforms)('two instances with one upstream session on %s', (platform) => {
  let clock: ManualClock;
  let shared: MemoryStore;
  let flow: ProxyFlow;
  let peer: ProxyFlow;
  let client: TestClient;
  /** The first instance loses its network to the token endpoint for as long as this is there. */
  let isolation: Promise<Response> | undefined;

  const fetchOfTheFirst: typeof fetch = (url, init) =>
    isolation && url === idp.endpoint('token') ? isolation : fetch(url, init);

  beforeEach(async () => {
    clock = new ManualClock();
    shared = new MemoryStore({ clock });
    const common = { idp, platform, clock, proxy, controllers: [ToolController] };
    const upstream = { fetch: fetchOfTheFirst };
    flow = await startFlow({ ...common, upstream, store: new StoreSpy(shared) });
    const { origin } = flow.app;
    const port = await freePort();
    peer = await startFlow({ ...common, origin, port, store: new StoreSpy(shared) });
    client = await flow.register();
  });

  afterEach(async () => {
    isolation = undefined;
    await peer.close();
    await flow.close();
  });

  it('refresh it once for twenty calls on each — RT-14', async () => {
    const tokens = await flow.tokensFor(client);
    clock.advance(untilDue);
    const before = flow.upstreamGrants('refresh_token');
    const gate = idp.hold('token');
    const calls = Promise.all(
      Array.from({ length: 20 }, () => [callTool(flow, tokens), callTool(peer, tokens)]).flat(),
    );
    await gate.arrived(1);
    gate.release();
    const answers = await calls;
    expect(new Set(answers.map(({ accessToken }) => accessToken)).size).toBe(1);
    expect(answers.every(({ user }) => user?.sub === 'alice')).toBe(true);
    expect(flow.upstreamGrants('refresh_token')).toBe(before + 1);
  });

  it('go on when the one that refreshes dies — RT-14', async () => {
    const tokens = await flow.tokensFor(client);
    clock.advance(301);
    let fail: (error: Error) => void = () => {};
    isolation = new Promise((_resolve, reject) => (fail = reject));
    const locks = flow.app.store.counts.add;
    const dying = callTool(flow, tokens);
    await eventually(() => flow.app.store.counts.add > locks, 'the first has the lock');
    const tries = peer.app.store.counts.add;
    const waiting = callTool(peer, tokens);
    await eventually(() => peer.app.store.counts.add >= tries + 2, 'the second waits for it');
    clock.advance(lockIsOver);
    const { accessToken, user } = await waiting;
    expect(user).toMatchObject({ sub: 'alice' });
    fail(new Error('the process is gone'));
    // What it would have said had it lived: that of the other, and never that the login is over.
    expect((await dying).accessToken).toBe(accessToken);
    clock.advance(301);
    expect((await callTool(flow, tokens)).user).toBeUndefined();
    isolation = undefined;
    expect((await callTool(flow, tokens)).user).toMatchObject({ sub: 'alice' });
  });
});

describe('UpstreamTokens', () => {
  const foreign = new FakeIssuer();
  let clock: ManualClock;
  let flow: ProxyFlow;
  let client: TestClient;
  let tokens: Tokens;
  let upstreamTokens: UpstreamTokens;
  let token: AccessToken;

  const service = (app: ProxyFlow): UpstreamTokens =>
    app.app.app.get(UpstreamTokens, { strict: false });

  beforeAll(async () => {
    await foreign.start();
    clock = new ManualClock();
    const verifiers = [
      new JwtVerifier({ jwksUri: foreign.jwksUri, issuer: foreign.issuer, audience: 'machines' }),
    ];
    flow = await startFlow({
      idp,
      clock,
      proxy,
      verifiers,
      controllers: [ToolController],
      upstream: { extraTokenParams: { audience: 'default', tenant: 't1' } },
    });
    client = await flow.register();
    upstreamTokens = service(flow);
  });

  beforeEach(async () => {
    tokens = await flow.tokensFor(client);
    await callTool(flow, tokens);
    if (!ToolController.seen) throw new Error('The tool was not called.');
    token = ToolController.seen;
  });

  afterAll(async () => {
    await flow.close();
    await foreign.stop();
  });

  const refusal = expect.objectContaining({ name: 'UpstreamError', kind: 'refused' });
  const lastForm = () => idp.requestsTo('token').at(-1)?.form;

  it('answers a token that does not print', async () => {
    const upstream = await upstreamTokens.for(token);
    expect(upstream).toBeInstanceOf(UpstreamToken);
    const printed =
      inspect(upstream) + JSON.stringify(upstream) + inspect(Object.assign({}, upstream));
    expect(printed).not.toContain(upstream.accessToken);
  });

  it('refuses a token of another source, whatever it says of itself', async () => {
    const now = Math.floor(Date.now() / 1000);
    const machine = await foreign.sign({
      sub: token.subject,
      client_id: token.clientId,
      sid: token.claims['sid'],
      aud: 'machines',
      scope: 'mcp:use',
      iat: now,
      exp: now + 60,
    });
    const requests = idp.requests.length;
    expect(await callTool(flow, { ...tokens, access_token: machine })).toEqual({
      failed: 'refused',
    });
    expect(idp.requests).toHaveLength(requests);
  });

  it.each([
    ['of another user', { subject: 'bob' }],
    ['of another client', { clientId: 'another' }],
    ['of another issuer', { issuer: 'https://evil.test' }],
    ['of no login', { claims: {} }],
    ['of an unknown login', { claims: { sid: 'unknown' } }],
  ])('refuses a token %s', async (_name, changes) => {
    await expect(upstreamTokens.for({ ...token, ...changes })).rejects.toEqual(refusal);
    await expect(upstreamTokens.for(token)).resolves.toBeInstanceOf(UpstreamToken);
  });

  it('refuses a token whose login was revoked since', async () => {
    await flow.revoke(tokens.refresh_token, client);
    await expect(upstreamTokens.for(token)).rejects.toEqual(refusal);
  });

  it('has nothing to give in a module without an upstream', async () => {
    const without = new UpstreamTokens();
    await expect(without.for(token)).rejects.toEqual(refusal);
    await expect(without.exchange(token)).rejects.toEqual(refusal);
  });

  it('exchanges the upstream token for one of another service — RFC 8693', async () => {
    const subject = await upstreamTokens.for(token);
    const exchanged = await upstreamTokens.exchange(token, {
      audience: 'calendar',
      resource: 'https://calendar.test/api',
      scopes: ['openid', 'email'],
      requestedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
    });
    expect(lastForm()).toMatchObject({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: subject.accessToken,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: 'calendar',
      resource: 'https://calendar.test/api',
      scope: 'openid email',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    });
    expect(exchanged).toMatchObject({
      expiresAt: clock.now() + 120,
      scopes: ['openid', 'email'],
      issuedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
    });
    const user = await fetch(idp.endpoint('userinfo'), {
      headers: { authorization: `Bearer ${exchanged.accessToken}` },
    });
    expect(await user.json()).toMatchObject({ sub: 'alice', email: 'alice@example.com' });
    expect(inspect(exchanged)).not.toContain(exchanged.accessToken);
  });

  it('sends the extra parameters of every token request along, unless it is told otherwise', async () => {
    await upstreamTokens.exchange(token);
    expect(lastForm()).toMatchObject({ audience: 'default' });
    expect(lastForm()).not.toHaveProperty('scope');
    expect(lastForm()).not.toHaveProperty('resource');
  });

  it('exchanges a fresh token when the old one is about to expire', async () => {
    const before = await upstreamTokens.for(token);
    clock.advance(untilDue);
    await upstreamTokens.exchange(token);
    expect(lastForm()?.['subject_token']).not.toBe(before.accessToken);
    expect(lastForm()?.['subject_token']).toBe((await upstreamTokens.for(token)).accessToken);
  });

  it.each([
    ['invalid_target', 400, 'refused'],
    ['invalid_grant', 400, 'refused'],
    ['unauthorized_client', 403, 'refused'],
    ['slow_down', 429, 'transient'],
    ['server_error', 500, 'transient'],
  ])('says that the upstream answered %s, which ends nothing', async (error, status, kind) => {
    idp.failNext('token', { status, body: { error, error_description: 'about alice' } });
    const exchange = upstreamTokens.exchange(token, { audience: 'x' });
    await expect(exchange).rejects.toEqual(expect.objectContaining({ kind }));
    await expect(exchange).rejects.not.toThrow('about alice');
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    await expect(upstreamTokens.exchange(token)).resolves.toBeInstanceOf(UpstreamToken);
  });

  it('takes the answer for what is no access token, too — RFC 8693 §2.2.1', async () => {
    const issuedTokenType = 'urn:ietf:params:oauth:token-type:saml2';
    idp.tamperNext('token', (body) => ({
      ...body,
      token_type: 'N_A',
      issued_token_type: issuedTokenType,
    }));
    const saml = await upstreamTokens.exchange(token, { requestedTokenType: issuedTokenType });
    expect(saml).toMatchObject({ issuedTokenType });
  });
});
