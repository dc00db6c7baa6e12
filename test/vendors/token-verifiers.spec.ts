import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  ConfigurationError,
  DiscordTokenVerifier,
  GitHubTokenVerifier,
  GoogleTokenVerifier,
  type TokenVerifier,
  VerifierUnavailableError,
  type VendorTokenVerifierOptions,
} from '../../lib/index.js';
import { PresentedToken, SourceContext } from '../../lib/verifiers/source-context.js';
import { ManualClock } from '../support/manual-clock.js';
import { McpController } from '../support/protected-app.js';
import { type ProxyFlow, startFlow } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';
import { FakeDiscord } from '../support/vendors/discord.js';
import type { FakeVendor } from '../support/vendors/fake-vendor.js';
import { FakeGitHub } from '../support/vendors/github.js';
import { FakeGoogle } from '../support/vendors/google.js';
import type { VendorHost } from '../support/vendors/vendor-host.js';

type More = VendorTokenVerifierOptions & { readonly clientSecret?: string };

interface VerifierCase {
  readonly name: string;
  readonly start: (clock: ManualClock) => FakeVendor | Promise<FakeVendor>;
  readonly verifier: (vendor: FakeVendor, more: More) => TokenVerifier;
  /** The endpoint that is asked. */
  readonly host: string;
  readonly path: (vendor: FakeVendor) => string;
  readonly prefix: string;
  readonly scope: string;
  readonly identity: object;
  /** What cannot be a token of the vendor's users, and must never be shown to it. */
  readonly foreign: readonly string[];
}

const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL290aGVyLnRlc3QifQ.c2lnbmF0dXJl';
const cases: readonly VerifierCase[] = [
  {
    name: 'GitHubTokenVerifier',
    start: (clock) => new FakeGitHub(clock),
    verifier: ({ client, fetch }, more) =>
      new GitHubTokenVerifier({
        clientId: client.id,
        clientSecret: client.secret,
        fetch,
        ...more,
      }),
    host: 'api',
    path: ({ client }) => `/applications/${client.id}/token`,
    prefix: 'gho_',
    scope: 'read:user',
    identity: { subject: '583231', issuer: 'https://github.com', clientId: 'Ov23liDEMOclientid01' },
    foreign: [jwt, 'ghp_0123456789abcdef0123456789abcdef0123', 'github_pat_11ABC', 'a-key-of-mine'],
  },
  {
    name: 'GoogleTokenVerifier',
    start: (clock) => FakeGoogle.start(clock),
    verifier: ({ client, fetch }, { clientSecret: _, ...more }) =>
      new GoogleTokenVerifier({ clientId: client.id, fetch, ...more }),
    host: 'oauth',
    path: () => '/tokeninfo',
    prefix: 'ya29.',
    scope: 'email',
    identity: { subject: '110169484474386276334', issuer: 'https://accounts.google.com' },
    foreign: [jwt, 'a-key-of-mine', 'gho_0123456789abcdef'],
  },
  {
    name: 'DiscordTokenVerifier',
    start: (clock) => new FakeDiscord(clock),
    verifier: ({ client, fetch }, { clientSecret: _, ...more }) =>
      new DiscordTokenVerifier({ clientId: client.id, fetch, ...more }),
    host: 'host',
    path: () => '/api/v10/oauth2/@me',
    prefix: '',
    scope: 'identify',
    identity: { subject: '80351110224678912', issuer: 'https://discord.com' },
    foreign: [jwt, 'MTU3.bot.token'],
  },
];

