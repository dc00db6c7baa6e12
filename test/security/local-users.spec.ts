// The hooks of a LocalAuthProvider say who the user is: what they answer is looked at, what they fail to
// answer is a 503, and a user who is gone takes their grants along.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type AccessToken,
  type AuthProviderHost,
  ConfigurationError,
  type LocalAuthProvider,
  type LocalUser,
  MultiAuthEvents,
  MultiAuthService,
  UpstreamTokens,
} from '../../lib/index.js';
import { Browser, type Visit } from '../support/browser.js';
import { LocalFlow } from '../support/local-flow.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  answerOf,
  expectInvariants,
  expectStoreUntouched,
  expectTokenError,
} from '../support/outcomes.js';
import {
  type Answer,
  atClient,
  type TestClient,
  type Tokens,
  tokensOf,
} from '../support/proxy-flow.js';
import { McpController } from '../support/protected-app.js';

const alice: LocalUser = { subject: 'alice' };
const never = new Promise<never>(() => {});

let flow: LocalFlow;
let client: TestClient;

const tokensOfAlice = async (): Promise<Tokens> => {
  const browser = new Browser();
  flow.logInAtApp(browser, 'alice');
  return flow.tokensFor(client, { browser });
};

const failures = (of: LocalFlow): { reason: string }[] => {
  const told: { reason: string }[] = [];
  const events = of.app.app.get(MultiAuthEvents, { strict: false });
  events.on('endpoint.failed', (event) => told.push(event));
  return told;
};

function expectUnavailable(answer: Answer): void {
  expectInvariants(answer, { issuer: flow.issuer, serverFault: 503 });
  expect(answer.status).toBe(503);
  expect(answer.headers['retry-after']).toBe('5');
}

