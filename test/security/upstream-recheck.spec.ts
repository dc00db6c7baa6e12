// A user who was disabled, or logged out, at the upstream: what an access token of ours is worth then.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  JwtVerifier,
  MemoryStore,
  MultiAuthEvents,
  OAuth2Upstream,
  type OAuth2UpstreamOptions,
  type OAuthProxyOptions,
  OidcUpstream,
  TrustedIssuersVerifier,
  type VerificationContext,
  type VerifiedToken,
  VerifierUnavailableError,
} from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { bearerOutcome } from '../support/bearer-outcomes.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectTokenError } from '../support/outcomes.js';
import { type ProxyFlow, startFlow, type TestClient, type Tokens } from '../support/proxy-flow.js';
import { StoreSpy } from '../support/store-spy.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const interval = 60;
/** Its access tokens are for userinfo. */
let opaque: UpstreamIdp;
/** Its access tokens are JWTs for an API, and userinfo refuses them. */
let jwt: UpstreamIdp;
/** Its access tokens are opaque, and there is nothing to refresh them with. */
let fleeting: UpstreamIdp;

beforeAll(async () => {
  opaque = await UpstreamIdp.start({ accessTokenFormat: 'opaque' });
  jwt = await UpstreamIdp.start({ accessTokenFormat: 'jwt' });
  fleeting = await UpstreamIdp.start({ accessTokenFormat: 'opaque', refreshTokens: false });
});

afterEach(() => [opaque, jwt, fleeting].forEach((idp) => idp.recover()));

afterAll(() => Promise.all([opaque, jwt, fleeting].map((idp) => idp.stop())));

const scopes = ['openid', 'profile', 'offline_access'];

function oauth2(idp: UpstreamIdp, changes: Partial<OAuth2UpstreamOptions> = {}): OAuth2Upstream {
  return new OAuth2Upstream({
    authorizationEndpoint: idp.endpoint('authorization'),
    tokenEndpoint: idp.endpoint('token'),
    clientId: idp.client.id,
    clientSecret: idp.client.secret,
    scopes,
    tokenVerifier: new JwtVerifier({
      jwksUri: idp.endpoint('jwks'),
      issuer: idp.issuer,
      audience: idp.client.id,
    }),
    ...changes,
  });
}

function oidc(idp: UpstreamIdp): OidcUpstream {
  return new OidcUpstream({
    issuer: idp.issuer,
    clientId: idp.client.id,
    clientSecret: idp.client.secret,
    scopes,
    extraAuthorizeParams: { prompt: 'consent' },
  });
}

/** A verifier that asks the provider about each token. */
async function introspected(idp: UpstreamIdp, token: string): Promise<VerifiedToken | null> {
  const response = await fetch(idp.endpoint('introspection'), {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${idp.client.id}:${idp.client.secret}`)}` },
    body: new URLSearchParams({ token }),
  });
  if (response.status !== 200) throw new VerifierUnavailableError('no answer');
  const { active, sub } = (await response.json()) as { active: boolean; sub: string };
  return active ? { clientId: idp.client.id, subject: sub, scopes: [] } : null;
}

const kinds: [string, () => UpstreamIdp, (idp: UpstreamIdp) => OAuthProxyOptions['upstream']][] = [
  ['an OidcUpstream with userinfo', () => opaque, oidc],
  ['an OidcUpstream without refresh tokens', () => fleeting, oidc],
  ['an OidcUpstream whose userinfo refuses the token', () => jwt, oidc],
  ['an OAuth2Upstream with a JwtVerifier', () => jwt, oauth2],
  [
    'an OAuth2Upstream with a TrustedIssuersVerifier',
    () => jwt,
    (idp) => {
      const issuers = [idp.issuer];
      const tokenVerifier = new TrustedIssuersVerifier({ issuers, audience: idp.client.id });
      return oauth2(idp, { tokenVerifier });
    },
  ],
  [
    'an OAuth2Upstream whose verifier remembers',
    () => opaque,
    (idp) => {
      const known = new Map<string, Promise<VerifiedToken | null>>();
      const verifyToken = (token: string, { fresh }: VerificationContext) => {
        const answer = (fresh ? undefined : known.get(token)) ?? introspected(idp, token);
        known.set(token, answer);
        return answer;
      };
      return oauth2(idp, { tokenVerifier: { verifyToken } });
    },
  ],
  [
    'an OAuth2Upstream that introspects',
    () => opaque,
    (idp) => oauth2(idp, { tokenVerifier: { verifyToken: (token) => introspected(idp, token) } }),
  ],
  [
    'an OAuth2Upstream with id_tokens',
    () => opaque,
    (idp) => oauth2(idp, { tokenToVerify: 'id_token', issuer: idp.issuer }),
  ],
];

