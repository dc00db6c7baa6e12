// OAuth 2.1 §7, RFC 9700 §4.7, §4.16: a login at the app's own page belongs to one browser and one user.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MultiAuthEvents, MultiAuthService } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { Browser, type Visit } from '../support/browser.js';
import { LocalFlow } from '../support/local-flow.js';
import { expectLocalRefusal, expectStoreUntouched, answerOf } from '../support/outcomes.js';
import {
  type Answer,
  atClient,
  clientRedirect,
  type HeldCode,
  jsonOf,
  type TestClient,
  tokensOf,
} from '../support/proxy-flow.js';
import type { AuthorizationRequest } from '../support/request-builders.js';

describe.each(platforms)('a login at the app itself, on %s', (platform) => {
  let flow: LocalFlow;
  let client: TestClient;
  let request: AuthorizationRequest;
  let browser: Browser;

  beforeAll(async () => {
    flow = await LocalFlow.start({ platform });
    client = await flow.register();
  });

  beforeEach(() => {
    request = flow.authorizationRequest(client);
    browser = new Browser();
  });

  afterAll(() => flow.close());

  const fieldsOf = (page: Visit): Record<string, string> =>
    Object.fromEntries(page.forms[0]?.fields.map(({ name, value }) => [name, value]) ?? []);

  const cookiesOf = (of: Browser): string =>
    String(of.cookies.header(new URL(flow.issuer), { method: 'POST', crossSite: false }));

  const post = (of: Browser, form: Record<string, string>, headers = {}): Promise<Answer> =>
    flow.send('/consent', {
      form,
      headers: {
        accept: 'text/html',
        origin: flow.app.origin,
        'sec-fetch-site': 'same-origin',
        cookie: cookiesOf(of),
        ...headers,
      },
    });

  const redeem = async (url: string): Promise<Answer> => {
    const callback = new URL(url);
    const code = String(callback.searchParams.get('code'));
    return flow.redeem({ code, client, request, callback, browser } satisfies HeldCode);
  };

  const claimsOf = (accessToken: string): Record<string, unknown> =>
    JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()) as Record<
      string,
      unknown
    >;

  const codes = (): number =>
    flow.app.store.live().filter(({ key }) => key.startsWith('code:')).length;

  const titled = (page: { html: string }, title: string): void =>
    expect(page.html).toContain(`<title>${title}</title>`);

  describe('in one browser', () => {
    it('goes by the login page and the consent page, which names the user, to a code of that user', async () => {
      const login = await browser.open(request.url);
      expect(login.url).toMatch(
        new RegExp(`^${flow.app.origin}/login\\?return_to=%2Fconsent%3Ftxn%3D[\\w-]{43}$`),
      );
      const page = await browser.login(login, 'alice');
      expect(page.url).toContain(`${flow.issuer}/consent?txn=`);
      expect(page.html).toContain('You are logged in as <bdi>alice of the tests</bdi>.');
      expect(page.html).toContain('notes:read');
      const back = await browser.approve(page, atClient(client));
      const answer = new URL(back.url);
      expect(answer.searchParams.get('state')).toBe(request.state);
      expect(answer.searchParams.get('iss')).toBe(flow.issuer);
      const tokens = tokensOf(await redeem(back.url));
      expect(claimsOf(tokens.access_token)).toMatchObject({
        sub: 'alice',
        email: 'alice@local.test',
        iss: flow.issuer,
        aud: flow.app.url,
        client_id: client.id,
      });
      expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    });

    it('asks nobody to log in twice', async () => {
      const page = await flow.consentPageOf(browser, 'bob', request);
      expect(page.history.map(({ url }) => new URL(url).pathname)).toEqual([
        '/authorize',
        '/consent',
      ]);
      expect(page.html).toContain('bob of the tests');
    });

    it('lets the user become another one, who is asked then', async () => {
      const page = await flow.consentPageOf(browser, 'bob', request);
      const [link = ''] = page.links.filter((l) => l.includes('/login'));
      const login = await browser.open(link, { from: page.url });
      const asked = await browser.login(login, 'alice');
      expect(asked.html).toContain('alice of the tests');
      const back = await browser.approve(asked, atClient(client));
      expect(claimsOf(tokensOf(await redeem(back.url)).access_token)['sub']).toBe('alice');
    });

    it('tells the client of a refusal, and makes no code', async () => {
      const before = codes();
      const page = await flow.consentPageOf(browser, 'alice', request);
      const back = await browser.deny(page, atClient(client));
      expect(new URL(back.url).searchParams.get('error')).toBe('access_denied');
      expect(codes()).toBe(before);
    });
  });

  describe('two browsers', () => {
    it('lets nobody finish a login that another browser began, and asks no hook about it', async () => {
      const page = await flow.consentPageOf(browser, 'alice', request);
      const attacker = new Browser();
      flow.logInAtApp(attacker, 'bob');
      const asked = flow.rig.asked.user;
      const seen = await expectStoreUntouched(flow, () => attacker.open(page.url));
      expectLocalRefusal(answerOf(seen), flow, 403);
      titled(seen, 'This login was begun elsewhere');
      const sent = await expectStoreUntouched(flow, () =>
        post(attacker, { ...fieldsOf(page), action: 'approve' }),
      );
      expectLocalRefusal(sent, flow, 403);
      expect(flow.rig.asked.user).toBe(asked);
      expect((await browser.approve(page, atClient(client))).stopped).toBe(true);
    });

    it("leads a victim who logs in behind an attacker's link to a page that says so, and to no code", async () => {
      const attacker = new Browser();
      const login = await attacker.open(request.url);
      const before = codes();
      const victim = new Browser();
      const shown = await victim.open(login.url, { crossSite: true });
      const ended = await victim.login(shown, 'alice');
      titled(ended, 'This login was begun elsewhere');
      expect(ended.status).toBe(403);
      expect(codes()).toBe(before);
    });

    it('gives the session of one browser to no login of another', async () => {
      flow.logInAtApp(browser, 'alice');
      const attacker = new Browser();
      expect((await attacker.open(request.url)).url).toContain('/login?return_to=');
    });
  });

  describe('the way back from the login page', () => {
    it('is used up once the login is answered', async () => {
      const page = await flow.consentPageOf(browser, 'alice', request);
      expect((await browser.approve(page, atClient(client))).stopped).toBe(true);
      const again = await expectStoreUntouched(flow, () => browser.open(page.url));
      expectLocalRefusal(answerOf(again), flow);
      titled(again, 'This login is over');
    });

    it('leads to a login of this server and nowhere else', () => {
      const service = flow.app.app.get(MultiAuthService, { strict: false });
      const id = 'A'.repeat(43);
      const own = `${flow.issuer}/consent?txn=${id}`;
      const given: unknown[] = [
        'https://elsewhere.example/',
        `https://elsewhere.example/consent?txn=${id}`,
        `//elsewhere.example/consent?txn=${id}`,
        `/\\elsewhere.example/consent?txn=${id}`,
        `${flow.app.origin}@elsewhere.example/consent?txn=${id}`,
        `${flow.app.origin}.elsewhere.example/consent?txn=${id}`,
        'javascript:alert(1)',
        `/consent/../authorize?txn=${id}`,
        '/consent',
        '/consent?txn=short',
        `/consent?txn=${id}&txn=${id}`,
        `/authorize?txn=${id}`,
        '',
        undefined,
        null,
        [own],
        { toString: () => own },
      ];
      expect(given.map((url) => service.loginReturnUrl(url))).toEqual(given.map(() => undefined));
      const good = [own, `/consent?txn=${id}`, `/consent?txn=${id}&x=https://e.example#y`];
      expect(good.map((url) => service.loginReturnUrl(url))).toEqual([own, own, own]);
    });

    it('of a made-up login ends on a page, whoever is logged in', async () => {
      flow.logInAtApp(browser, 'alice');
      const page = await browser.open(`${flow.issuer}/consent?txn=${'A'.repeat(43)}`);
      titled(page, 'This login is over');
    });
  });

  describe('when the session changes', () => {
    it('asks whoever is there now, who has not seen the page, and gives no code for either', async () => {
      const events = flow.app.app.get(MultiAuthEvents, { strict: false });
      const changed: unknown[] = [];
      const off = events.on('consent.subject_changed', (event) => changed.push(event));
      const page = await flow.consentPageOf(browser, 'alice', request);
      flow.logInAtApp(browser, 'bob');
      const asked = await expectStoreUntouched(flow, () => browser.approve(page, atClient(client)));
      off();
      expect(asked.stopped).toBe(false);
      expect(asked.html).toContain('bob of the tests');
      expect(changed).toEqual([{ clientId: client.id }]);
      const back = await browser.approve(asked, atClient(client));
      expect(claimsOf(tokensOf(await redeem(back.url)).access_token)['sub']).toBe('bob');
    });

    it('takes no refusal of the other user either', async () => {
      const page = await flow.consentPageOf(browser, 'alice', request);
      flow.logInAtApp(browser, 'bob');
      const asked = await expectStoreUntouched(flow, () => browser.deny(page, atClient(client)));
      expect(asked.html).toContain('bob of the tests');
    });

    it('sends a user whose session has ended to the login page, and asks again', async () => {
      const page = await flow.consentPageOf(browser, 'alice', request);
      flow.logInAtApp(browser, undefined);
      const login = await expectStoreUntouched(flow, () => browser.approve(page, atClient(client)));
      expect(login.url).toContain('/login?return_to=');
      const asked = await browser.login(login, 'alice');
      expect(asked.html).toContain('alice of the tests');
      expect((await browser.approve(asked, atClient(client))).stopped).toBe(true);
    });

    it('gives the answer of one user to no other, and to the same one again', async () => {
      const page = await flow.consentPageOf(browser, 'alice', request);
      const form = { ...fieldsOf(page), action: 'approve' };
      const first = await post(browser, form);
      expect(first.status).toBe(303);
      expect((await post(browser, form)).headers['location']).toBe(first.headers['location']);
      flow.logInAtApp(browser, 'bob');
      const other = await post(browser, form);
      expectLocalRefusal(other, flow);
      expect(other.text).toContain('This login is over');
      flow.logInAtApp(browser, undefined);
      expectLocalRefusal(await post(browser, form), flow);
    });
  });

  describe('many answers at once', () => {
    it('make one code, whoever of fifty comes first', async () => {
      const page = await flow.consentPageOf(browser, 'alice', request);
      const events = flow.app.app.get(MultiAuthEvents, { strict: false });
      const issued: unknown[] = [];
      const off = events.on('authorization_code.issued', (event) => issued.push(event));
      const before = codes();
      const form = { ...fieldsOf(page), action: 'approve' };
      const held = flow.app.store.hold('add', 'decision:');
      const pending = Array.from({ length: 50 }, () => post(browser, form));
      await held.arrived(50);
      held.release();
      const answers = await Promise.all(pending);
      off();
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([303]));
      const locations = new Set(answers.map(({ headers }) => String(headers['location'])));
      expect(locations.size).toBe(1);
      expect(codes()).toBe(before + 1);
      expect(issued).toEqual([{ clientId: client.id, subject: 'alice' }]);
      const [location = ''] = locations;
      expect(location.startsWith(`${clientRedirect}?code=`)).toBe(true);
      const answered = await Promise.all(Array.from({ length: 5 }, () => redeem(location)));
      expect(answered.filter(({ status }) => status === 200)).toHaveLength(1);
    });

    it('of two users make a code for the one who was first, and for that one alone', async () => {
      const page = await flow.consentPageOf(browser, 'alice', request);
      const alice = { ...fieldsOf(page), action: 'approve' };
      const held = flow.app.store.hold('add', 'decision:');
      const first = post(browser, alice);
      await held.arrived(1);
      flow.logInAtApp(browser, 'bob');
      const bob = { ...fieldsOf(await browser.open(page.url)), action: 'approve' };
      const second = post(browser, bob);
      await held.arrived(2);
      held.release();
      expect(String((await first).headers['location'])).toContain('code=');
      expectLocalRefusal(await second, flow);
    });
  });

  describe('forgeries', () => {
    const refused = async (form: Record<string, string>, headers = {}): Promise<Answer> =>
      expectStoreUntouched(flow, () => post(browser, form, headers));

    it('takes no form but the one of this login', async () => {
      const page = await flow.consentPageOf(browser, 'alice', request);
      const fields = { ...fieldsOf(page), action: 'approve' };
      const another = await browser.open(flow.authorizationRequest(client).url);
      const [ofLogin = '', ofUser = ''] = String(fieldsOf(page)['csrf']).split('.');
      expect(ofUser).not.toBe('');
      for (const csrf of [
        fieldsOf(another)['csrf'] ?? '',
        '',
        `x${ofLogin.slice(1)}.${ofUser}`,
        `${ofLogin}.${ofUser}.x`,
        `.${ofUser}`,
      ]) {
        expectLocalRefusal(await refused({ ...fields, csrf }), flow);
      }
      // Of this login, and of no user: whoever is logged in has not seen it.
      for (const csrf of [ofLogin, `${ofLogin}.`, `${ofLogin}.x${ofUser.slice(1)}`]) {
        const answer = await refused({ ...fields, csrf });
        expect(answer.headers['location']).toBe(page.url);
      }
      expect((await post(browser, fields)).headers['location']).toContain('code=');
    });

    it('takes no form of another site', async () => {
      const page = await flow.consentPageOf(browser, 'alice', request);
      const fields = { ...fieldsOf(page), action: 'approve' };
      for (const headers of [
        { origin: 'https://elsewhere.example', 'sec-fetch-site': 'cross-site' },
        { origin: 'null', 'sec-fetch-site': 'cross-site' },
      ]) {
        expectLocalRefusal(await refused(fields, headers), flow, 403);
      }
      expect((await post(browser, fields)).headers['location']).toContain('code=');
    });

    it('does nothing on HEAD, which link scanners send', async () => {
      const page = await flow.consentPageOf(browser, 'alice', request);
      const asked = flow.rig.asked.user;
      const path = page.url.slice(flow.issuer.length);
      const answer = await flow.send(path, {
        method: 'HEAD',
        headers: { cookie: cookiesOf(browser) },
      });
      expect(answer.status).toBe(405);
      expect(flow.rig.asked.user).toBe(asked);
    });
  });

  it('has no place where an upstream would send users back', async () => {
    expect((await flow.send('/auth/callback?state=x&code=y')).status).toBe(404);
    const metadata = await flow.send('/.well-known/oauth-authorization-server');
    expect(jsonOf(metadata)).toMatchObject({
      issuer: flow.issuer,
      registration_endpoint: `${flow.issuer}/register`,
      authorization_response_iss_parameter_supported: true,
    });
  });
});