describe.each(cases)('$name among the verifiers', (its) => {
  let idp: UpstreamIdp;
  let clock: ManualClock;
  let vendor: FakeVendor;
  let flow: ProxyFlow;

  beforeAll(async () => {
    idp = await UpstreamIdp.start();
  });

  beforeEach(async () => {
    clock = new ManualClock();
    vendor = await its.start(clock);
    flow = await startWith({});
  });

  afterEach(() => flow.close());
  afterAll(() => idp.stop());

  function startWith(more: More): Promise<ProxyFlow> {
    const verifiers = [its.verifier(vendor, { clock, ...more })];
    return startFlow({ idp, clock, verifiers, module: { requiredScopes: [] } });
  }

  const issue = (
    { app = vendor.client, user = 'alice', scopes = ['openid', its.scope] } = {},
    seconds: number | undefined = 3600,
  ): string => vendor.issueAccessToken({ app, user, scopes, nonce: null }, seconds, its.prefix);
  const statusOf = async (token: string): Promise<number> => (await flow.callMcp(token)).status;
  const host = (): VendorHost => vendor.hosts[its.host] as VendorHost;
  const asked = (): number => vendor.requests().length;

  it('takes a token of the app, and asks about it once', async () => {
    const token = issue();
    for (let i = 0; i < 3; i++) expect(await statusOf(token)).toBe(200);
    expect(asked()).toBe(1);
    expect(McpController.seen).toMatchObject({ ...its.identity, source: its.name });
    expect(McpController.seen?.scopes).toContain(its.scope);
    expect(Object.isFrozen(McpController.seen?.claims)).toBe(true);
  });

  it('refuses a genuine token of another app', async () => {
    expect(await statusOf(issue({ app: vendor.otherApp }))).toBe(401);
    expect(await statusOf(issue())).toBe(200);
  });

  const unknown = (n = 0): string => `${its.prefix}${String(n).padStart(40, '0')}`;

  it('refuses what the vendor does not know, and asks again five seconds later — VC-16', async () => {
    expect(await statusOf(unknown())).toBe(401);
    clock.advance(4);
    expect(await statusOf(unknown())).toBe(401);
    expect(asked()).toBe(1);
    clock.advance(1);
    expect(await statusOf(unknown())).toBe(401);
    expect(asked()).toBe(2);
  });

  it('asks about a token once, however many wait for the answer', async () => {
    const token = issue();
    const verifier = its.verifier(vendor, { clock });
    const context = new SourceContext(new PresentedToken(token, ''));
    const asking = Array.from({ length: 5 }, async () => verifier.verifyToken(token, context));
    expect(new Set(await Promise.all(asking)).size).toBe(1);
    expect(await asking[0]).not.toBeNull();
    expect(asked()).toBe(1);
  });

  it('does not forget whom it accepted because of those it refused', async () => {
    await flow.close();
    flow = await startWith({ maxCacheEntries: 1 });
    const token = issue();
    expect(await statusOf(token)).toBe(200);
    for (let n = 0; n < 3; n++) expect(await statusOf(unknown(n))).toBe(401);
    expect(await statusOf(token)).toBe(200);
    expect(asked()).toBe(4);
  });

  it('asks about fifty tokens at once, and has no verdict on more', async () => {
    await flow.close();
    let release = (): void => {};
    const held = new Promise<void>((done) => (release = done));
    const slow: typeof fetch = async (...call) => {
      await held;
      return vendor.fetch(...call);
    };
    const verifier = its.verifier(vendor, { clock, fetch: slow });
    const ask = (token: string): Promise<unknown> =>
      Promise.resolve(
        verifier.verifyToken(token, new SourceContext(new PresentedToken(token, ''))),
      );
    flow = await startWith({});
    const crowd = Array.from({ length: 50 }, (_, n) => ask(unknown(n)));
    const token = issue();
    await expect(ask(token)).rejects.toThrow(VerifierUnavailableError);
    release();
    expect(new Set(await Promise.all(crowd))).toEqual(new Set([null]));
    expect(await ask(token)).toMatchObject({ issuer: Object(its.identity).issuer });
  });

  it.each(its.foreign)('does not show the vendor what is not its own: %s', async (token) => {
    expect(await statusOf(token)).toBe(401);
    expect(asked()).toBe(0);
  });

  it('finds out that a token was revoked when its memory ends', async () => {
    const token = issue();
    expect(await statusOf(token)).toBe(200);
    vendor.revokeAll();
    clock.advance(59);
    expect(await statusOf(token)).toBe(200);
    clock.advance(2);
    expect(await statusOf(token)).toBe(401);
  });

  it('asks again when what it remembers does not do', async () => {
    const verifier = its.verifier(vendor, { clock });
    const token = issue();
    const ask = (isFresh: boolean): unknown =>
      verifier.verifyToken(token, new SourceContext(new PresentedToken(token, '', isFresh)));
    expect(await ask(false)).not.toBeNull();
    vendor.revokeAll();
    expect(await ask(false)).not.toBeNull();
    expect(await ask(true)).toBeNull();
  });

  it('remembers nothing when it is told so', async () => {
    await flow.close();
    flow = await startWith({ cacheSeconds: 0 });
    const token = issue();
    expect(await statusOf(token)).toBe(200);
    vendor.revokeAll();
    expect(await statusOf(token)).toBe(401);
  });

  it('remembers no more than it may', async () => {
    await flow.close();
    flow = await startWith({ maxCacheEntries: 1 });
    const [one, two] = [issue(), issue({ user: 'bob' })];
    for (const token of [one, two, one]) expect(await statusOf(token)).toBe(200);
    expect(asked()).toBe(3);
    expect(await statusOf(one)).toBe(200);
    expect(asked()).toBe(3);
  });

  it('does not take a token beyond its end, remembered or not', async () => {
    const token = issue({}, 30);
    expect(await statusOf(token)).toBe(200);
    clock.advance(31);
    expect(await statusOf(token)).toBe(401);
  });

  it('refuses a token without the scopes that it has to have', async () => {
    await flow.close();
    flow = await startWith({ requiredScopes: [its.scope, 'more'] });
    expect(await statusOf(issue())).toBe(401);
    expect(await statusOf(issue({ scopes: ['openid', its.scope, 'more'] }))).toBe(200);
  });

  it.each(['500', 'html', 'garbage', 'redirect', 'disconnect'] as const)(
    'says neither yes nor no while the vendor answers with %s',
    async (failure) => {
      const token = issue();
      host().fail(its.path(vendor), failure);
      const answer = await flow.callMcp(token);
      expect(answer.status).toBe(503);
      expect(answer.headers['retry-after']).toBeDefined();
      vendor.recover();
      expect(await statusOf(token)).toBe(200);
    },
  );
});

