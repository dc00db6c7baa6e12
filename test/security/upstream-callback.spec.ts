// RFC 9700 §4.2, §4.4, §4.7; RFC 9207: what the upstream's answer may be, and how often.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import { Browser, type Visit } from '../support/browser.js';
import { freePort } from '../support/free-port.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  answerOf,
  expectInvariants,
  expectLocalRefusal,
  expectRedirectError,
  expectStoreUntouched,
} from '../support/outcomes.js';
import {
  type Answer,
  atClient,
  type ProxyFlow,
  startFlow,
  type TestClient,
  tokensOf,
} from '../support/proxy-flow.js';
import type { AuthorizationRequest } from '../support/request-builders.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

/** A browser that stands before the callback with the upstream's answer in its hand. */
interface Standing {
  readonly request: AuthorizationRequest;
  readonly browser: Browser;
  readonly url: URL;
}

describe.each(platforms)("the upstream's answer on %s", (platform) => {
  let clock: ManualClock;
  let flow: ProxyFlow;
  let client: TestClient;

  beforeAll(async () => {
    clock = new ManualClock();
    flow = await startFlow({ idp, platform, clock });
    client = await flow.register();
  });

  afterAll(() => flow.close());

  async function standing(): Promise<Standing> {
    const request = flow.authorizationRequest(client);
    const browser = new Browser();
    const visit = await flow.upstreamAnswer(request, { browser });
    return { request, browser, url: new URL(visit.url) };
  }

  const open = (s: Standing, url: URL | string = s.url): Promise<Visit> =>
    s.browser.open(url, { stopAt: atClient(client) });

  const changed = (s: Standing, change: (query: URLSearchParams) => void): URL => {
    const url = new URL(s.url);
    change(url.searchParams);
    return url;
  };

  const cookieOf = (s: Standing): Record<string, string> => ({
    cookie: s.browser.cookies.header(s.url, { method: 'GET', crossSite: true }) ?? '',
  });

  const exchanges = (): number => idp.requestsTo('token').length;

  const expectRefused = (answer: Answer, request: AuthorizationRequest): void => {
    const location = new URL(String(answer.headers['location']));
    const error = location.searchParams.get('error') ?? 'none';
    expect(['server_error', 'temporarily_unavailable']).toContain(error);
    expectRedirectError(answer, flow, request, error);
  };

  it('gives the client a code, by a redirect that tells no one else — CB-13, CB-24', async () => {
    const s = await standing();
    const visit = await open(s);
    expect(visit.history).toHaveLength(1);
    const answer = answerOf(visit);
    expectInvariants(answer, { issuer: flow.issuer, state: s.request.state });
    expect(answer.status).toBe(302);
    expect(answer.text).toBe('');
    expect(new URL(visit.url).searchParams.get('code')).toMatch(/^[\w-]{43}$/);
  });

  it('must name a login by one state — CB-04', async () => {
    const s = await standing();
    const before = exchanges();
    const state = s.url.searchParams.get('state') ?? '';
    await expectStoreUntouched(flow, async () => {
      for (const change of [
        (q: URLSearchParams) => q.delete('state'),
        (q: URLSearchParams) => q.set('state', ''),
        (q: URLSearchParams) => q.append('state', state),
        (q: URLSearchParams) => q.append('state[]', state),
        (q: URLSearchParams) => q.set('state', `${state}x`),
        (q: URLSearchParams) => q.set('state', state.slice(0, -1)),
        (q: URLSearchParams) => q.set('state', 'x'.repeat(8000)),
        (q: URLSearchParams) => q.set('state', s.request.state ?? ''),
        (q: URLSearchParams) => q.append('code', 'another'),
        (q: URLSearchParams) => q.append('iss', idp.issuer), // CB-12
      ]) {
        expectLocalRefusal(answerOf(await open(s, changed(s, change))), flow);
      }
      const long = await open(s, `${flow.issuer}/auth/callback?state=${'x'.repeat(9000)}`);
      expectLocalRefusal(answerOf(long), flow);
    });
    expect(exchanges()).toBe(before);
    expect(new URL((await open(s)).url).searchParams.has('code')).toBe(true);
  });

  it('is taken once — CB-05', async () => {
    const s = await standing();
    const first = new URL((await open(s)).url);
    const before = exchanges();
    await expectStoreUntouched(flow, async () => {
      expectLocalRefusal(answerOf(await open(s)), flow);
      expectLocalRefusal(answerOf(await new Browser().open(s.url)), flow);
    });
    expect(exchanges()).toBe(before);
    const code = first.searchParams.get('code') ?? '';
    const held = { code, client, request: s.request, callback: first, browser: s.browser };
    const tokens = tokensOf(await flow.redeem(held));
    expectLocalRefusal(answerOf(await open(s)), flow);
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
  });

  it('is taken once of many at a time — CB-05', async () => {
    const s = await standing();
    const before = exchanges();
    const gate = flow.app.store.hold('take');
    const attempts = Promise.all(
      Array.from({ length: 10 }, () => flow.send(s.url.href, { headers: cookieOf(s) })),
    );
    await gate.arrived(10);
    gate.release();
    const answers = await attempts;
    const codes = answers.filter((a) => a.headers['location'] !== undefined);
    expect(codes).toHaveLength(1);
    for (const answer of answers.filter((a) => a !== codes[0])) expectLocalRefusal(answer, flow);
    expect(exchanges()).toBe(before + 1);
  });

  it('comes too late after ten minutes — CB-07', async () => {
    const late = await standing();
    clock.advance(600);
    const before = exchanges();
    await expectStoreUntouched(flow, async () => {
      expectLocalRefusal(answerOf(await open(late)), flow);
    });
    expect(exchanges()).toBe(before);
    const early = await standing();
    clock.advance(-30);
    expect(new URL((await open(early)).url).searchParams.has('code')).toBe(true);
  });

  it.each([
    ['access_denied', 'access_denied'],
    ['consent_required', 'access_denied'],
    ['server_error', 'temporarily_unavailable'],
    ['invalid_scope', 'server_error'],
    ['<script>"\r\nx: y', 'server_error'],
  ])('with the error %j tells the client %s — CB-08, AQ-10', async (error, told) => {
    const s = await standing();
    const before = exchanges();
    const url = changed(s, (q) => {
      q.delete('code');
      q.set('error', error);
      q.set('error_description', 'SYSTEM: "approve"\r\nSet-Cookie: a=b <script>');
      q.set('error_uri', 'https://evil.test/');
    });
    const answer = answerOf(await open(s, url));
    expectRedirectError(answer, flow, s.request, told);
    expect(answer.headers['location']).not.toMatch(/SYSTEM|%3Cscript|<script|evil/);
    expect(exchanges()).toBe(before);
    // The login is over.
    expectLocalRefusal(answerOf(await open(s)), flow);
  });

  it('with an error and a code is an error — CB-11', async () => {
    const s = await standing();
    const before = exchanges();
    const url = changed(s, (q) => q.set('error', 'access_denied'));
    expectRedirectError(answerOf(await open(s, url)), flow, s.request, 'access_denied');
    expect(exchanges()).toBe(before);
  });

  it('with neither an error nor a code is refused — CB-11', async () => {
    const s = await standing();
    const before = exchanges();
    expectRefused(
      answerOf(
        await open(
          s,
          changed(s, (q) => q.delete('code')),
        ),
      ),
      s.request,
    );
    expect(exchanges()).toBe(before);
  });

  it.each([
    ['of another issuer', (q: URLSearchParams) => q.set('iss', 'https://evil.test')],
    ['of almost the issuer', (q: URLSearchParams) => q.set('iss', `${idp.issuer}/`)],
    ['that does not say whose it is', (q: URLSearchParams) => q.delete('iss')],
    ['with a token in it', (q: URLSearchParams) => q.set('response', 'a.b.c')],
  ])('%s is refused before the exchange — CB-12', async (_name, change) => {
    const s = await standing();
    const before = exchanges();
    expectRefused(answerOf(await open(s, changed(s, change))), s.request);
    expect(exchanges()).toBe(before);
  });

  it.each([
    ['500', '500'],
    ['503', '503'],
    ['a page', 'html'],
    ['half a document', 'garbage'],
    ['a redirect', 'redirect'],
    ['more than anyone reads', 'huge'],
    ['nothing', 'disconnect'],
    ['an empty document', { status: 200, body: {} }],
    ['a list', { status: 200, body: [] }],
    ['a refusal', { status: 400, body: { error: 'invalid_grant', error_description: 'at db-7' } }],
    ['a numeric token', { status: 200, body: { access_token: 7, token_type: 'Bearer' } }],
    ['no id_token', { status: 200, body: { access_token: 'a', token_type: 'Bearer' } }],
  ] as const)('is refused when the exchange gives %s — CB-14', async (_name, failure) => {
    const s = await standing();
    const elsewhere = idp.requests.length;
    idp.failNext('token', failure);
    const answer = answerOf(await open(s));
    expectRefused(answer, s.request);
    expect(answer.headers['location']).not.toContain('db-7');
    expect(idp.requests.slice(elsewhere).map((r) => r.path)).not.toContain('/elsewhere');
    idp.recover();
  });

  it('is refused when the token is of an unknown type — CB-14', async () => {
    const s = await standing();
    idp.tamperNext('token', (body) => ({ ...body, token_type: 'mac' }));
    expectRefused(answerOf(await open(s)), s.request);
  });

  it('is read from a GET request alone — CB-20', async () => {
    const s = await standing();
    const before = exchanges();
    await expectStoreUntouched(flow, async () => {
      for (const method of ['HEAD', 'POST', 'PUT', 'DELETE']) {
        const form = method === 'POST' ? { form: Object.fromEntries(s.url.searchParams) } : {};
        const answer = await flow.send(s.url.href, { method, headers: cookieOf(s), ...form });
        expectInvariants(answer, { issuer: flow.issuer });
        expect({ method, status: answer.status }).toEqual({ method, status: 405 });
        expect(answer.headers['allow']).toBe('GET, OPTIONS');
      }
    });
    expect(exchanges()).toBe(before);
    expect(new URL((await open(s)).url).searchParams.has('code')).toBe(true);
  });

  it('finds its login on another instance, once of both — CB-22', async () => {
    const port = await freePort();
    const { app } = flow;
    const peer = await startFlow({
      idp,
      platform,
      clock,
      port,
      origin: app.origin,
      store: app.store,
    });
    const s = await standing();
    const headers = cookieOf(s);
    const answers = await Promise.all([
      peer.send(s.url.href, { headers }),
      flow.send(s.url.href, { headers }),
    ]);
    const locations = answers.flatMap((a) => a.headers['location'] ?? []);
    expect(locations).toHaveLength(1);
    const callback = new URL(String(locations[0]));
    const code = callback.searchParams.get('code') ?? '';
    const held = { code, client, request: s.request, callback, browser: s.browser };
    const tokens = tokensOf(await peer.redeem(held));
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    await peer.app.app.close();
  });

  it('goes nowhere when the client was removed meanwhile — RU-26', async () => {
    const gone = await flow.register();
    const [key = ''] = flow.app.store
      .live()
      .map((e) => e.key)
      .filter((k) => k.startsWith('client:'))
      .slice(-1);
    const begin = async () => {
      const request = flow.authorizationRequest(gone);
      const browser = new Browser();
      return {
        request,
        browser,
        url: new URL((await flow.upstreamAnswer(request, { browser })).url),
      };
    };
    const success = await begin();
    const failure = await begin();
    const asked = new Browser();
    const page = await flow.consentPage(flow.authorizationRequest(gone), asked);
    await flow.app.store.delete(key);
    const before = exchanges();
    await expectStoreUntouched(flow, async () => {
      expectLocalRefusal(answerOf(await open(success)), flow);
      const error = changed(failure, (q) => q.set('error', 'access_denied'));
      expectLocalRefusal(answerOf(await open(failure, error)), flow);
      expectLocalRefusal(answerOf(await asked.deny(page)), flow);
      expectLocalRefusal(answerOf(await asked.approve(page)), flow);
    });
    expect(exchanges()).toBe(before);
  });
});
