// RFC 9111: how long a document is believed, and what becomes of its clients when it changes.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryStore } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { DocumentHost, documentOf, jsonResponse } from '../support/document-host.js';
import { eventually } from '../support/eventually.js';
import { Gate } from '../support/gate.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  expectBegun,
  expectLocalRefusal,
  expectTokenError,
  expectVisitInvariants,
} from '../support/outcomes.js';
import {
  type Answer,
  atClient,
  type ProxyFlow,
  startFlow,
  type TestClient,
  tokensOf,
} from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const hour = 3600;
const day = 24 * hour;
const url = 'https://app.good.test/client.json';
let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('a document that is kept, on %s', (platform) => {
  let clock: ManualClock;
  let store: MemoryStore;
  let host: DocumentHost;
  let flow: ProxyFlow;

  const start = (port?: number): Promise<ProxyFlow> =>
    startFlow({
      idp,
      platform,
      clock,
      store,
      proxy: { clientIdMetadataDocuments: host.options() },
      ...(port !== undefined && { port }),
    });

  beforeEach(async () => {
    clock = new ManualClock();
    store = new MemoryStore({ clock });
    host = new DocumentHost();
    flow = await start();
  });

  afterEach(() => flow.close());

  const begin = (client: TestClient): Promise<Answer> =>
    flow.authorize(flow.authorizationRequest(client));
  const expectBegins = async (client: TestClient): Promise<void> => {
    expectBegun(await begin(client), flow);
  };

  /** So many logins, all of which wait for the document. */
  const beginning = async (count: number, client: TestClient, document: Gate) => {
    const { counts } = flow.app.store;
    const before = counts.get;
    const all = Promise.all(Array.from({ length: count }, () => begin(client)));
    await document.arrived(1);
    // Each looks for a registration first, and one of them for a document that is known.
    await eventually(() => counts.get === before + count + 1, 'all have come');
    return { all };
  };

  it.each([
    ['an hour when its host says nothing', {}, hour],
    ['as long as its host says', { 'cache-control': 'max-age=7200' }, 2 * hour],
    ['a day at most', { 'cache-control': 'max-age=999999999' }, day],
    ['a day at most', { expires: 'Fri, 31 Dec 9999 23:59:59 GMT' }, day],
    ['an hour when its host is not to be understood', { 'cache-control': 'max-age=soon' }, hour],
  ])('is believed %s — CI-22', async (_name, headers, seconds) => {
    const client = host.publish(url, {}, headers);
    await expectBegins(client);
    clock.advance(seconds - 1);
    await expectBegins(client);
    expect(host.requests).toHaveLength(1);
    clock.advance(2);
    await expectBegins(client);
    expect(host.requests).toHaveLength(2);
  });

  it('is believed as long as the operator says, at most — CI-22', async () => {
    await flow.close();
    const options = { proxy: { clientIdMetadataDocuments: host.options({ maxAgeSeconds: 60 }) } };
    flow = await startFlow({ idp, platform, clock, ...options });
    const client = host.publish(url, {}, { 'cache-control': 'max-age=3600' });
    for (const [pause, requests] of [
      [0, 1],
      [59, 1],
      [1, 2],
    ] as const) {
      clock.advance(pause);
      await expectBegins(client);
      expect(host.requests).toHaveLength(requests);
    }
  });

  it.each([
    ['no-store', { 'cache-control': 'no-store, max-age=3600' }],
    ['private', { 'cache-control': 'private, max-age=3600' }],
    ['no-cache', { 'cache-control': 'no-cache, max-age=3600' }],
    ['a variant', { 'cache-control': 'max-age=3600', vary: '*' }],
    ['a past date', { expires: 'Thu, 01 Jan 1970 00:00:00 GMT' }],
    ['an unreadable date', { expires: '0' }],
  ])('is asked for each time with %s — CI-22', async (_name, headers) => {
    const client = host.publish(url, {}, headers);
    await expectBegins(client);
    await expectBegins(client);
    expect(host.requests).toHaveLength(2);
  });

  it('is asked about, and lives on when it has not changed — CI-22', async () => {
    const validators = { etag: '"v1"', 'last-modified': 'Sun, 01 Mar 2026 10:00:00 GMT' };
    const client = host.publish(url, {}, { ...validators, 'cache-control': 'max-age=60' });
    await expectBegins(client);
    host.answer(url, () => new Response(null, { status: 304 }));
    for (const requests of [2, 3]) {
      clock.advance(61);
      await expectBegins(client);
      clock.advance(59);
      await expectBegins(client);
      expect(host.requests).toHaveLength(requests);
      const { headers } = host.requests.at(-1) ?? { headers: new Headers() };
      expect(headers.get('if-none-match')).toBe('"v1"');
      expect(headers.get('if-modified-since')).toBe('Sun, 01 Mar 2026 10:00:00 GMT');
    }
  });

  it('is not believed any more when it has become bad — CI-13', async () => {
    const client = host.publish(url);
    await expectBegins(client);
    clock.advance(hour + 1);
    host.answer(url, () => new Response('', { status: 404 }));
    expectLocalRefusal(await begin(client), flow);
    host.publish(url);
    // An error is for one request only.
    await expectBegins(client);
  });

  it('is fetched once for a hundred who ask at the same time — CI-24', async () => {
    const gate = new Gate(() => {});
    host.answer(url, async () => {
      await gate.pass();
      return jsonResponse(documentOf(url));
    });
    const client = { id: url, redirectUri: 'https://app.test/cb' };
    const answers = await beginning(100, client, gate);
    gate.release();
    for (const answer of await answers.all) expectBegun(answer, flow);
    expect(host.requests).toHaveLength(1);
  });

  it('that fails, fails for those who wait and for nobody else — CI-24', async () => {
    const gate = new Gate(() => {});
    host.answer(url, async () => {
      await gate.pass();
      return jsonResponse('no');
    });
    const client = { id: url, redirectUri: 'https://app.test/cb' };
    const answers = await beginning(20, client, gate);
    const good = host.publish(url);
    gate.release();
    for (const answer of await answers.all) expectLocalRefusal(answer, flow);
    expect(host.requests).toHaveLength(1);
    await expectBegins(good);
  });

  it('is what the user was shown, until the code is issued', async () => {
    const client = host.publish(url, { client_name: 'Shown' }, { 'cache-control': 'no-store' });
    const browser = new Browser();
    const request = flow.authorizationRequest(client);
    const first = await browser.open(request.url);
    expect(first.html).toContain('Shown');
    host.publish(url, { client_name: 'Changed', redirect_uris: ['https://evil.test/cb'] });
    const again = await browser.open(first.url);
    expect(again.html).toContain('Shown');
    expect(again.html).not.toContain('Changed');
    const visit = await browser.walk(again.url, { user: 'alice', stopAt: atClient(client) });
    expectVisitInvariants(visit, { issuer: flow.issuer, state: request.state });
    expect(new URL(visit.url).searchParams.has('code')).toBe(true);
    expect(host.requests).toHaveLength(1);
  });

  describe('and whose client has tokens', () => {
    const refused = async (token: string, client: TestClient): Promise<void> => {
      expectTokenError(await flow.refresh(token, client), flow, 'invalid_client', 401);
    };
    const restart = async (): Promise<void> => {
      const port = Number(new URL(flow.app.origin).port);
      await flow.close();
      flow = await start(port);
      // Finds that connections kept alive ended with the instance before.
      await flow.send('/').catch(() => {});
    };

    it.each([
      ['is not there', () => new Response('', { status: 404 })],
      ['is gone', () => new Response('', { status: 410 })],
      ['is not JSON', () => jsonResponse('no')],
      ['is of another client', () => jsonResponse(documentOf('https://other.test/c'))],
      ['demands a proof', () => jsonResponse(documentOf(url, keyed))],
    ])('gives none any more when it %s — RT-19, CA-01', async (_name, answer) => {
      const client = host.publish(url);
      const tokens = await flow.tokensFor(client);
      clock.advance(hour + 1);
      host.answer(url, answer);
      await refused(tokens.refresh_token, client);
      host.breakDown(url);
      await refused(tokens.refresh_token, client);
      await restart();
      await refused(tokens.refresh_token, client);
    });

    it('gives none any more where it does not name the redirect URI any more — RT-19', async () => {
      const client = host.publish(url);
      const tokens = await flow.tokensFor(client);
      clock.advance(hour + 1);
      host.publish(url, { redirect_uris: ['https://app.test/cb2'] });
      expectTokenError(await flow.refresh(tokens.refresh_token, client), flow, 'invalid_grant');
      host.publish(url, { redirect_uris: ['https://app.test/cb2', client.redirectUri] });
      clock.advance(hour + 1);
      tokensOf(await flow.refresh(tokens.refresh_token, client));
    });

    it.each([
      ['cannot be reached', () => Promise.reject(new TypeError('fetch failed'))],
      ['is in trouble', () => new Response('', { status: 503 })],
      ['is asked too often', () => new Response('', { status: 429 })],
      ['wants a password', () => new Response('', { status: 401 })],
      ['lets nobody in', () => new Response('', { status: 403 })],
      ['sends it elsewhere', () => Response.redirect('https://app.good.test/login', 302)],
      [
        'has a page before it',
        () => new Response('', { headers: { 'content-type': 'text/html' } }),
      ],
      ['says more than 5 kB', () => jsonResponse('x'.repeat(6000))],
    ])('gives them for three days when its host %s — RT-19', async (_name, answer) => {
      const client = host.publish(url);
      let tokens = await flow.tokensFor(client);
      host.answer(url, answer);
      for (const pause of [hour + 1, day, day, 22 * hour]) {
        clock.advance(pause);
        tokens = tokensOf(await flow.refresh(tokens.refresh_token, client));
        // Nobody new is let in meanwhile.
        expectLocalRefusal(await begin(client), flow);
      }
      clock.advance(hour);
      await refused(tokens.refresh_token, client);
      host.publish(url);
      tokensOf(await flow.refresh(tokens.refresh_token, client));
    });

    it('is known to the next instance, and to one that starts in an outage — RT-19', async () => {
      const client = host.publish(url);
      const tokens = await flow.tokensFor(client);
      await restart();
      await expectBegins(client);
      expect(host.requests).toHaveLength(1);
      await restart();
      clock.advance(2 * hour);
      host.breakDown(url);
      tokensOf(await flow.refresh(tokens.refresh_token, client));
    });

    it('stays known as long as a refresh token may idle, whatever strangers do — RT-19', async () => {
      await flow.close();
      const proxy = { clientIdMetadataDocuments: host.options(), rateLimits: {} };
      flow = await startFlow({ idp, platform, clock, store, proxy, trustProxy: 'loopback' });
      const client = host.publish(url);
      const tokens = await flow.tokensFor(client);
      clock.advance(29 * day);
      const from = { 'x-forwarded-for': '8.8.8.8' };
      const lookUp = (id: string): Promise<Answer> =>
        flow.authorize(flow.authorizationRequest({ ...client, id }), from);
      for (let i = 0; i < 60; i++) expectLocalRefusal(await lookUp(`${url}/${i}`), flow);
      expect((await lookUp(`${url}/60`)).status).toBe(429);
      const form = flow.refreshRequest(tokens.refresh_token, client);
      tokensOf(await flow.token(form, from));
    });

    it('is not known for long to an outage when it must not be kept — CI-22', async () => {
      const client = host.publish(url, {}, { 'cache-control': 'no-store' });
      const tokens = await flow.tokensFor(client);
      host.breakDown(url);
      await refused(tokens.refresh_token, client);
      await restart();
      await refused(tokens.refresh_token, client);
    });

    it('gives them although it cannot be kept for later', async () => {
      const client = host.publish(url);
      const held = await flow.codeFor(client);
      flow.app.store.failNext('set', undefined, 'client-document:');
      const tokens = tokensOf(await flow.redeem(held));
      expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    });

    it('leaves the devices of its users alone when one more logs in — CI-33', async () => {
      const client = host.publish(url);
      const first = await flow.tokensFor(client);
      const second = await flow.tokensFor(client, { browser: new Browser() });
      expect(await flow.isAccepted(first.access_token)).toBe(true);
      expect(await flow.isAccepted(second.access_token)).toBe(true);
      const { access_token } = tokensOf(await flow.refresh(first.refresh_token, client));
      expect(await flow.isAccepted(access_token)).toBe(true);
    });
  });
});

const keyed = { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'https://app.test/jwks' };