describe('the hook that says who is logged in', () => {
  beforeAll(async () => {
    flow = await LocalFlow.start();
    client = await flow.register();
  });

  afterEach(() => {
    flow.rig.user = undefined;
  });

  afterAll(() => flow.close());

  /** The consent page is reached with the hook as it is, and answered when the hook is changed. */
  const answeredWith = async (user: NonNullable<LocalFlow['rig']['user']>): Promise<Answer[]> => {
    const request = flow.authorizationRequest(client);
    const browser = new Browser();
    const page = await flow.consentPageOf(browser, 'alice', request);
    flow.rig.user = user;
    const visits: Visit[] = [];
    await expectStoreUntouched(flow, async () => {
      visits.push(await browser.open(page.url));
      visits.push(await browser.approve(page, atClient(client)));
    });
    flow.rig.user = undefined;
    // Nothing was used up.
    expect((await browser.approve(page, atClient(client))).stopped).toBe(true);
    return visits.map(answerOf);
  };

  it.each<[string, () => unknown, string]>([
    [
      'throws',
      () => {
        throw new Error('the database is down');
      },
      'the database is down',
    ],
    ['rejects', () => Promise.reject(new Error('the database is away')), 'the database is away'],
    [
      'throws what is no error',
      () => {
        throw null;
      },
      'a thrown null',
    ],
    ['answers true', () => true, 'is neither a user'],
    ['answers a text', () => 'alice', 'is neither a user'],
    ['answers no subject', () => ({ id: 'alice' }), 'has a subject'],
    ['answers a number', () => ({ subject: 1 }), 'has a subject'],
    ['answers an empty subject', () => ({ subject: ' ' }), 'has a subject'],
    ['answers a long subject', () => ({ subject: 'a'.repeat(256) }), 'has a subject'],
    ['answers a subject of two lines', () => ({ subject: 'a\nb' }), 'has a subject'],
    ['answers half a character', () => ({ subject: 'a\ud800' }), 'has a subject'],
    ['answers a subject that turns around', () => ({ subject: 'a\u202Eb' }), 'has a subject'],
    ['answers a name of no width', () => ({ ...alice, name: '\u200B\u2060' }), 'has a name'],
    ['answers a name that is none', () => ({ ...alice, name: '' }), 'has a name'],
    ['answers claims that are a list', () => ({ ...alice, claims: ['a'] }), 'no JSON object'],
    ['answers claims in a circle', () => ({ ...alice, claims: circle() }), 'no JSON object'],
    [
      'answers claims of 4097 bytes',
      () => ({ ...alice, claims: { a: 'x'.repeat(4090) } }),
      'more than 4096 bytes',
    ],
    [
      'answers the claims of the server',
      () => ({ ...alice, claims: { nbf: 1, scope: 'all', x: 1 } }),
      'only the server can say: nbf, scope',
    ],
  ])('costs nobody anything when it %s', async (_what, hook, reason) => {
    const told = failures(flow);
    const answers = await answeredWith(hook as () => LocalUser);
    for (const answer of answers) {
      expectUnavailable(answer);
      expect(answer.text).toContain('The service cannot answer right now.');
      expect(answer.text).not.toContain(reason);
    }
    expect(told.map((t) => t.reason)).toEqual([
      expect.stringContaining(reason),
      expect.stringContaining(reason),
    ]);
    expect(told[0]?.reason).toContain('login.user');
  });

  it('costs nobody anything when it hangs', async () => {
    const told = failures(flow);
    for (const answer of await answeredWith(() => never)) expectUnavailable(answer);
    expect(told[0]?.reason).toBe('login.user took too long');
  }, 60_000);

  it.each([undefined, null, false] as const)('says by %p that nobody is', async (nobody) => {
    flow.rig.user = async () => nobody;
    const visit = await new Browser().open(flow.authorizationRequest(client).url);
    expect(visit.url).toContain('/login?return_to=');
  });

  it('may name a user by everything that is a text, and shows it escaped', async () => {
    const subject = `${'ä'.repeat(128)}"'<b>&é ${'x'.repeat(119)}`;
    expect(subject).toHaveLength(255);
    flow.rig.user = () => ({ subject });
    const browser = new Browser();
    const request = flow.authorizationRequest(client);
    const page = await browser.open(request.url);
    expect(page.html).toContain('&#60;b&#62;');
    expect(page.html).not.toContain('"\'<b>');
    const { access_token: token } = await flow.tokensFor(client, { browser });
    expect(await flow.isAccepted(token)).toBe(true);
    expect(McpController.seen).toMatchObject({ subject, source: 'LocalAuthProvider' });
  });

  it('may let users choose names: what is invisible in them is not shown', async () => {
    flow.rig.user = () => ({ ...alice, name: 'A\u202El\u200Bi\u2066c\uFEFFe\u200F Ärcher' });
    const page = await new Browser().open(flow.authorizationRequest(client).url);
    expect(page.html).toContain('Alice Ärcher');
    expect(page.html).not.toMatch(/\p{Cf}/u);
  });

  it('has its claims in the tokens, as JSON, and none by which an object is changed', async () => {
    const claims = JSON.parse('{"__proto__":{"admin":true},"roles":["a"]}') as Record<
      string,
      unknown
    >;
    flow.rig.user = () => ({ ...alice, claims: { ...claims, since: new Date(0) } });
    const { access_token: token } = await flow.tokensFor(client);
    await flow.isAccepted(token);
    const seen = McpController.seen?.claims ?? {};
    expect(seen).toMatchObject({ sub: 'alice', roles: ['a'], since: '1970-01-01T00:00:00.000Z' });
    expect(seen['admin']).toBeUndefined();
  });

  it('gets the request of the platform, with what the host put on it', async () => {
    let seen: unknown;
    flow.rig.user = (request) => {
      seen = request;
      return alice;
    };
    const browser = new Browser();
    flow.logInAtApp(browser, 'alice');
    await browser.open(flow.authorizationRequest(client).url);
    expect(seen).toMatchObject({ session: { subject: 'alice' }, method: 'GET' });
    expect((seen as { originalUrl: string }).originalUrl).toContain('/consent?txn=');
  });
});