interface Setting {
  readonly idp: UpstreamIdp;
  readonly upstream: OAuthProxyOptions['upstream'];
  readonly recheck?: number | undefined;
}

/** An app whose access tokens live an hour. */
class Login {
  private constructor(
    readonly flow: ProxyFlow,
    readonly client: TestClient,
    readonly tokens: Tokens,
    readonly clock: ManualClock,
  ) {}

  static async start(platform: 'express' | 'fastify', setting: Setting): Promise<Login> {
    const clock = new ManualClock();
    const flow = await startFlow({ platform, clock, ...appOf(setting) });
    const client = await flow.register();
    return new Login(flow, client, await flow.tokensFor(client), clock);
  }

  /** What a request with the access token comes to, so many seconds later. */
  async after(seconds: number): Promise<string> {
    this.clock.advance(seconds);
    return outcome(this.flow, this.tokens);
  }
}

function appOf({ idp, upstream, recheck = interval }: Setting) {
  const lifetimes = { accessToken: 3600 };
  return { idp, proxy: { upstream, lifetimes, upstreamRecheckSeconds: recheck } };
}

async function outcome(flow: ProxyFlow, tokens: Tokens): Promise<string> {
  const metadataUrl = `${flow.app.origin}/.well-known/oauth-protected-resource/mcp`;
  return bearerOutcome(await flow.callMcp(tokens.access_token), metadataUrl);
}

describe.each(platforms)('a login at the upstream that has ended, on %s', (platform) => {
  let login: Login | undefined;

  afterEach(async () => {
    await login?.flow.close();
    login = undefined;
  });

  it.each(kinds)('is over here after the interval: %s — RT-16', async (_name, idpOf, upstream) => {
    const idp = idpOf();
    login = await Login.start(platform, { idp, upstream: upstream(idp) });
    const { flow, client, tokens } = login;
    const causes: string[] = [];
    flow.app.app
      .get(MultiAuthEvents, { strict: false })
      .on('grant.revoked', ({ cause }) => causes.push(cause));
    expect(await login.after(interval)).toBe('accepted');
    idp.endLogins('alice');
    expect(await login.after(interval - 1)).toBe('accepted');
    expect(await login.after(1)).toBe('B401i');
    expect(causes).toEqual(['upstream_refused']);
    expect(await login.after(0)).toBe('B401i');
    if (tokens.refresh_token) {
      expectTokenError(await flow.refresh(tokens.refresh_token, client), flow, 'invalid_grant');
    }
    // The user may log in anew.
    const again = await flow.tokensFor(client);
    expect(await outcome(flow, again)).toBe('accepted');
  });

  it.each(kinds)('and one that goes on: %s', async (_name, idpOf, upstream) => {
    const idp = idpOf();
    login = await Login.start(platform, { idp, upstream: upstream(idp) });
    for (let i = 0; i < 4; i++) expect(await login.after(interval)).toBe('accepted');
    const { flow, client, tokens } = login;
    if (tokens.refresh_token) {
      expect((await flow.refresh(tokens.refresh_token, client)).status).toBe(200);
    }
  });

  it('is not looked for unless that is asked for', async () => {
    const proxy = { upstream: oidc(opaque), lifetimes: { accessToken: 3600 } };
    const clock = new ManualClock();
    const flow = await startFlow({ idp: opaque, platform, clock, proxy });
    const tokens = await flow.tokensFor(await flow.register());
    const asked = opaque.requests.length;
    opaque.endLogins('alice');
    clock.advance(3000);
    expect(await outcome(flow, tokens)).toBe('accepted');
    expect(opaque.requests).toHaveLength(asked);
    await flow.close();
  });

  it('and became another user’s is over too: userinfo', async () => {
    login = await Login.start(platform, { idp: opaque, upstream: oidc(opaque) });
    opaque.tamperNext('userinfo', (body) => ({ ...body, sub: 'mallory' }));
    expect(await login.after(interval)).toBe('B401i');
  });

  it('and became another user’s is over too: a verifier', async () => {
    let subject = 'alice';
    const verifyToken = (): VerifiedToken => ({ clientId: 'c', subject, scopes: [] });
    const upstream = oauth2(opaque, { tokenVerifier: { verifyToken } });
    login = await Login.start(platform, { idp: opaque, upstream });
    expect(await login.after(interval)).toBe('accepted');
    subject = 'mallory';
    expect(await login.after(interval)).toBe('B401i');
  });
});

