// GHSA-6x8h-498w-gv8c; MCP "Confused Deputy Problem": a consent that counts again, for whom and for what.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import { Browser, type OpenOptions } from '../support/browser.js';
import { DocumentHost } from '../support/document-host.js';
import { eventually } from '../support/eventually.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  answerOf,
  expectInvariants,
  expectRedirectError,
  expectVisitInvariants,
} from '../support/outcomes.js';
import {
  atClient,
  clientRedirect,
  type ProxyFlow,
  startFlow,
  type TestClient,
} from '../support/proxy-flow.js';
import type { AuthorizationRequest } from '../support/request-builders.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const day = 86_400;
const secret = 'the-secret-of-the-confidential-client-4Kp9';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('a remembered consent on %s', (platform) => {
  const host = new DocumentHost();
  const clock = new ManualClock();
  let flow: ProxyFlow;

  beforeAll(async () => {
    flow = await startFlow({
      idp,
      platform,
      clock,
      proxy: {
        consent: 'remember',
        clientIdMetadataDocuments: host.options(),
        clients: [
          { clientId: 'public-app', redirectUris: [clientRedirect] },
          { clientId: 'secret-app', redirectUris: [clientRedirect], clientSecret: secret },
        ],
      },
    });
  });

  afterAll(() => flow.close());

  /** A browser in which alice agreed once. */
  const agreed = async (
    client: TestClient,
    request: AuthorizationRequest = flow.authorizationRequest(client),
    browser = new Browser(),
  ): Promise<Browser> => {
    await flow.codeFor(client, { browser, request });
    return browser;
  };

  const isConsentPage = (url: string): boolean => url.startsWith(`${flow.issuer}/consent?txn=`);

  /** Opens the request in the browser and tells whether the user is asked. */
  const isAsked = async (
    request: AuthorizationRequest,
    browser: Browser,
    options: OpenOptions = {},
  ): Promise<boolean> => {
    const before = idp.requestsTo('authorization').length;
    const visit = await browser.open(request.url, { stopAt: flow.atIdp, ...options });
    expectVisitInvariants(visit, { issuer: flow.issuer, state: request.state });
    const asked = isConsentPage(visit.url);
    expect(visit.stopped).toBe(!asked);
    expect(idp.requestsTo('authorization')).toHaveLength(before);
    return asked;
  };

  const rememberedCookie = (browser: Browser) =>
    browser.cookies.list().find(({ name }) => name.includes('remembered'));

  /** The next login at the provider is another user's. */
  const leaveProvider = ({ cookies }: Browser): void => {
    const url = new URL(idp.issuer);
    for (const { name, path, domain } of cookies.list()) {
      if (domain === url.hostname) cookies.store(url, `${name}=; Path=${path}; Max-Age=0`);
    }
  };

  describe('counts', () => {
    it('when the same user asks for the same again, up to a good token', async () => {
      const client = await flow.register();
      const browser = await agreed(client);
      const pages = (): number =>
        browser.history.filter(({ url, status }) => isConsentPage(url) && status === 200).length;
      const before = pages();
      const tokens = await flow.tokensFor(client, { browser });
      expect(pages()).toBe(before);
      expect(await flow.isAccepted(tokens.access_token)).toBe(true);
      expect(flow.log.matching('log', 'consent.skipped').at(-1)?.text).toContain('"remembered"');
    });

    it('for fewer scopes and another port of a program on the same machine — CO-15', async () => {
      const { id } = await flow.register({ redirect_uris: ['http://127.0.0.1/cb'] });
      const client = { id, redirectUri: 'http://127.0.0.1:4711/cb' };
      const wide = flow.authorizationRequest(client).with({ scope: 'notes:read notes:write' });
      const browser = await agreed(client, wide);
      const narrow = flow.authorizationRequest({ id, redirectUri: 'http://127.0.0.1:4712/cb' });
      expect(await isAsked(narrow, browser)).toBe(false);
      const otherHost = narrow.with({ redirect_uri: 'http://127.0.0.1:4712/cb2' });
      expect((await flow.authorize(otherHost)).status).toBe(400);
    });

    it('for a client whose code nobody else could redeem, though its id is public', async () => {
      const client = { id: 'secret-app', redirectUri: clientRedirect, secret };
      const browser = await agreed(client);
      expect(await isAsked(flow.authorizationRequest(client), browser)).toBe(false);
    });

    it('in that browser alone', async () => {
      const client = await flow.register();
      await agreed(client);
      expect(await isAsked(flow.authorizationRequest(client), new Browser())).toBe(true);
      const other = await agreed(await flow.register());
      expect(await isAsked(flow.authorizationRequest(client), other)).toBe(true);
    });

    it('only once the login it was given for succeeded', async () => {
      const client = await flow.register();
      const browser = new Browser();
      const request = flow.authorizationRequest(client);
      await flow.approve(request, browser);
      expect(await isAsked(flow.authorizationRequest(client), browser)).toBe(true);
      const end = await flow.login(client, { browser, upstreamDecision: 'cancel' });
      expect(new URL(end.url).searchParams.get('error')).toBe('access_denied');
      expect(await isAsked(flow.authorizationRequest(client), browser)).toBe(true);
    });

    it('until it is a month old, however often it is used', async () => {
      const client = await flow.register();
      const browser = new Browser();
      await flow.tokensFor(client, { browser });
      clock.advance(29 * day);
      expect(await isAsked(flow.authorizationRequest(client), browser)).toBe(false);
      await flow.tokensFor(client, { browser });
      clock.advance(day - 1);
      expect(await isAsked(flow.authorizationRequest(client), browser)).toBe(false);
      clock.advance(1);
      expect(await isAsked(flow.authorizationRequest(client), browser)).toBe(true);
    });

    it('without the store showing whose browser, whose consent or which client it is', async () => {
      const client = await flow.register();
      const browser = await agreed(client);
      const cookie = rememberedCookie(browser);
      expect(cookie).toMatchObject({ sameSite: 'strict', httpOnly: true, path: '/' });
      const records = flow.app.store.live().filter(({ key }) => key.startsWith('consent:'));
      expect(records.length).toBeGreaterThan(0);
      for (const text of [cookie?.value ?? '', client.id]) {
        expect(flow.app.store.contains(text)).toBe(false);
      }
      expect(flow.log.contains(cookie?.value ?? '')).toBe(false);
    });
  });

  describe('does not cover', () => {
    it.each<[string, Record<string, string>]>([
      ['a scope more', { scope: 'notes:read notes:write' }],
      ['another scope', { scope: 'notes:write' }],
    ])('%s — CO-15', async (_what, changes) => {
      const client = await flow.register();
      const browser = await agreed(client);
      const request = flow.authorizationRequest(client);
      expect(await isAsked(request.with(changes), browser)).toBe(true);
      expect(await isAsked(request, browser)).toBe(false);
    });

    it('two scopes together that were agreed to apart — CO-15', async () => {
      const client = await flow.register();
      const request = flow.authorizationRequest(client);
      const browser = await agreed(client, request);
      await agreed(client, request.with({ scope: 'notes:write' }), browser);
      expect(await isAsked(request, browser)).toBe(false);
      expect(await isAsked(request.with({ scope: 'notes:write' }), browser)).toBe(false);
      const both = request.with({ scope: 'notes:read notes:write' });
      expect(await isAsked(both, browser)).toBe(true);
    });

    it('another resource — CO-15', async () => {
      const client = await flow.register();
      const browser = await agreed(client);
      const second = flow.authorizationRequest(client).with({ resource: `${flow.app.url}2` });
      expect(await isAsked(second, browser)).toBe(true);
      await agreed(client, second, browser);
      expect(await isAsked(second, browser)).toBe(false);
    });

    it('another client, or another redirect URI of the client — CO-13, CO-15', async () => {
      const redirect_uris = [clientRedirect, 'https://app.test/other'];
      const client = await flow.register({ redirect_uris });
      const browser = await agreed(client);
      const other = flow.authorizationRequest({ ...client, redirectUri: 'https://app.test/other' });
      expect(await isAsked(other, browser)).toBe(true);
      const namesake = await flow.register({ redirect_uris });
      expect(await isAsked(flow.authorizationRequest(namesake), browser)).toBe(true);
    });

    it('a client that anybody can name and whose code anybody could redeem — CO-16', async () => {
      const documented = host.publish('https://app.good.test/client.json');
      for (const client of [{ id: 'public-app', redirectUri: clientRedirect }, documented]) {
        const browser = await agreed(client);
        expect(rememberedCookie(browser)).toBeUndefined();
        expect(await isAsked(flow.authorizationRequest(client), browser)).toBe(true);
      }
    });

    it('a client with a document that answers on loopback — CI-31', async () => {
      const id = 'https://native.good.test/client.json';
      const jwks_uri = 'https://native.good.test/jwks.json';
      host.publish(id, {
        redirect_uris: ['http://127.0.0.1/cb', clientRedirect],
        token_endpoint_auth_method: 'private_key_jwt',
        jwks_uri,
      });
      const local = { id, redirectUri: 'http://127.0.0.1:4711/cb' };
      const browser = new Browser();
      const request = flow.authorizationRequest(local);
      const page = await flow.consentPage(request, browser);
      expect(page.html).toContain('native.good.test');
      expect(page.html).toContain(local.redirectUri);
      expect(page.html).toContain('Any program on this computer can claim to be');
      expect(page.html).not.toContain('remembers');
      await agreed(local, request, browser);
      expect(await isAsked(flow.authorizationRequest(local), browser)).toBe(true);
      // The same client on the web, where only its own host gets the answer.
      const web = { id, redirectUri: clientRedirect };
      await agreed(web, flow.authorizationRequest(web), browser);
      expect(await isAsked(flow.authorizationRequest(web), browser)).toBe(false);
      expect(await isAsked(flow.authorizationRequest(local), browser)).toBe(true);
    });
  });

  describe('does not count when the browser comes', () => {
    it.each<[string, OpenOptions]>([
      ['from another site', { crossSite: true }],
      ['from a sibling of this one', { from: 'http://127.0.0.1:1/' }],
      ['in a frame', { headers: { 'sec-fetch-dest': 'iframe' } }],
      ['ahead of the user', { headers: { 'sec-purpose': 'prefetch;prerender' } }],
    ])('%s — CO-16, CO-29', async (_how, options) => {
      const client = await flow.register();
      const browser = await agreed(client);
      expect(await isAsked(flow.authorizationRequest(client), browser, options)).toBe(true);
      expect(await isAsked(flow.authorizationRequest(client), browser)).toBe(false);
    });

    it('through a redirect of another site that a link led to — CO-16', async () => {
      const client = await flow.register();
      const browser = await agreed(client);
      const { url } = flow.authorizationRequest(client);
      const visit = await browser.open(url, { from: 'https://as.evil.test/authorize' });
      expectInvariants(answerOf(visit), { issuer: flow.issuer });
      expect(isConsentPage(visit.url)).toBe(true);
    });

    it.each<[string, Record<string, string>, boolean]>([
      ['none', { 'sec-fetch-site': 'none' }, false],
      ['none, for a document', { 'sec-fetch-site': 'none', 'sec-fetch-dest': 'document' }, false],
      ['nothing', {}, true],
      ['an empty word', { 'sec-fetch-site': '' }, true],
      ['cross-site', { 'sec-fetch-site': 'cross-site' }, true],
      ['same-site', { 'sec-fetch-site': 'same-site' }, true],
      ['same-origin', { 'sec-fetch-site': 'same-origin' }, true],
      ['None', { 'sec-fetch-site': 'None' }, true],
      ['two things', { 'sec-fetch-site': 'none, none' }, true],
      ['none, for an object', { 'sec-fetch-site': 'none', 'sec-fetch-dest': 'object' }, true],
      ['none, ahead of time', { 'sec-fetch-site': 'none', purpose: 'prefetch' }, true],
    ])('with the cookie and says "%s" of where from — CO-16', async (_word, headers, asked) => {
      const client = await flow.register();
      const browser = await agreed(client);
      const cookie = String(
        browser.cookies.header(new URL(flow.issuer), { method: 'GET', crossSite: false }),
      );
      const answer = await flow.authorize(flow.authorizationRequest(client), {
        cookie,
        ...headers,
      });
      expectInvariants(answer, { issuer: flow.issuer });
      expect(isConsentPage(String(answer.headers['location']))).toBe(asked);
    });

    it('with a form of another site — CO-16', async () => {
      const client = await flow.register();
      const browser = await agreed(client);
      const { params } = flow.authorizationRequest(client);
      const form = Object.fromEntries(new URLSearchParams(String(params)));
      const visit = await browser.forge(`${flow.issuer}/authorize`, form);
      expect(isConsentPage(visit.url)).toBe(true);
      expect(visit.forms).toHaveLength(1);
    });

    it('with a cookie that is not its own', async () => {
      const client = await flow.register();
      const browser = await agreed(client);
      const { name, value } = rememberedCookie(browser) ?? { name: '', value: '' };
      const flipped = (value.startsWith('A') ? 'B' : 'A') + value.slice(1);
      for (const cookie of [
        `${name}=${flipped}`,
        `${name}=${value}A`,
        `${name}=${value}; ${name}=${flipped}`,
      ]) {
        const answer = await flow.authorize(flow.authorizationRequest(client), {
          cookie,
          'sec-fetch-site': 'none',
        });
        expect(isConsentPage(String(answer.headers['location']))).toBe(true);
      }
    });
  });

  describe('is of one user', () => {
    it('and asks another who logs in, whose tokens at the upstream end', async () => {
      const client = await flow.register();
      const browser = await agreed(client);
      const request = flow.authorizationRequest(client);
      const revoked = idp.requestsTo('revocation').length;
      const codes = (): number =>
        flow.app.store.live().filter(({ key }) => key.startsWith('code:')).length;
      const before = codes();
      const stopAt = `${flow.issuer}/consent`;
      leaveProvider(browser);
      const stopped = await browser.walk(request.url, { user: 'bob', stopAt });
      expect(isConsentPage(stopped.url)).toBe(true);
      expectVisitInvariants(stopped, { issuer: flow.issuer, state: request.state });
      expect(codes()).toBe(before);
      await eventually(() => idp.requestsTo('revocation').length > revoked, 'a revocation');
      // It is bob who is asked now, and who may agree for himself.
      const page = await browser.open(stopped.url);
      expect(page.forms).toHaveLength(1);
      const atUpstream = await browser.approve(page, flow.atIdp);
      const end = await browser.walk(atUpstream.url, { user: 'bob', stopAt: atClient(client) });
      expect(new URL(end.url).searchParams.get('state')).toBe(request.state);
      expect(new URL(end.url).searchParams.has('code')).toBe(true);
      expect(codes()).toBe(before + 1);
      expectVisitInvariants(end, { issuer: flow.issuer, state: request.state });
      expect(flow.log.matching('log', 'consent.subject_changed')).not.toHaveLength(0);
    });

    it('beside that of another in the same browser', async () => {
      const client = await flow.register();
      const browser = await agreed(client);
      leaveProvider(browser);
      const bob = await flow.codeFor(client, { browser, user: 'bob' });
      expect(bob.code).toBeTruthy();
      for (const user of ['alice', 'bob']) {
        leaveProvider(browser);
        const pages = browser.history.filter(({ url }) => isConsentPage(url)).length;
        const again = await flow.login(client, { browser, user });
        expect(new URL(again.url).searchParams.has('code')).toBe(true);
        expect(browser.history.filter(({ url }) => isConsentPage(url))).toHaveLength(pages);
      }
    });

    it('which a planted cookie cannot change', async () => {
      const client = await flow.register();
      const attacker = new Browser();
      await flow.codeFor(client, { browser: attacker, user: 'bob' });
      const { name, value } = rememberedCookie(attacker) ?? { name: '', value: '' };
      const victim = new Browser();
      victim.cookies.store(new URL(flow.issuer), `${name}=${value}; Path=/`);
      const request = flow.authorizationRequest(client);
      const stopAt = `${flow.issuer}/consent`;
      const visit = await victim.walk(request.url, { user: 'alice', stopAt });
      expect(isConsentPage(visit.url)).toBe(true);
    });
  });

  describe('ends', () => {
    it('with a refusal, for that client — CO-18', async () => {
      const client = await flow.register();
      const other = await flow.register();
      const browser = await agreed(client);
      await agreed(other, flow.authorizationRequest(other), browser);
      const request = flow.authorizationRequest(client);
      const page = await browser.open(request.url, { crossSite: true });
      const denied = await browser.deny(page, atClient(client));
      expectRedirectError(answerOf(denied), flow, request, 'access_denied');
      expect(await isAsked(flow.authorizationRequest(client), browser)).toBe(true);
      expect(await isAsked(flow.authorizationRequest(other), browser)).toBe(false);
    });

    it('also while a login that began with it is on its way — CO-18', async () => {
      const client = await flow.register();
      const browser = await agreed(client);
      const request = flow.authorizationRequest(client);
      const answer = await flow.upstreamAnswer(request, { browser });
      const page = await browser.open(flow.authorizationRequest(client).url, { crossSite: true });
      await browser.deny(page, atClient(client));
      const back = await browser.open(answer.url, { stopAt: `${flow.issuer}/consent` });
      expect(isConsentPage(back.url)).toBe(true);
    });
  });

  it('is not brought back by an older login that ends after a refusal — CO-18', async () => {
    const client = await flow.register();
    const browser = await agreed(client);
    // In one tab the user agrees again, and goes to log in.
    const request = flow.authorizationRequest(client).with({ scope: 'notes:write' });
    const answer = await flow.upstreamAnswer(request, { browser });
    clock.advance(1);
    const page = await browser.open(flow.authorizationRequest(client).url, { crossSite: true });
    await browser.deny(page, atClient(client));
    clock.advance(1);
    const end = await browser.open(answer.url, { stopAt: atClient(client) });
    expect(new URL(end.url).searchParams.has('code')).toBe(true);
    for (const asked of [flow.authorizationRequest(client), request]) {
      expect(await isAsked(asked, browser)).toBe(true);
    }
    await agreed(client, request, browser);
    expect(await isAsked(request, browser)).toBe(false);
  });

  it('sends what fails before the upstream to the client, which waits for it', async () => {
    const client = await flow.register();
    const browser = await agreed(client);
    flow.app.store.failNext('set', new Error('down'), 'login:');
    const request = flow.authorizationRequest(client);
    const visit = await browser.open(request.url, { stopAt: atClient(client) });
    expectRedirectError(answerOf(visit), flow, request, 'temporarily_unavailable');
    expect(await isAsked(flow.authorizationRequest(client), browser)).toBe(false);
  });

  it('is never a remembered refusal: the next login asks, and succeeds — CO-18', async () => {
    const client = await flow.register();
    const browser = new Browser();
    const first = flow.authorizationRequest(client);
    const denied = await flow.login(client, { browser, request: first, decision: 'deny' });
    expectRedirectError(answerOf(denied), flow, first, 'access_denied');
    for (const options of [{}, { crossSite: true }]) {
      expect(await isAsked(flow.authorizationRequest(client), browser, options)).toBe(true);
    }
    expect((await flow.codeFor(client, { browser })).code).toBeTruthy();
  });

  it('fails no login when the store loses it, and opens nothing when the store is down', async () => {
    const client = await flow.register();
    const browser = await agreed(client);
    for (const { key } of flow.app.store.live()) {
      if (key.startsWith('consent:')) await flow.app.store.delete(key);
    }
    expect(await isAsked(flow.authorizationRequest(client), browser)).toBe(true);
    await agreed(client, flow.authorizationRequest(client), browser);
    flow.app.store.failNext('get', new Error('down'), 'consent:');
    const visit = await browser.open(flow.authorizationRequest(client).url);
    expectInvariants(answerOf(visit), { issuer: flow.issuer, serverFault: 503 });
    expect(visit.status).toBe(503);
  });
});

describe.each(platforms)('without the mode, on %s', (platform) => {
  it('nothing is remembered — CO-16', async () => {
    const flow = await startFlow({ idp, platform });
    const client = await flow.register();
    const browser = new Browser();
    await flow.codeFor(client, { browser });
    const visit = await browser.open(flow.authorizationRequest(client).url);
    expect(visit.forms).toHaveLength(1);
    expect(visit.html).not.toContain('remembers');
    expect(browser.cookies.list().map(({ name }) => name)).not.toContainEqual(
      expect.stringContaining('remembered'),
    );
    expect(flow.app.store.live().map(({ key }) => key)).not.toContainEqual(
      expect.stringMatching(/^(?:consent|remembered-clients):/),
    );
    await flow.close();
  });
});
