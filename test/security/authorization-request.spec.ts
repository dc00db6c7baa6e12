// RFC 6749 §3.1, §4.1.1; RFC 8707 §2; RFC 9700 §2.6, §4.17: what may be asked for, and how.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import {
  expectBegun,
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
} from '../support/proxy-flow.js';
import type { AuthorizationRequest } from '../support/request-builders.js';
import { Browser } from '../support/browser.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('an authorization request on %s', (platform) => {
  let flow: ProxyFlow;
  let client: TestClient;

  beforeAll(async () => {
    flow = await startFlow({ idp, platform });
    client = await flow.register();
  });

  afterAll(() => flow.close());

  const request = (): AuthorizationRequest => flow.authorizationRequest(client);

  /** Sends it as a form, and the query that it is turned into. */
  const post = async (asked: AuthorizationRequest): Promise<Answer> => {
    const posted = await flow.send('/authorize', { form: asked.params });
    expectInvariants(posted, { issuer: flow.issuer });
    expect(posted.status).toBe(303);
    expect(posted.headers['set-cookie']).toBeUndefined();
    const location = String(posted.headers['location']);
    expect(location.startsWith(`${flow.issuer}/authorize?`)).toBe(true);
    return flow.send(location);
  };

  /** By GET and by POST, and nothing is stored. */
  const expectError = async (
    asked: AuthorizationRequest,
    error: string,
    returned: Pick<AuthorizationRequest, 'state'> = asked,
  ): Promise<void> => {
    await expectStoreUntouched(flow, async () => {
      const byGet = await flow.authorize(asked);
      expectRedirectError(byGet, flow, returned, error);
      expect(byGet.status).toBe(302);
      expectRedirectError(await post(asked), flow, returned, error);
    });
  };

  it('may come as a query or as a form', async () => {
    expectBegun(await flow.authorize(request()), flow);
    expectBegun(await post(request()), flow);
  });

  it.each(['client_id', 'redirect_uri'])(
    'with two %s is not answered elsewhere — AQ-01',
    async (name) => {
      await expectStoreUntouched(flow, async () => {
        for (const asked of [
          request().twice(name),
          request().twice(name, 'https://evil.test/cb'),
          request().twice(name, '').reversed(),
        ]) {
          expectLocalRefusal(await flow.authorize(asked), flow);
          expectLocalRefusal(await post(asked), flow);
        }
      });
    },
  );

  it.each([
    'response_type',
    'scope',
    'code_challenge',
    'code_challenge_method',
    'nonce',
    'prompt',
    'unknown',
  ])('with two %s is refused — AQ-01, PK-06', async (name) => {
    await expectError(request().twice(name), 'invalid_request');
    await expectError(request().twice(name, 'other').reversed(), 'invalid_request');
    await expectError(request().with({ [`${name}[]`]: 'x' }), 'invalid_request');
  });

  it('with two states returns neither — AQ-01', async () => {
    const asked = request();
    await expectError(asked.twice('state', 'other'), 'invalid_request', stateless);
  });

  it('with two resources is refused — AQ-02', async () => {
    const asked = request();
    await expectError(asked.twice('resource'), 'invalid_target');
    await expectError(asked.twice('resource', `${flow.app.origin}/mcp2`), 'invalid_target');
  });

  it('by POST is read from the form alone — AQ-01', async () => {
    const asked = request();
    const split = await flow.send(`/authorize?client_id=${client.id}`, {
      form: asked.params.without('client_id'),
    });
    expect(split.status).toBe(303);
    expectLocalRefusal(await flow.send(String(split.headers['location'])), flow);
    const evil = encodeURIComponent('https://evil.test/cb');
    const shadowed = await flow.send(`/authorize?redirect_uri=${evil}`, { form: asked.params });
    expect(shadowed.headers['location']).toBe(asked.url);
    expectBegun(await flow.send(String(shadowed.headers['location'])), flow);
  });

  it('by POST keeps every value and loses none — AQ-01', async () => {
    const odd = request().with({ state: '?&=+%41 /#"<', unknown: 'ü\r\n', empty: '', '?x': '1' });
    const posted = await flow.send('/authorize', { form: odd.params });
    expect(posted.headers['location']).toBe(odd.url);
    expectBegun(await flow.send(String(posted.headers['location'])), flow);
    const doubled = request().twice('unknown', 'one').reversed();
    const repeated = await flow.send('/authorize', { form: doubled.params });
    const sent = new URL(String(repeated.headers['location'])).searchParams;
    expect(sent.getAll('unknown')).toHaveLength(2);
  });

  it('by POST that is too long for a query is refused there', async () => {
    const big = request().with({ a: 'x'.repeat(8000), b: 'y'.repeat(8000), c: 'z'.repeat(1000) });
    await expectStoreUntouched(flow, async () => {
      expectLocalRefusal(await flow.send('/authorize', { form: big.params }), flow);
    });
    expectBegun(await post(request().with({ a: 'x'.repeat(8000) })), flow);
  });

  it('that another site posts does not end the logins of the other tabs — CO-19', async () => {
    const browser = new Browser();
    const open = request();
    const page = await flow.consentPage(open, browser);
    const form = Object.fromEntries(new URLSearchParams(String(request().params)));
    const forged = await browser.forge(`${flow.issuer}/authorize`, form);
    expect(forged.forms).toHaveLength(1);
    for (const tab of [page, forged]) {
      const sent = await browser.approve(tab, flow.atIdp);
      expect(flow.atIdp(new URL(sent.url))).toBe(true);
    }
  });

  it('takes an empty value for an omitted one — AQ-04', async () => {
    const asked = request().with({ state: '', scope: '', resource: '', response_mode: '' });
    expectBegun(await flow.authorize(asked), flow);
    expectBegun(await flow.authorize(asked.with({ redirect_uri: '' })), flow);
    await expectError(asked.with({ response_type: '' }), 'invalid_request', stateless);
  });

  it('must be for a code — AQ-05', async () => {
    await expectError(request().without('response_type'), 'invalid_request');
    for (const response_type of ['token', 'code token', 'id_token', 'none', 'CODE', 'code ']) {
      await expectError(request().with({ response_type }), 'unsupported_response_type');
    }
  });

  it('gets its answer in the query alone — AQ-06', async () => {
    expectBegun(await flow.authorize(request().with({ response_mode: 'query' })), flow);
    for (const response_mode of ['fragment', 'form_post', 'web_message', 'jwt', 'bogus']) {
      await expectError(request().with({ response_mode }), 'invalid_request');
    }
  });

  it('is not fetched from anywhere — AQ-07', async () => {
    const before = idp.requests.length;
    await expectError(request().with({ request: 'a.b.c' }), 'request_not_supported');
    const request_uri = `${idp.issuer}/anything`;
    await expectError(request().with({ request_uri }), 'request_uri_not_supported');
    expect(idp.requests).toHaveLength(before);
  });

  it.each([
    ['unknown', 'unknown'],
    ['endless', 'x'.repeat(8000)],
    ['too long to read', 'x'.repeat(9000)],
    ['NUL', 'a\u0000b'],
    ['a line', 'a\r\nb'],
    ['metacharacters', `*' OR 1=1 -- ../../client:*`],
    ['a prototype', '__proto__'],
    ['a full-width twin', '\uff21'],
  ])('of a client whose id is %s goes nowhere — AQ-08', async (_name, client_id) => {
    await expectStoreUntouched(flow, async () => {
      expectLocalRefusal(await flow.authorize(request().with({ client_id })), flow);
    });
  });

  it('without a client goes nowhere — AQ-08', async () => {
    await expectStoreUntouched(flow, async () => {
      expectLocalRefusal(await flow.authorize(request().without('client_id')), flow);
      expectLocalRefusal(await flow.send('/authorize'), flow);
      const unusual = `${client.id.slice(0, -1)}${client.id.endsWith('A') ? 'B' : 'A'}`;
      expectLocalRefusal(await flow.authorize(request().with({ client_id: unusual })), flow);
    });
  });

  it.each([
    ['a URL', '&iss=https://evil.test&code=x#f'],
    ['white space', ' a  b+c%20d '],
    ['quotes', `"'<>\\{}|^\``],
    ['a long one', 's'.repeat(4000)],
  ])('gets its state back byte for byte: %s — AQ-12', async (_name, state) => {
    await expectError(
      request().with({ state, response_type: 'bogus' }),
      'unsupported_response_type',
    );
    const asked = request().with({ state });
    const held = await flow.codeFor(client, { request: asked });
    expect(held.callback.searchParams.getAll('state')).toEqual([state]);
    expect(held.callback.searchParams.getAll('iss')).toEqual([flow.issuer]);
  });

  it('without a state gets none back — AQ-12', async () => {
    const asked = request().without('state');
    await expectError(asked.with({ response_type: 'bogus' }), 'unsupported_response_type');
    const held = await flow.codeFor(client, { request: asked });
    expect(held.callback.searchParams.has('state')).toBe(false);
  });

  it('with a state that cannot be returned is refused — AQ-12', async () => {
    for (const state of ['\u00e9', 'a\u0000', '\ud83d\ude00', 'a\nb']) {
      await expectError(request().with({ state }), 'invalid_request', stateless);
    }
  });

  it('is cut to the scopes there are, and the user sees and the token has those — AQ-13', async () => {
    const asked = request().with({ scope: 'notes:read  notes:read unknown * admin:all' });
    const browser = new Browser();
    const page = await flow.consentPage(asked, browser);
    expect(page.html).toContain('notes:read');
    expect(page.html).not.toMatch(/unknown|admin:all/);
    const atUpstream = await browser.approve(page, flow.atIdp);
    const end = await browser.walk(atUpstream.url, { user: 'alice', stopAt: atClient(client) });
    const callback = new URL(end.url);
    const code = callback.searchParams.get('code') ?? '';
    const answer = await flow.redeem({ code, client, request: asked, callback, browser });
    const { scope } = JSON.parse(answer.text) as { scope: string };
    expect(scope.split(' ').sort()).toEqual(['mcp:use', 'notes:read']);
  });

  it('with a malformed scope is refused — AQ-13', async () => {
    const many = Array.from({ length: 2000 }, (_, i) => `s${i}`)
      .join(' ')
      .slice(0, 8000);
    for (const scope of ['a"b', 'a\\b', 'notes:read\tnotes:write', 'a\nb', '\u00e9', many]) {
      await expectError(request().with({ scope }), 'invalid_scope');
    }
  });

  it('must name a resource of this server — AQ-14', async () => {
    const { origin } = flow.app;
    for (const resource of [
      'https://other.test/mcp',
      origin,
      `${origin}/`,
      `${origin}/mcp#f`,
      `${origin}/mcp?tenant=B`,
      `${origin}/mcp/../mcp2`,
      `${origin}/%6dcp`,
      `${origin}/MCP`,
      `${origin}/mcp//`,
      `${origin}/mcp/sub`,
      `${origin.replace('http:', 'https:')}/mcp`,
      `${origin}@evil.test/mcp`,
      '/mcp',
      'mcp',
    ]) {
      await expectError(request().with({ resource }), 'invalid_target');
    }
    const sent = idp.requests.filter((r) => 'resource' in r.query);
    expect(sent).toEqual([]);
  });

  it('forgives a slash at the end of the resource and the case of its host — AQ-14', async () => {
    const { origin } = flow.app;
    for (const resource of [`${origin}/mcp`, `${origin}/mcp/`, `HTTP${origin.slice(4)}/mcp`]) {
      const held = await flow.codeFor(client, { request: request().with({ resource }) });
      const answer = await flow.redeem(held, { resource });
      expect(audienceOf(answer.text)).toBe(`${origin}/mcp`);
    }
  });

  it('for another resource of the server gives a token for that one alone — AQ-14', async () => {
    const resource = `${flow.app.origin}/mcp2`;
    const held = await flow.codeFor(client, { request: request().with({ resource }) });
    const answer = await flow.redeem(held, { resource });
    expect(audienceOf(answer.text)).toBe(resource);
    const { access_token } = JSON.parse(answer.text) as { access_token: string };
    expect(await flow.isAccepted(access_token)).toBe(false);
  });

  it('without a resource is for the default one — AQ-15', async () => {
    const held = await flow.codeFor(client, { request: request().without('resource') });
    const answer = await flow.token(flow.tokenRequest(held).without('resource'));
    expect(audienceOf(answer.text)).toBe(flow.app.url);
  });

  it('is made by GET or POST of a form, and by nothing else — AQ-17', async () => {
    await expectStoreUntouched(flow, async () => {
      for (const method of ['HEAD', 'PUT', 'DELETE', 'PATCH']) {
        const answer = await flow.send(request().url, { method });
        expectInvariants(answer, { issuer: flow.issuer });
        expect({ method, status: answer.status }).toEqual({ method, status: 405 });
        expect(answer.headers['allow']).toBe('GET, POST, OPTIONS');
      }
      const text = { 'content-type': 'text/plain' };
      const body = String(request().params);
      expectLocalRefusal(await flow.send('/authorize', { body, headers: text }), flow);
      expectLocalRefusal(await flow.send('/authorize', { json: { client_id: client.id } }), flow);
    });
  });

  it('cannot be made or read by the scripts of another page — AQ-19', async () => {
    const headers = { origin: 'https://evil.test', 'sec-fetch-mode': 'cors' };
    const preflight = {
      method: 'OPTIONS',
      headers: { ...headers, 'access-control-request-method': 'GET' },
    };
    for (const answer of [
      await flow.authorize(request(), headers),
      await flow.send(request().url, preflight),
      await flow.send('/consent', preflight),
      await flow.send('/auth/callback', preflight),
      await flow.authorize(request().with({ client_id: 'x' }), headers),
    ]) {
      expectInvariants(answer, { issuer: flow.issuer });
      const cors = Object.keys(answer.headers).filter((h) => h.startsWith('access-control-'));
      expect(cors).toEqual([]);
    }
  });

  it('passes nothing of the client on to the upstream — AQ-14, PK-10', async () => {
    const asked = request().with({
      prompt: 'none',
      login_hint: 'bob',
      acr_values: 'x',
      audience: 'y',
      nonce: 'n',
      max_age: '0',
    });
    const visit = await flow.approve(asked, new Browser());
    const sent = new URL(visit.url).searchParams;
    expect([...sent.keys()].sort()).toEqual([
      'client_id',
      'code_challenge',
      'code_challenge_method',
      'nonce',
      'prompt',
      'redirect_uri',
      'response_type',
      'scope',
      'state',
    ]);
    expect(sent.get('prompt')).toBe('consent');
    for (const name of ['client_id', 'code_challenge', 'nonce', 'redirect_uri', 'state']) {
      expect(sent.get(name)).not.toBe(asked.params.get(name));
    }
  });
});

const stateless = { state: undefined };

function audienceOf(tokenAnswer: string): unknown {
  const { access_token } = JSON.parse(tokenAnswer) as { access_token: string };
  const claims = Buffer.from(access_token.split('.')[1] ?? '', 'base64url').toString();
  return (JSON.parse(claims) as { aud: unknown }).aud;
}
