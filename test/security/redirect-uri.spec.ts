// RFC 9700 §2.1, §4.1; RFC 8252 §7.3; CVE-2025-4143, CVE-2020-15234: where an answer may go.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import {
  expectBegun,
  expectInvariants,
  expectLocalRefusal,
  expectRegistrationError,
  expectStoreUntouched,
} from '../support/outcomes.js';
import { type ProxyFlow, startFlow, type TestClient } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('a redirect URI on %s', (platform) => {
  let flow: ProxyFlow;
  let client: TestClient;

  beforeAll(async () => {
    flow = await startFlow({ idp, platform });
    client = await flow.register();
  });

  afterAll(() => flow.close());

  const expectRefused = async (at: TestClient, uris: readonly string[]): Promise<void> => {
    await expectStoreUntouched(flow, async () => {
      for (const redirect_uri of uris) {
        const request = flow.authorizationRequest(at).with({ redirect_uri });
        // Whatever else is wrong with the request must not show there either.
        for (const asked of [request, request.with({ response_type: 'bogus' })]) {
          expectLocalRefusal(await flow.authorize(asked), flow);
        }
        const page = await flow.authorize(request, { accept: 'text/html' });
        expectLocalRefusal(page, flow);
        expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
      }
    });
  };

  const expectUnregistrable = async (uris: readonly unknown[]): Promise<void> => {
    await expectStoreUntouched(flow, async () => {
      for (const uri of uris) {
        const answer = await flow.tryRegister({ redirect_uris: [uri] });
        expectRegistrationError(answer, flow, 'invalid_redirect_uri');
        const second = await flow.tryRegister({ redirect_uris: ['https://app.test/cb', uri] });
        expectRegistrationError(second, flow, 'invalid_redirect_uri');
      }
    });
  };

  const registered = async (...redirect_uris: string[]): Promise<TestClient> =>
    flow.register({ redirect_uris });

  it('that is registered is taken', async () => {
    expectBegun(await flow.authorize(flow.authorizationRequest(client)), flow);
  });

  it("that is somebody else's is refused — RU-01", async () => {
    await expectRefused(client, ['https://evil.test/cb']);
  });

  it('that begins with the registered one is refused — RU-02', async () => {
    await expectRefused(
      client,
      ['/extra', 'x', '%2f', '/'].map((end) => `https://app.test/cb${end}`),
    );
  });

  it('with another query is refused — RU-03', async () => {
    await expectRefused(client, ['https://app.test/cb?x=1', 'https://app.test/cb?']);
    const queried = await registered('https://app.test/cb?a=1');
    expectBegun(await flow.authorize(flow.authorizationRequest(queried)), flow);
    const ends = ['', '?a=2', '?a=1&b=2', '?b=2&a=1', '?a=1&', '?%61=1'];
    await expectRefused(
      queried,
      ends.map((end) => `https://app.test/cb${end}`),
    );
  });

  it('that differs in case, port or escapes is refused — RU-04', async () => {
    await expectRefused(client, [
      'https://app.test/CB',
      'HTTPS://APP.TEST/cb',
      'https://App.test/cb',
      'https://app.test:443/cb',
      'https://app.test/%63b',
      'https://app.test./cb',
      ' https://app.test/cb',
      'https://app.test/cb ',
      'https://app.test/cb\t',
    ]);
  });

  it('with a fragment is refused — RU-05', async () => {
    const uris = ['https://app.test/cb#f', 'https://app.test/cb#'];
    await expectUnregistrable(uris);
    await expectRefused(client, uris);
  });

  it('with dot segments is refused — RU-06', async () => {
    const uris = ['/cb/../steal', '/cb/%2e%2e/steal', '/cb/.%2e/steal', '/cb/..;/steal', '/./cb'];
    await expectUnregistrable(uris.map((path) => `https://app.test${path}`));
    await expectRefused(
      client,
      uris.map((path) => `https://app.test${path}`),
    );
  });

  it('with user information is refused — RU-07', async () => {
    const uris = [
      'https://app.test@evil.test/cb',
      'http://127.0.0.1:3000@evil.test/cb',
      'https://app.test%2f@evil.test/',
      'https://app.test:x@evil.test/cb',
      'myapp://user@evil/cb',
    ];
    await expectUnregistrable(uris);
    await expectRefused(client, uris);
  });

  it('that parsers read differently is refused — RU-08', async () => {
    const uris = [
      'https://app.test\\@evil.test/cb',
      'https:/evil.test/cb',
      'https:evil.test',
      'https:///evil.test/cb',
      'https:\\\\evil.test/cb',
      'https://evil.test\\.app.test/cb',
      'https://0x7f.1/cb',
      'https://2130706433/cb',
      '//evil.test/cb',
      '/cb',
      '',
      'https://',
    ];
    await expectUnregistrable(uris);
    await expectRefused(
      client,
      uris.filter((uri) => uri !== ''),
    );
  });

  it('of a scheme that runs, shows or sends something is refused — RU-10', async () => {
    const schemes =
      'javascript data vbscript file blob about filesystem view-source intent ws wss ftp mailto ' +
      'jar ms-word ms-settings jAvAsCrIpT DATA content resource tel sms chrome';
    await expectUnregistrable(
      schemes.split(' ').flatMap((s) => [`${s}:alert(1)`, `${s}:/x`, `${s}://x/y`]),
    );
    await expectUnregistrable([
      'java\tscript:alert(1)',
      'java\nscript:alert(1)',
      '%6aavascript:alert(1)',
      '\u00a0javascript:alert(1)',
      ' javascript:alert(1)',
      '\u0000javascript:alert(1)',
      'javascript&colon;alert(1)',
    ]);
  });

  it('without TLS is refused unless it is on loopback — RU-11', async () => {
    await expectUnregistrable([
      'http://app.test/cb',
      'http://127.0.0.2/cb',
      'http://localhost.evil.test/cb',
      'http://127.0.0.1.evil.test/cb',
      'http://[::2]/cb',
      'http://0.0.0.0/cb',
      'HTTP://127.0.0.1/cb',
    ]);
  });

  it('on loopback may have any port — RU-12', async () => {
    for (const [known, asked] of [
      ['http://127.0.0.1/callback', 'http://127.0.0.1:51004/callback'],
      ['http://127.0.0.1:33418/callback', 'http://127.0.0.1:51004/callback'],
      ['http://localhost:1/cb?x=1', 'http://localhost/cb?x=1'],
      ['http://[::1]:1/cb', 'http://[::1]:65535/cb'],
    ] as const) {
      const native = await registered(known);
      const request = flow.authorizationRequest(native).with({ redirect_uri: asked });
      const held = await flow.codeFor({ ...native, redirectUri: asked }, { request });
      expect(held.callback.href.split(/[?&]code=/)[0]).toBe(asked);
      expect((await flow.redeem(held)).status).toBe(200);
    }
  });

  it('on loopback may differ in nothing else — RU-13', async () => {
    const native = await registered('http://127.0.0.1:1/cb');
    await expectRefused(native, [
      'http://localhost:2/cb',
      'http://[::1]:2/cb',
      'https://127.0.0.1:2/cb',
      'http://127.0.0.1:2/cb2',
      'http://127.0.0.1:2/cb?x',
      'http://127.0.0.1:2/cb/',
      'http://127.0.0.2:2/cb',
      'http://127.0.0.1:99999/cb',
      'http://127.0.0.1:/cb',
      'http://127.0.0.1:2@evil.test/cb',
      'http://127.0.0.1:2#@evil.test/cb',
      'http://127.0.0.1:2\\@evil.test/cb',
      'http://127.0.0.1.evil.test:2/cb',
      'http://127.1:2/cb',
    ]);
  });

  it('elsewhere may not have another port — RU-15', async () => {
    await expectRefused(await registered('https://app.test:1/cb'), ['https://app.test:2/cb']);
    const secureLoopback = await registered('https://localhost:1/cb');
    await expectRefused(secureLoopback, ['https://localhost:2/cb']);
  });

  it('may be left out when there is one, and must be named when there are two — RU-21', async () => {
    const without = flow.authorizationRequest(client).without('redirect_uri');
    const held = await flow.codeFor(client, { request: without });
    const other = await flow.redeem(held, { redirect_uri: 'https://app.test/other' });
    expect(other.status).toBe(400);
    expect((await flow.redeem(held)).status).toBe(200);
    const two = await registered('https://app.test/cb', 'https://app.test/cb2');
    const nameless = flow.authorizationRequest(two).without('redirect_uri');
    await expectStoreUntouched(flow, async () => {
      expectLocalRefusal(await flow.authorize(nameless), flow);
    });
  });

  it('that is sent twice, in any notation and order, is refused — RU-22', async () => {
    const request = flow.authorizationRequest(client);
    await expectStoreUntouched(flow, async () => {
      for (const asked of [
        request.twice('redirect_uri', 'https://evil.test/cb'),
        request.twice('redirect_uri', 'https://evil.test/cb').reversed(),
        request.twice('redirect_uri'),
        request.with({ 'redirect_uri[]': 'https://evil.test/cb' }),
        request.with({ 'redirect_uri[x]': 'https://evil.test/cb' }),
        request
          .without('redirect_uri')
          .with({ 'redirect_uri[]': request.params.get('redirect_uri') ?? '' }),
      ]) {
        expectLocalRefusal(await flow.authorize(asked), flow);
        const posted = await flow.send('/authorize', { form: asked.params });
        expect(posted.status).toBe(303);
        expectLocalRefusal(await flow.send(String(posted.headers['location'])), flow);
      }
    });
  });

  it("with one of the answer's own parameters is not registered — RU-23", async () => {
    const names = ['code', 'state', 'iss', 'error', 'error_description', 'error_uri', '%63ode'];
    await expectUnregistrable(names.map((name) => `https://app.test/cb?${name}=fixed`));
  });

  it('keeps every byte of its query in the answer — RU-24', async () => {
    const uri = 'https://app.test/cb?flag&sig=%ff%2B&empty=';
    const odd = await registered(uri);
    const request = flow.authorizationRequest(odd).with({ response_type: 'bogus' });
    const answer = await flow.authorize(request);
    expectInvariants(answer, { issuer: flow.issuer, state: request.state, redirectUri: uri });
    expect(String(answer.headers['location']).startsWith(`${uri}&error=`)).toBe(true);
  });

  it('with characters that only look like others is refused — RU-28', async () => {
    await expectUnregistrable([
      'https://\u0430pp.test/cb',
      'https://app\u3002test/cb',
      'https://app.test/\u202Ecb',
      'https://app.test/c\u00e9',
    ]);
    expect(await registered('https://xn--pp-8kc.test/cb')).toMatchObject({
      redirectUri: 'https://xn--pp-8kc.test/cb',
    });
  });

  // docs/adr/0005: from a validated redirect URI on errors are redirects, also for a client that no
  // user has approved yet.
  it('gets the errors of its own request, once it is validated — RU-29', async () => {
    const request = flow.authorizationRequest(client).with({ response_type: 'bogus' });
    const answer = await flow.authorize(request);
    expectInvariants(answer, { issuer: flow.issuer, state: request.state });
    expect(answer.headers['location']).toMatch(/^https:\/\/app\.test\/cb\?error=unsupported_resp/);
  });

  it('cannot split a header — RU-30', async () => {
    await expectRefused(client, [
      'https://app.test/cb\r\nSet-Cookie: a=b',
      'https://app.test/cb%0d%0aSet-Cookie:%20a=b',
    ]);
    await expectUnregistrable(['https://app.test/cb\r\nSet-Cookie: a=b']);
    const request = flow
      .authorizationRequest(client)
      .with({ state: '\r\nSet-Cookie: x', response_type: 'bogus' });
    const answer = await flow.authorize(request);
    // Such a state cannot be returned as it came, so it is left out.
    expectInvariants(answer, { issuer: flow.issuer });
    expect(answer.headers['set-cookie']).toBeUndefined();
  });

  it('is a text of sane length in a list of sane length — RU-32', async () => {
    await expectUnregistrable([
      `https://app.test/${'x'.repeat(4096)}`,
      7,
      null,
      {},
      ['https://a.test/'],
    ]);
    await expectStoreUntouched(flow, async () => {
      const uris = Array.from({ length: 500 }, (_, i) => `https://app.test/${i}`);
      for (const redirect_uris of [
        [],
        uris,
        'https://app.test/cb',
        { 0: 'https://app.test/cb' },
        null,
      ]) {
        const answer = await flow.tryRegister({ redirect_uris });
        expectRegistrationError(answer, flow, 'invalid_redirect_uri');
      }
    });
    await expectRefused(client, [`https://app.test/${'x'.repeat(4096)}`]);
  });

  it('may have the scheme of an app, with a slash after it — RU-33', async () => {
    for (const uri of [
      'com.example.app:/cb',
      'cursor://anysphere.cursor-mcp/oauth/callback',
      'vscode://vscode.github-authentication/did-authenticate',
    ]) {
      const native = await registered(uri);
      expectBegun(await flow.authorize(flow.authorizationRequest(native)), flow);
    }
    await expectUnregistrable([
      'myapp:cb',
      'urn:ietf:wg:oauth:2.0:oob',
      'urn:/x',
      'com.example.app:',
    ]);
  });
});
