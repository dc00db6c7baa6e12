// MCP "Confused Deputy Problem", consent UI; RFC 6819 §5.2.3.2; RFC 9700 §4.16; GHSA-c2jp-c369-7pvx.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import { Browser, type Visit } from '../support/browser.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  answerOf,
  expectInvariants,
  expectLocalRefusal,
  expectRedirectError,
  expectStoreUntouched,
  expectVisitInvariants,
} from '../support/outcomes.js';
import {
  type Answer,
  atClient,
  type ProxyFlow,
  type SendOptions,
  startFlow,
  type TestClient,
} from '../support/proxy-flow.js';
import { type AuthorizationRequest, Params } from '../support/request-builders.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('the answer to the consent page on %s', (platform) => {
  let clock: ManualClock;
  let flow: ProxyFlow;
  let client: TestClient;

  beforeAll(async () => {
    clock = new ManualClock();
    flow = await startFlow({ idp, platform, clock });
    client = await flow.register();
  });

  afterAll(() => flow.close());

  /** A shown page, and the requests that its browser could send. */
  class Shown {
    constructor(
      readonly request: AuthorizationRequest,
      readonly browser: Browser,
      readonly page: Visit,
    ) {}

    static async begin(browser = new Browser()): Promise<Shown> {
      const request = flow.authorizationRequest(client);
      return new Shown(request, browser, await flow.consentPage(request, browser));
    }

    field(name: string): string {
      return this.page.forms[0]?.fields.find((f) => f.name === name)?.value ?? '';
    }

    get form(): Params {
      return new Params({ txn: this.field('txn'), csrf: this.field('csrf'), action: 'approve' });
    }

    /** What the browser sends by itself; the headers can be replaced, and '' removes one. */
    headers(changes: Record<string, string> = {}): Record<string, string> {
      const url = new URL(flow.issuer);
      const headers = {
        origin: 'null',
        'sec-fetch-site': 'same-origin',
        accept: 'text/html',
        cookie: this.browser.cookies.header(url, { method: 'POST', crossSite: false }) ?? '',
        ...changes,
      };
      return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ''));
    }

    post(form: Params, headers: Record<string, string> = {}): Promise<Answer> {
      return flow.send('/consent', { form, headers: this.headers(headers) });
    }

    async expectStillOpen(): Promise<void> {
      const approved = await this.post(this.form);
      expectInvariants(approved, { issuer: flow.issuer });
      expect(approved.status).toBe(303);
      expect(approved.headers['location']).toContain(`${idp.issuer}/auth?`);
    }
  }

  const refusedUntouched = async (
    status: 400 | 403,
    ...attempts: (() => Promise<Answer>)[]
  ): Promise<void> => {
    await expectStoreUntouched(flow, async () => {
      for (const attempt of attempts) expectLocalRefusal(await attempt(), flow, status);
    });
  };

  it('must carry the token of the page that was shown — CO-04', async () => {
    const shown = await Shown.begin();
    const other = await Shown.begin(shown.browser);
    const { form } = shown;
    const csrf = shown.field('csrf');
    const flipped = (csrf.startsWith('A') ? 'B' : 'A') + csrf.slice(1);
    await refusedUntouched(
      400,
      () => shown.post(form.without('csrf')),
      () => shown.post(form.with({ csrf: '' })),
      () => shown.post(form.with({ csrf: 'wrong' })),
      () => shown.post(form.with({ csrf: flipped })),
      () => shown.post(form.with({ csrf: `${csrf}=` })),
      () => shown.post(form.with({ csrf: other.field('csrf') })), // CO-13
      () => shown.post(form.twice('csrf')),
      () => shown.post(form.without('txn')),
      () => shown.post(form.twice('txn', other.field('txn'))),
      () => shown.post(form.with({ txn: 'unknown' })),
    );
    await shown.expectStillOpen();
  });

  it('is refused when the login waited too long — CO-04, CB-07', async () => {
    const shown = await Shown.begin();
    clock.advance(600);
    await refusedUntouched(400, () => shown.post(shown.form));
    const page = await shown.browser.open(shown.page.url);
    expectLocalRefusal(answerOf(page), flow);
    const fresh = await Shown.begin();
    clock.advance(599);
    await fresh.expectStillOpen();
  });

  it.each([
    ['another origin', { origin: 'https://evil.test' }],
    [
      'another origin, whatever it says of itself',
      { origin: 'https://evil.test', 'sec-fetch-site': 'same-origin' },
    ],
    ['the origin by another scheme', { origin: 'https://127.0.0.1' }],
    ['a hidden origin on another site', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
    ['a hidden origin on a sibling', { origin: 'null', 'sec-fetch-site': 'same-site' }],
    ['a hidden origin, without a word from the browser', { origin: 'null', 'sec-fetch-site': '' }],
    ['no origin, on another site', { origin: '', 'sec-fetch-site': 'cross-site' }],
    ['no origin, typed by hand', { origin: '', 'sec-fetch-site': 'none' }],
  ])('is refused from %s — CO-05', async (_name, headers) => {
    const shown = await Shown.begin();
    await refusedUntouched(403, () => shown.post(shown.form, headers));
    await shown.expectStillOpen();
  });

  it('is taken from the page itself, with whatever a browser says of it — CO-05', async () => {
    for (const headers of [
      { origin: 'null', 'sec-fetch-site': 'same-origin' },
      { origin: flow.app.origin, 'sec-fetch-site': 'same-origin' },
      { origin: flow.app.origin, 'sec-fetch-site': '' },
      { origin: '', 'sec-fetch-site': 'same-origin' },
      { origin: '', 'sec-fetch-site': '' },
    ]) {
      const shown = await Shown.begin();
      const answer = await shown.post(shown.form, headers);
      expect(answer.headers['location']).toContain(`${idp.issuer}/auth?`);
    }
  });

  it('is never given by a link — CO-05, CO-29', async () => {
    const shown = await Shown.begin();
    await expectStoreUntouched(flow, async () => {
      const url = `${flow.issuer}/consent?${shown.form.toString()}`;
      const opened = await shown.browser.open(url, { headers: { 'sec-purpose': 'prefetch' } });
      expect(opened.history).toHaveLength(1);
      expect(opened.forms).toHaveLength(1);
    });
    await shown.expectStillOpen();
  });

  it.each([
    [
      'plain text',
      (form: Params): SendOptions => ({
        body: String(form),
        headers: { 'content-type': 'text/plain' },
      }),
    ],
    [
      'JSON',
      (form: Params): SendOptions => ({
        json: Object.fromEntries(new URLSearchParams(String(form))),
      }),
    ],
    [
      'several parts',
      (): SendOptions => ({
        body: '--x\r\n\r\n--x--',
        headers: { 'content-type': 'multipart/form-data; boundary=x' },
      }),
    ],
    ['nothing', (): SendOptions => ({ method: 'POST' })],
  ])('is not read from %s — CO-06', async (_name, bodyOf) => {
    const shown = await Shown.begin();
    await expectStoreUntouched(flow, async () => {
      const options = bodyOf(shown.form);
      const headers = { ...shown.headers(), ...options.headers };
      const answer = await flow.send('/consent', { ...options, method: 'POST', headers });
      expectInvariants(answer, { issuer: flow.issuer });
      expect([400, 415]).toContain(answer.status);
    });
    await shown.expectStillOpen();
  });

  it('is nothing unless it is exactly one of the two — CO-07', async () => {
    const shown = await Shown.begin();
    const { form } = shown;
    await refusedUntouched(
      400,
      () => shown.post(form.without('action')),
      () => shown.post(form.with({ action: '' })),
      () => shown.post(form.with({ action: 'APPROVE' })),
      () => shown.post(form.with({ action: 'yes' })),
      () => shown.post(form.with({ action: 'toString' })),
      () => shown.post(form.twice('action', 'deny')),
      () => shown.post(form.twice('action')),
      () => shown.post(form.with({ 'action[]': 'approve' })),
    );
    await shown.expectStillOpen();
  });

  it('needs the cookie exactly as it was set — CO-12', async () => {
    const shown = await Shown.begin();
    const cookie = shown.headers()['cookie'] ?? '';
    const [name = '', value = ''] = cookie.split('=');
    const flipped = (value.startsWith('A') ? 'B' : 'A') + value.slice(1);
    const others = [
      flipped,
      `${value}=`,
      `${value}A`,
      value.slice(1),
      value.toUpperCase(),
      `"${value}"`,
    ];
    await refusedUntouched(
      403,
      () => shown.post(shown.form, { cookie: '' }),
      ...others.map((other) => () => shown.post(shown.form, { cookie: `${name}=${other}` })),
      () => shown.post(shown.form, { cookie: `${cookie}; ${name}=${flipped}` }),
      () => shown.post(shown.form, { cookie: cookie.replace('begun', 'approved') }),
    );
    await shown.expectStillOpen();
  });

  it('"deny" goes to the client, and is final — CO-21', async () => {
    const shown = await Shown.begin();
    const logins = idp.requestsTo('authorization').length;
    const denied = await shown.post(shown.form.with({ action: 'deny' }));
    expectRedirectError(denied, flow, shown.request, 'access_denied');
    expect(denied.status).toBe(303);
    await refusedUntouched(400, () => shown.post(shown.form));
    expectLocalRefusal(answerOf(await shown.browser.open(shown.page.url)), flow);
    expect(idp.requestsTo('authorization')).toHaveLength(logins);
    // It says nothing about the next login.
    await (await Shown.begin(shown.browser)).expectStillOpen();
  });

  it('"approve" cannot be turned into "deny" — CO-21', async () => {
    const shown = await Shown.begin();
    await shown.expectStillOpen();
    await refusedUntouched(400, () => shown.post(shown.form.with({ action: 'deny' })));
  });

  it('given twice, at once or later, begins one upstream login — CO-22', async () => {
    const shown = await Shown.begin();
    const logins = (): number =>
      flow.app.store.live().filter((e) => e.key.startsWith('login:')).length;
    const before = logins();
    const gate = flow.app.store.hold('add');
    const clicks = Promise.all([1, 2, 3].map(() => shown.post(shown.form)));
    await gate.arrived(3);
    gate.release();
    const answers = [...(await clicks), await shown.post(shown.form)];
    expect(new Set(answers.map((a) => a.headers['location'])).size).toBe(1);
    expect(new Set(answers.map((a) => String(a.headers['set-cookie']))).size).toBe(1);
    expect(logins()).toBe(before + 1);
  });

  it('repeated from elsewhere gets nothing of the first answer — CO-03, CO-22', async () => {
    const shown = await Shown.begin();
    await shown.expectStillOpen();
    const stranger = await Shown.begin();
    await refusedUntouched(
      403,
      () => stranger.post(shown.form),
      () => shown.post(shown.form, { cookie: '' }),
    );
    await refusedUntouched(400, () => shown.post(shown.form.with({ csrf: 'wrong' })));
  });

  it('can be given on any of the pages shown for the login — CO-19', async () => {
    const shown = await Shown.begin();
    const reloads = [
      await shown.browser.open(shown.page.url),
      await shown.browser.open(shown.page.url),
    ];
    for (const reload of reloads) expectVisitInvariants(reload, { issuer: flow.issuer });
    const other = await Shown.begin(shown.browser);
    const first = await shown.browser.approve(shown.page, flow.atIdp);
    expect(first.stopped).toBe(true);
    const end = await shown.browser.walk(first.url, { user: 'alice', stopAt: atClient(client) });
    expect(new URL(end.url).searchParams.get('state')).toBe(shown.request.state);
    await other.expectStillOpen();
  });

  it('of one login cannot be used for another of the same browser — CO-13', async () => {
    const shown = await Shown.begin();
    const other = await flow.register({ client_name: 'Other' });
    const page = await flow.consentPage(flow.authorizationRequest(other), shown.browser);
    const txn = new URL(page.url).searchParams.get('txn') ?? '';
    await shown.expectStillOpen();
    await refusedUntouched(400, () => shown.post(shown.form.with({ txn })));
  });

  it('keeps the cookies of a browser few, however many logins it begins — CO-20', async () => {
    const browser = new Browser();
    for (let i = 0; i < 30; i++) await browser.open(flow.authorizationRequest(client).url);
    const header = browser.cookies.header(new URL(flow.issuer), { method: 'GET', crossSite: true });
    expect(header?.length).toBeLessThan(200);
    await (await Shown.begin(browser)).expectStillOpen();
  });
});