describe('an answer of GitHub', () => {
  let idp: UpstreamIdp;
  let vendor: FakeGitHub;
  let flow: ProxyFlow;
  let token: string;

  beforeAll(async () => {
    idp = await UpstreamIdp.start();
    const clock = new ManualClock();
    vendor = new FakeGitHub(clock);
    const { client, fetch } = vendor;
    const secret = { clientId: client.id, clientSecret: client.secret };
    const verifiers = [new GitHubTokenVerifier({ ...secret, fetch })];
    flow = await startFlow({ idp, clock, verifiers, module: { requiredScopes: [] } });
  });

  // What was said of one token is remembered.
  beforeEach(() => {
    const login = { app: vendor.client, user: 'alice', scopes: [], nonce: null };
    token = vendor.issueAccessToken(login, undefined, 'gho_');
  });

  afterAll(async () => {
    await flow.close();
    await idp.stop();
  });

  const answering = async (answer: () => Response) => {
    vendor.api.serve({ [`POST /applications/${vendor.client.id}/token`]: answer });
    return flow.callMcp(token);
  };

  it('with a null for the scopes grants none', async () => {
    const app = { client_id: vendor.client.id };
    const body = { app, user: { id: 1 }, scopes: null };
    expect((await answering(() => Response.json(body))).status).toBe(200);
    expect(McpController.seen?.scopes).toEqual([]);
  });

  it('that asks for patience is passed on to the client', async () => {
    const headers = { 'retry-after': '17' };
    const { status, headers: answer } = await answering(
      () => new Response('', { status: 429, headers }),
    );
    expect([status, answer['retry-after']]).toEqual([503, '17']);
  });

  it.each([
    ['about another app', { app: { client_id: 'another' }, user: { id: 1 }, scopes: [] }],
    ['about no app', { user: { id: 1 }, scopes: [] }],
    ['about nobody', { app: { client_id: 'Ov23liDEMOclientid01' }, scopes: [] }],
    [
      'about somebody without a number',
      { app: { client_id: 'Ov23liDEMOclientid01' }, user: { id: '1' } },
    ],
  ])('%s lets nobody in', async (_name, body) => {
    expect((await answering(() => Response.json(body))).status).toBe(401);
  });

  it.each([403, 422])('with the status %i says nothing of the token', async (status) => {
    expect((await answering(() => Response.json({}, { status }))).status).toBe(503);
  });
});

describe('a token of GitHub', () => {
  it('is neither accepted nor refused when GitHub does not know the app by its secret', async () => {
    const clock = new ManualClock();
    const vendor = new FakeGitHub(clock);
    const idp = await UpstreamIdp.start();
    const verifier = new GitHubTokenVerifier({
      clientId: vendor.client.id,
      clientSecret: 'wrong',
      fetch: vendor.fetch,
    });
    const flow = await startFlow({ idp, clock, verifiers: [verifier] });
    const login = { app: vendor.client, user: 'alice', scopes: [], nonce: null };
    const token = vendor.issueAccessToken(login, undefined, 'gho_');
    expect((await flow.callMcp(token)).status).toBe(503);
    await flow.close();
    await idp.stop();
  });
});

describe('the options of a verifier of vendor tokens', () => {
  const problemsOf = (make: () => unknown): readonly string[] => {
    try {
      make();
      return [];
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      return error.issues.map(({ path }) => path);
    }
  };
  const github = (changes: object): readonly string[] =>
    problemsOf(() => new GitHubTokenVerifier({ clientId: 'a', clientSecret: 's', ...changes }));

  it.each([{}, { cacheSeconds: 0 }, { cacheSeconds: 300, profile: true }, { name: 'github' }])(
    'may be %j',
    (options) => {
      expect(github(options)).toEqual([]);
    },
  );

  it.each([
    [{ clientId: undefined, clientSecret: '' }, ['clientId', 'clientSecret']],
    [{ cacheSeconds: 301 }, ['cacheSeconds']],
    [{ cacheSeconds: '60' }, ['cacheSeconds']],
    [{ maxCacheEntries: 0 }, ['maxCacheEntries']],
    [{ timeoutSeconds: 61 }, ['timeoutSeconds']],
    [{ profile: 'yes' }, ['profile']],
    [{ requiredScopes: 'user' }, ['requiredScopes']],
    [{ secret: 'x' }, ['secret']],
    [{ fetch: 'x' }, ['fetch']],
  ])('must not be %j', (options, names) => {
    expect([...github(options)].sort()).toEqual(names.map((n) => `GitHubTokenVerifier.${n}`));
  });

  it('name the client ids of Google', () => {
    const google = (clientId: unknown) => () => new GoogleTokenVerifier({ clientId } as never);
    for (const good of ['a', ['a', 'b']]) expect(problemsOf(google(good))).toEqual([]);
    for (const bad of [undefined, '', [], ['a', '']]) {
      expect(problemsOf(google(bad))).toEqual(['GoogleTokenVerifier.clientId']);
    }
  });
});
