// GHSA-rww4-4w9c-7733, GHSA-c2jp-c369-7pvx; RFC 9700 §4.5, §4.7; MCP "Confused Deputy Problem".
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import {
  answerOf,
  expectLocalRefusal,
  expectStoreUntouched,
  expectVisitInvariants,
} from '../support/outcomes.js';
import { atClient, type ProxyFlow, startFlow, type TestClient } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('a login and the browser that began it, on %s', (platform) => {
  let flow: ProxyFlow;
  let client: TestClient;

  beforeAll(async () => {
    flow = await startFlow({ idp, platform });
    client = await flow.register();
  });

  afterAll(() => flow.close());

  const sameOrigin = (): Record<string, string> => ({
    origin: flow.app.origin,
    'sec-fetch-site': 'same-origin',
  });

  describe('consent', () => {
    it('asks the user before the upstream hears of the login — CO-01', async () => {
      const before = idp.requestsTo('authorization').length;
      const request = flow.authorizationRequest(client);
      const victim = new Browser();
      const page = await victim.open(request.url, { crossSite: true });
      expectVisitInvariants(page, { issuer: flow.issuer });
      expect(page.html).toContain('App');
      expect(page.html).toContain('app.test');
      expect(page.html).toContain('notes:read');
      expect(idp.requestsTo('authorization')).toHaveLength(before);
      const after = await victim.approve(page, flow.atIdp);
      expect(after.stopped).toBe(true);
    });

    it('asks again although the user has a session at the upstream — CO-01', async () => {
      const browser = new Browser();
      await flow.codeFor(client, { browser });
      const attacker = await flow.register({ client_name: 'Other' });
      const page = await browser.open(flow.authorizationRequest(attacker).url);
      expect(page.url).toContain(`${flow.issuer}/consent?txn=`);
      expect(page.status).toBe(200);
      expect(page.html).toContain('Other');
    });

    it('is refused from a browser that did not begin the login — CO-03', async () => {
      const attacker = new Browser();
      const page = await flow.consentPage(flow.authorizationRequest(client), attacker);
      const fields = Object.fromEntries(page.forms[0]?.fields.map((f) => [f.name, f.value]) ?? []);
      const form = { ...fields, action: 'approve' };
      const victim = new Browser();
      // The victim has cookies of a login of its own.
      await flow.consentPage(flow.authorizationRequest(client), victim);
      await expectStoreUntouched(flow, async () => {
        const forged = await victim.forge(`${flow.issuer}/consent`, form);
        expectLocalRefusal(answerOf(forged), flow, 403);
        // Even a page of the same origin could not do it: the binding does not rest on headers.
        const cookie = victim.cookies.header(new URL(flow.issuer), {
          method: 'POST',
          crossSite: false,
        });
        const headers = { ...sameOrigin(), cookie: String(cookie) };
        expectLocalRefusal(await flow.send('/consent', { form, headers }), flow, 403);
      });
      const own = await attacker.approve(page, flow.atIdp);
      expect(own.stopped).toBe(true);
    });

    it('is not even shown to another browser — CO-03', async () => {
      const page = await flow.consentPage(flow.authorizationRequest(client), new Browser());
      await expectStoreUntouched(flow, async () => {
        const elsewhere = await new Browser().open(page.url);
        expectLocalRefusal(answerOf(elsewhere), flow, 403);
        expect(elsewhere.html).not.toContain('csrf');
      });
    });

    it('cannot be skipped: nothing that the browser holds passes for an upstream state', async () => {
      const browser = new Browser();
      const page = await flow.consentPage(flow.authorizationRequest(client), browser);
      const txn = new URL(page.url).searchParams.get('txn') ?? '';
      const csrf = page.forms[0]?.fields.find((f) => f.name === 'csrf')?.value ?? '';
      const exchanges = idp.requestsTo('token').length;
      for (const state of [txn, csrf, page.url, flow.authorizationRequest(client).state ?? '']) {
        const query = new URLSearchParams({ code: 'a-code', state, iss: idp.issuer });
        const callback = await browser.open(`${flow.issuer}/auth/callback?${query.toString()}`);
        expectLocalRefusal(answerOf(callback), flow);
      }
      expect(idp.requestsTo('token')).toHaveLength(exchanges);
    });
  });

  describe('the callback', () => {
    it('is refused in a browser that did not approve — CB-01', async () => {
      const attacker = new Browser();
      const approved = await flow.approve(flow.authorizationRequest(client), attacker);
      const exchanges = idp.requestsTo('token').length;
      const victim = new Browser();
      const visit = await victim.walk(approved.url, { user: 'alice', stopAt: atClient(client) });
      expectLocalRefusal(answerOf(visit), flow, 403);
      expect(visit.stopped).toBe(false);
      expect(idp.requestsTo('token')).toHaveLength(exchanges);
    });

    it('is refused in a browser that approved another login — CB-01, CB-21', async () => {
      const approved = await flow.approve(flow.authorizationRequest(client), new Browser());
      const victim = new Browser();
      await flow.codeFor(client, { browser: victim });
      const exchanges = idp.requestsTo('token').length;
      const visit = await victim.walk(approved.url, { user: 'alice', stopAt: atClient(client) });
      expectLocalRefusal(answerOf(visit), flow, 403);
      expect(idp.requestsTo('token')).toHaveLength(exchanges);
    });

    it('is refused in a browser that only began a login — CB-01', async () => {
      const attacker = new Browser();
      const request = flow.authorizationRequest(client);
      const answer = await flow.upstreamAnswer(request, { browser: attacker });
      const victim = new Browser();
      await flow.consentPage(flow.authorizationRequest(client), victim);
      expectLocalRefusal(answerOf(await victim.open(answer.url)), flow, 403);
    });

    it("of the attacker's login does not open in the victim's browser — CB-02, PK-09", async () => {
      const attacker = new Browser();
      const request = flow.authorizationRequest(client);
      const answer = await flow.upstreamAnswer(request, { browser: attacker, user: 'bob' });
      const victim = new Browser();
      await expectStoreUntouched(flow, async () => {
        const visit = await victim.open(answer.url, { crossSite: true });
        expectLocalRefusal(answerOf(visit), flow, 403);
      });
      // Nothing was spent by it: the one who began the login still can finish it.
      const finished = await attacker.open(answer.url, { stopAt: atClient(client) });
      expect(new URL(finished.url).searchParams.get('code')).toBeTruthy();
    });

    it("does not take the attacker's upstream code with the victim's state — CB-02", async () => {
      const stolen = await flow.upstreamAnswer(flow.authorizationRequest(client), { user: 'bob' });
      const victim = new Browser();
      const request = flow.authorizationRequest(client);
      const own = await flow.upstreamAnswer(request, { browser: victim });
      const injected = new URL(own.url);
      injected.searchParams.set('code', new URL(stolen.url).searchParams.get('code') ?? '');
      const visit = await victim.open(injected, { stopAt: atClient(client) });
      const back = new URL(visit.url).searchParams;
      // The upstream ties its code to the challenge of the login that it was made for.
      expect(back.get('error')).toBe('server_error');
      expect(back.has('code')).toBe(false);
      expectVisitInvariants(visit, { issuer: flow.issuer, state: request.state });
    });

    it('is refused when a second value of the cookie was planted — CB-21', async () => {
      const browser = new Browser();
      const request = flow.authorizationRequest(client);
      const answer = await flow.upstreamAnswer(request, { browser });
      const url = new URL(answer.url);
      const cookies = browser.cookies.header(url, { method: 'GET', crossSite: true }) ?? '';
      const name = /[^ ;=]*approved[^=]*/.exec(cookies)?.[0] ?? '';
      const planted = `${name}=${'A'.repeat(43)}`;
      const send = (cookie: string) => flow.send(answer.url, { headers: { cookie } });
      await expectStoreUntouched(flow, async () => {
        expectLocalRefusal(await send(`${planted}; ${cookies}`), flow, 403);
        expectLocalRefusal(await send(`${cookies}; ${planted}`), flow, 403);
        expectLocalRefusal(await send(planted), flow, 403);
      });
      const many = Array.from({ length: 50 }, (_, i) => `c${i}=${i}`).join('; ');
      const good = await send(`${many}; ${cookies}`);
      expect(good.headers['location']).toMatch(/[?&]code=/);
    });

    it('is refused without any cookie — CB-01', async () => {
      const answer = await flow.upstreamAnswer(flow.authorizationRequest(client));
      expectLocalRefusal(await flow.send(answer.url), flow, 403);
    });
  });

  it('lets one browser log in twice side by side — CO-19', async () => {
    const browser = new Browser();
    const first = flow.authorizationRequest(client);
    const second = flow.authorizationRequest(client).with({ scope: 'notes:write' });
    const firstPage = await flow.consentPage(first, browser);
    const secondPage = await flow.consentPage(second, browser);
    const stopAt = atClient(client);
    const atUpstream = [
      await browser.approve(secondPage, flow.atIdp),
      await browser.approve(firstPage, flow.atIdp),
    ];
    const ends = [];
    for (const visit of atUpstream)
      ends.push(await browser.walk(visit.url, { user: 'alice', stopAt }));
    expect(ends.map((v) => new URL(v.url).searchParams.get('state'))).toEqual([
      second.state,
      first.state,
    ]);
    for (const end of ends) expect(new URL(end.url).searchParams.has('code')).toBe(true);
  });
});