describe('a user who comes back by a refresh', () => {
  beforeEach(async () => {
    flow = await LocalFlow.start();
    client = await flow.register();
  });

  afterEach(() => flow.close());

  it('gets tokens that say who they are now', async () => {
    const tokens = await tokensOfAlice();
    flow.rig.users.set('alice', { subject: 'alice', claims: { email: 'new@local.test' } });
    await flow.isAccepted(tokens.access_token);
    expect(McpController.seen?.claims['email']).toBe('alice@local.test');
    const next = tokensOf(await flow.refresh(tokens.refresh_token, client));
    await flow.isAccepted(next.access_token);
    expect(McpController.seen?.claims['email']).toBe('new@local.test');
    flow.rig.users.set('alice', { subject: 'alice' });
    const last = tokensOf(await flow.refresh(next.refresh_token, client));
    await flow.isAccepted(last.access_token);
    expect(McpController.seen?.claims).not.toHaveProperty('email');
  });

  it('gets none when they are gone, and no token of theirs is good from then on', async () => {
    const ended: unknown[] = [];
    const events = flow.app.app.get(MultiAuthEvents, { strict: false });
    events.on('grant.revoked', ({ clientId, cause }) => ended.push([clientId, cause]));
    const [one, two] = [await tokensOfAlice(), await tokensOfAlice()];
    flow.rig.users.delete('alice');
    expect(await flow.isAccepted(one.access_token)).toBe(true);
    expectTokenError(await flow.refresh(one.refresh_token, client), flow, 'invalid_grant');
    expect(await flow.isAccepted(one.access_token)).toBe(false);
    expect(ended).toEqual([[client.id, 'user_gone']]);
    flow.rig.users.set('alice', alice);
    expectTokenError(await flow.refresh(one.refresh_token, client), flow, 'invalid_grant');
    expect((await flow.refresh(two.refresh_token, client)).status).toBe(200);
  });

  it.each<[string, () => unknown]>([
    ['fails', () => Promise.reject(new Error('the database is down'))],
    ['answers another user', () => ({ subject: 'bob' })],
    ['answers nonsense', () => 42],
    ['answers claims of the server', () => ({ ...alice, claims: { sub: 'bob' } })],
  ])('loses nothing when the hook %s', async (_what, hook) => {
    const told = failures(flow);
    const tokens = await tokensOfAlice();
    flow.rig.findUser = hook as () => LocalUser;
    const answer = await expectStoreUntouched(flow, () =>
      flow.refresh(tokens.refresh_token, client),
    );
    expectUnavailable(answer);
    expect(told).toHaveLength(1);
    expect(told[0]?.reason).toContain('login.findUser');
    flow.rig.findUser = undefined;
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    expect((await flow.refresh(tokens.refresh_token, client)).status).toBe(200);
  });

  it('has no tokens of any upstream', async () => {
    const { access_token: token } = await tokensOfAlice();
    await flow.isAccepted(token);
    const upstream = flow.app.app.get(UpstreamTokens, { strict: false });
    await expect(upstream.for(McpController.seen as AccessToken)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('no upstream'),
    });
  });

  it('is ended by the client, and by the app', async () => {
    const service = flow.app.app.get(MultiAuthService, { strict: false });
    const [one, two, three] = [await tokensOfAlice(), await tokensOfAlice(), await tokensOfAlice()];
    expect((await flow.revoke(one.refresh_token, client)).status).toBe(200);
    expect(await flow.isAccepted(one.access_token)).toBe(false);
    const [newest] = await service.grantsOf('alice');
    expect(newest).toMatchObject({ clientId: client.id, resource: flow.app.url });
    expect(await service.grantsOf('alice')).toHaveLength(2);
    await service.revokeAll({ subject: 'alice' });
    expect(await flow.isAccepted(two.access_token)).toBe(false);
    expect(await flow.isAccepted(three.access_token)).toBe(false);
  });
});

describe('a user who only uses a token', () => {
  const started = async (login: object, clock = new ManualClock()): Promise<ManualClock> => {
    flow = await LocalFlow.start({ clock, login });
    client = await flow.register();
    return clock;
  };

  afterEach(() => flow.close());

  it('is asked about once an interval, and refused once they are gone', async () => {
    const clock = await started({ recheckSeconds: 60 });
    const { access_token: token } = await tokensOfAlice();
    flow.rig.users.delete('alice');
    clock.advance(59);
    expect(await flow.isAccepted(token)).toBe(true);
    expect(flow.rig.asked.findUser).toBe(0);
    clock.advance(1);
    expect(await flow.isAccepted(token)).toBe(false);
    expect(flow.rig.asked.findUser).toBe(1);
    flow.rig.users.set('alice', alice);
    expect(await flow.isAccepted(token)).toBe(false);
  });

  it('is let in while the hook fails, and asked about an interval later', async () => {
    const clock = await started({ recheckSeconds: 60 });
    const told = failures(flow);
    const { access_token: token } = await tokensOfAlice();
    flow.rig.findUser = () => Promise.reject(new Error('the database is down'));
    clock.advance(60);
    expect(await flow.isAccepted(token)).toBe(true);
    expect(told).toEqual([
      { endpoint: 'login.findUser', reason: 'login.findUser failed: the database is down' },
    ]);
    flow.rig.findUser = () => undefined;
    expect(await flow.isAccepted(token)).toBe(true);
    clock.advance(60);
    expect(await flow.isAccepted(token)).toBe(false);
  });

  it('is never let in because the store failed when they were found gone', async () => {
    const clock = await started({ recheckSeconds: 60 });
    const { access_token: token } = await tokensOfAlice();
    clock.advance(60);
    flow.rig.users.delete('alice');
    flow.app.store.failNext('take', undefined, 'grant:');
    expect((await flow.callMcp(token)).status).toBe(503);
    expect(await flow.isAccepted(token)).toBe(false);
    expect(flow.rig.asked.findUser).toBe(2);
  });

  it('is never asked about unless that is wanted', async () => {
    const clock = await started({});
    const { access_token: token } = await tokensOfAlice();
    flow.rig.users.delete('alice');
    clock.advance(3000);
    expect(await flow.isAccepted(token)).toBe(true);
    expect(flow.rig.asked.findUser).toBe(0);
  });

  it('stays who they were where the app finds nobody', async () => {
    await started({ findUser: undefined });
    const tokens = await tokensOfAlice();
    flow.rig.users.delete('alice');
    const next = tokensOf(await flow.refresh(tokens.refresh_token, client));
    await flow.isAccepted(next.access_token);
    expect(McpController.seen?.claims['email']).toBe('alice@local.test');
  });

  it('has tokens for an hour, and a login for as long as the lifetimes say', async () => {
    const clock = await started({});
    const tokens = await tokensOfAlice();
    expect(tokens.expires_in).toBe(3600);
    clock.advance(29 * 86_400);
    expect((await flow.refresh(tokens.refresh_token, client)).status).toBe(200);
    const idle = await tokensOfAlice();
    clock.advance(31 * 86_400);
    expectTokenError(await flow.refresh(idle.refresh_token, client), flow, 'invalid_grant');
  });
});

