// What browsers of other origins may do: RFC 9700 §2.6, WHATWG Fetch; GHSA-w48q-cv73-mx4w.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { expectInvariants } from '../support/outcomes.js';
import {
  type Answer,
  type ProxyFlow,
  type SendOptions,
  startFlow,
  type TestClient,
} from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

const evil = 'https://evil.test';
const documents = [
  '/.well-known/oauth-authorization-server',
  '/.well-known/oauth-protected-resource/mcp',
];
const apis = ['/token', '/register', '/revoke'];
const pages = ['/authorize', '/consent', '/auth/callback'];

describe.each(platforms)('a browser of another origin, on %s', (platform) => {
  let flow: ProxyFlow;
  let client: TestClient;

  beforeAll(async () => {
    flow = await startFlow({ idp, platform });
    client = await flow.register();
  });

  afterAll(() => flow.close());

  const preflight = (path: string, method: string): Promise<Answer> =>
    flow.send(path, {
      method: 'OPTIONS',
      headers: {
        origin: evil,
        'access-control-request-method': method,
        'access-control-request-headers': 'authorization, content-type',
      },
    });

  it.each(apis)('may call %s, without credentials — CR-01', async (path) => {
    const { status, headers } = await preflight(path, 'POST');
    expect(status).toBe(204);
    expect(headers['access-control-allow-origin']).toBe('*');
    expect(headers['access-control-allow-methods']).toBe('POST, OPTIONS');
    expect(headers['access-control-allow-headers']).toContain('authorization');
    expect(headers['access-control-allow-credentials']).toBeUndefined();
  });

  it.each(documents)('may read %s — CR-01', async (path) => {
    expect((await preflight(path, 'GET')).headers['access-control-allow-origin']).toBe('*');
    const read = await flow.send(path, { headers: { origin: evil } });
    expect(read.status).toBe(200);
    expect(read.headers['access-control-allow-origin']).toBe('*');
  });

  it.each(pages)('may not call %s — CR-01, CR-02', async (path) => {
    for (const method of ['GET', 'POST']) {
      const { headers } = await preflight(path, method);
      expect(headers['access-control-allow-origin']).toBeUndefined();
      expect(headers['access-control-allow-methods']).toBeUndefined();
    }
  });

  it('is never named in an answer, and never allowed its cookies — CR-03', async () => {
    const headers = { origin: evil, cookie: 'a=b' };
    const answers: readonly [string, SendOptions][] = [
      ['/token', { form: { grant_type: 'x', client_id: client.id }, headers }],
      ['/register', { json: {}, headers }],
      ['/revoke', { form: { token: 'x', client_id: client.id }, headers }],
      [`/authorize?client_id=${client.id}`, { headers }],
      ['/consent?txn=x', { headers }],
      ['/auth/callback?state=x', { headers }],
      ...documents.map((path): [string, SendOptions] => [path, { headers }]),
    ];
    for (const [path, options] of answers) {
      const answer = await flow.send(path, options);
      expect(JSON.stringify(answer.headers)).not.toContain('evil.test');
      expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
    }
  });

  it('that hides its origin gets nothing more by that — CR-04', async () => {
    // A client with a custom scheme has an opaque origin too: it is no key to anything.
    const native = await flow.register({ redirect_uris: ['com.example.app:/cb'] });
    const browser = new Browser();
    const page = await flow.consentPage(flow.authorizationRequest(native), browser);
    const [form] = page.forms;
    const fields = Object.fromEntries((form?.fields ?? []).map((f) => [f.name, f.value]));
    const cookie = browser.cookies.header(new URL(flow.issuer), {
      method: 'POST',
      crossSite: false,
    });
    const send = (headers: Record<string, string>): Promise<Answer> =>
      flow.send('/consent', {
        form: { txn: fields['txn'] ?? '', csrf: fields['csrf'] ?? '', action: 'approve' },
        headers: { cookie: cookie ?? '', ...headers },
      });
    for (const site of [{}, { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'none' }]) {
      const refused = await send({ origin: 'null', ...site });
      expect(refused.status).toBe(403);
      expectInvariants(refused, { issuer: flow.issuer });
    }
    const answer = await flow.send('/token', {
      form: { grant_type: 'x', client_id: native.id },
      headers: { origin: 'null' },
    });
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    // The page itself, which has no referrer to show, posts so.
    const taken = await send({ origin: 'null', 'sec-fetch-site': 'same-origin' });
    expect(taken.status).toBe(303);
  });

  it('that was led here under another name gains nothing: it holds no token — CR-05', async () => {
    // DNS rebinding makes the browser send any Host and Origin, but no bearer token of a user.
    const rebound = { host: 'evil.test', origin: evil };
    const answer = await flow.send('/mcp', { json: { jsonrpc: '2.0' }, headers: rebound });
    expect(answer.status).toBe(401);
    expect(JSON.stringify(answer.headers)).not.toContain('evil.test');
    const cookies = new Browser();
    await flow.consentPage(flow.authorizationRequest(client), cookies);
    const sent = cookies.cookies.header(new URL('http://evil.test/'), {
      method: 'POST',
      crossSite: false,
    });
    expect(sent ?? '').toBe('');
    const { access_token: token } = await flow.tokensFor(client);
    expect(await flow.isAccepted(token)).toBe(true);
  });

  it('may read refusals as it may read successes — CR-06', async () => {
    const headers = { origin: evil };
    const refusals = [
      await flow.send('/token', { form: { grant_type: 'x' }, headers }),
      await flow.send('/token', { form: { client_id: 'nobody', client_secret: 's' }, headers }),
      await flow.send('/register', { json: { redirect_uris: 1 }, headers }),
      await flow.send('/register', { method: 'PUT', headers }),
      await flow.send('/token', {
        method: 'POST',
        body: '{',
        headers: { ...headers, 'content-type': 'application/json' },
      }),
    ];
    flow.app.store.failNext('get');
    refusals.push(
      await flow.send('/revoke', { form: { token: 'x', client_id: client.id }, headers }),
    );
    expect(refusals.map(({ status }) => status >= 400)).toEqual(refusals.map(() => true));
    expect(refusals.at(-1)?.status).toBe(503);
    for (const refusal of refusals) {
      expect(refusal.headers['access-control-allow-origin']).toBe('*');
    }
  });

  it('gets no cookie from what programs call — CR-07', async () => {
    const held = await flow.codeFor(client);
    const redeemed = await flow.redeem(held);
    const { access_token: token, refresh_token: refresh } = JSON.parse(redeemed.text) as {
      access_token: string;
      refresh_token: string;
    };
    const answers = [
      redeemed,
      await flow.refresh(refresh, client),
      await flow.callMcp(token),
      await flow.callMcp('x'),
      await flow.revoke(token, client),
      await flow.tryRegister(),
      await flow.send(documents[0] ?? ''),
    ];
    expect(answers.map(({ headers }) => headers['set-cookie'])).toEqual(
      answers.map(() => undefined),
    );
    const begun = await flow.authorize(flow.authorizationRequest(client));
    expect(begun.headers['set-cookie']).toBeDefined();
  });
});

describe.each(platforms)('a host that opens its MCP endpoint to browsers, on %s', (platform) => {
  it('shows them the challenge — CR-01', async () => {
    const flow = await startFlow({
      idp,
      platform,
      configure: (app) =>
        app.enableCors({ exposedHeaders: ['WWW-Authenticate', 'Mcp-Session-Id'] }),
    });
    const refused = await flow.send('/mcp', { json: {}, headers: { origin: evil } });
    expect(refused.status).toBe(401);
    expect(refused.headers['access-control-allow-origin']).toBe('*');
    expect(refused.headers['access-control-expose-headers']).toContain('WWW-Authenticate');
    await flow.close();
  });
});