describe.each(platforms)('an upstream that cannot be asked, on %s', (platform) => {
  let login: Login | undefined;

  afterEach(async () => {
    await login?.flow.close();
    login = undefined;
  });

  it.each(['500', '503', 'garbage', 'html', 'disconnect', 'redirect'] as const)(
    'logs nobody out: %s',
    async (failure) => {
      login = await Login.start(platform, { idp: opaque, upstream: oidc(opaque) });
      opaque.failNext('userinfo', failure);
      expect(await login.after(interval)).toBe('accepted');
      expect(login.flow.log.matching('warn', 'upstream.failed')).toHaveLength(1);
      expect(await login.after(interval - 1)).toBe('accepted');
      opaque.endLogins('alice');
      expect(await login.after(1)).toBe('B401i');
    },
  );

  let giveUp = (): void => {};
  const hanging = (): Promise<never> =>
    new Promise((_resolve, reject) => (giveUp = () => reject(new Error('gave up'))));

  it.each<[string, () => Promise<never>]>([
    ['throws', () => Promise.reject(new Error('boom'))],
    ['hangs', hanging],
  ])(
    'because its verifier %s keeps a request for a few seconds at most — VC-27',
    async (_name, failing) => {
      let verify = (token: string) => introspected(opaque, token);
      const tokenVerifier = { verifyToken: (token: string) => verify(token) };
      const upstream = oauth2(opaque, { tokenVerifier });
      login = await Login.start(platform, { idp: opaque, upstream });
      const works = verify;
      verify = failing;
      expect(await login.after(interval)).toBe('accepted');
      giveUp();
      // Nor is the failure remembered as a verdict of any kind.
      verify = works;
      expect(await login.after(interval)).toBe('accepted');
      opaque.endLogins('alice');
      expect(await login.after(interval)).toBe('B401i');
    },
    20_000,
  );

  it('ends the login when its answer comes after the request was let go on', async () => {
    login = await Login.start(platform, { idp: opaque, upstream: oidc(opaque) });
    opaque.endLogins('alice');
    const gate = opaque.hold('userinfo');
    expect(await login.after(interval)).toBe('accepted');
    gate.release();
    const { flow, tokens } = login;
    await eventually(
      () => flow.log.matching('log', 'grant.revoked').length === 1,
      'the grant is revoked',
    );
    expect(await outcome(flow, tokens)).toBe('B401i');
  }, 20_000);
});

describe.each(platforms)('two instances on %s', (platform) => {
  let clock: ManualClock;
  let shared: MemoryStore;
  let flow: ProxyFlow;
  let peer: ProxyFlow;

  beforeEach(async () => {
    clock = new ManualClock();
    shared = new MemoryStore({ clock });
    const common = { platform, clock, ...appOf({ idp: opaque, upstream: oidc(opaque) }) };
    flow = await startFlow({ ...common, store: new StoreSpy(shared) });
    const { origin } = flow.app;
    const other = appOf({ idp: opaque, upstream: oidc(opaque) });
    const port = await freePort();
    peer = await startFlow({
      platform,
      clock,
      ...other,
      origin,
      port,
      store: new StoreSpy(shared),
    });
  });

  afterEach(async () => {
    await peer.close();
    await flow.close();
  });

  it('ask once an interval, however many requests come — RT-16', async () => {
    const tokens = await flow.tokensFor(await flow.register());
    const asked = () => opaque.requestsTo('userinfo').length;
    const before = asked();
    clock.advance(interval);
    const calls = Array.from({ length: 10 }, () => [outcome(flow, tokens), outcome(peer, tokens)]);
    expect(new Set(await Promise.all(calls.flat()))).toEqual(new Set(['accepted']));
    expect(asked()).toBe(before + 1);
    clock.advance(interval - 1);
    expect(await outcome(peer, tokens)).toBe('accepted');
    expect(asked()).toBe(before + 1);
    opaque.endLogins('alice');
    clock.advance(1);
    expect(await outcome(peer, tokens)).toBe('B401i');
    expect(await outcome(flow, tokens)).toBe('B401i');
  });

  it('pay for it with what they read anyway', async () => {
    const tokens = await flow.tokensFor(await flow.register());
    clock.advance(interval);
    await outcome(flow, tokens);
    const plain = await startFlow({
      idp: opaque,
      platform,
      clock,
      proxy: { upstream: oidc(opaque) },
    });
    const own = await plain.tokensFor(await plain.register());
    await outcome(plain, own);
    const reads = async (one: ProxyFlow, its: Tokens): Promise<number> => {
      const { store } = one.app;
      const before = store.total();
      expect(await outcome(one, its)).toBe('accepted');
      return store.total() - before;
    };
    expect(await reads(flow, tokens)).toBe(await reads(plain, own));
    await plain.close();
  });
});