describe('a LocalAuthProvider that is set up wrongly', () => {
  const user = (): undefined => undefined;
  const started = (options: object): Promise<LocalFlow> => LocalFlow.start({ server: options });

  it.each<[string, object, readonly string[]]>([
    ['no login', { login: undefined }, ['server.login']],
    ['a login that is none', { login: 'yes' }, ['server.login']],
    ['neither page nor hook', { login: {} }, ['server.login.page', 'server.login.user']],
    [
      'a page elsewhere without TLS',
      { login: { user, page: 'http://app.test/login' } },
      ['server.login.page'],
    ],
    [
      'a page on another host in disguise',
      { login: { user, page: '//app.test/login' } },
      ['server.login.page'],
    ],
    ['a page with a fragment', { login: { user, page: '/#/login' } }, ['server.login.page']],
    [
      'a script for a page',
      { login: { user, page: 'javascript:alert(1)' } },
      ['server.login.page'],
    ],
    ['the consent page for a page', { login: { user, page: '/consent' } }, ['server.login.page']],
    [
      'a parameter that is two',
      { login: { user, page: '/login', returnParameter: 'a&b' } },
      ['server.login.returnParameter'],
    ],
    [
      'a hook that is none',
      { login: { user: 'x', page: '/login', findUser: 'y' } },
      ['server.login.user', 'server.login.findUser'],
    ],
    [
      'a re-check of nobody',
      { login: { user, page: '/login', recheckSeconds: 60 } },
      ['server.login.recheckSeconds'],
    ],
    [
      'a re-check too often',
      { login: { user, findUser: user, page: '/login', recheckSeconds: 9 } },
      ['server.login.recheckSeconds'],
    ],
    [
      'a misspelt option',
      { login: { user, page: '/login', finduser: user } },
      ['server.login.finduser'],
    ],
    ['an upstream', { upstream: {} }, ['server.upstream']],
    ['a redirect path', { redirectPath: '/cb' }, ['server.redirectPath']],
  ])('with %s does not start', async (_what, options, paths) => {
    const error = await started(options).then(
      (running) => running.close(),
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as ConfigurationError).issues.map(({ path }) => path).toSorted()).toEqual(
      paths.toSorted(),
    );
  });

  it('serves one module alone', async () => {
    flow = await LocalFlow.start();
    const server = flow.app.proxy as LocalAuthProvider;
    const again = server.start({ baseUrl: flow.issuer } as AuthProviderHost);
    await expect(again).rejects.toThrow('make a new LocalAuthProvider');
    await flow.close();
  });

  it('may have a login that is a provider of the app, with a whole URL for a page', async () => {
    class Login {
      readonly page = 'https://app.example.com/login?theme=dark';
      readonly returnParameter = 'next';
      readonly users = new Map([['alice', alice]]);
      user(): LocalUser | undefined {
        return this.users.get('nobody');
      }
    }
    flow = await started({ login: new Login() });
    client = await flow.register();
    const stopAt = 'https://app.example.com/login';
    const visit = await new Browser().open(flow.authorizationRequest(client).url, { stopAt });
    const url = new URL(visit.url);
    expect(url.searchParams.get('theme')).toBe('dark');
    expect(url.searchParams.get('next')).toMatch(
      new RegExp(`^${flow.issuer}/consent\\?txn=[\\w-]{43}$`),
    );
    await flow.close();
  });
});

function circle(): object {
  const claims: Record<string, unknown> = {};
  claims['self'] = claims;
  return claims;
}
