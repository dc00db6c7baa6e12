// CWE-116, CWE-117, CWE-451; RFC 6749 appendix A.5: text of clients that is not what it looks like.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Browser } from '../support/browser.js';
import { expectBegun, expectRedirectError, expectStoreUntouched } from '../support/outcomes.js';
import { jsonOf, type ProxyFlow, startFlow } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;
let flow: ProxyFlow;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
  flow = await startFlow({ idp });
});

afterAll(async () => {
  await flow.close();
  await idp.stop();
});

describe('a state with characters beyond ASCII', () => {
  it.each([
    ['a letter', '%C3%A9'],
    ['a line separator', 'a%E2%80%A8b'],
    ['a right-to-left override', '%E2%80%AEgoogle'],
    ['half a character', '%C3'],
    ['no character at all', '%FF%FE'],
    ['a line break', 'a%0D%0Ab'],
    ['a null', 'a%00'],
    ['a delete', '%7F'],
  ])('is refused and not sent back: %s', async (_name, state) => {
    const client = await flow.register();
    const { url } = flow.authorizationRequest(client).without('state');
    await expectStoreUntouched(flow, async () => {
      for (const sent of [url, url.replace('response_type=code', 'response_type=bogus')]) {
        const answer = await flow.send(`${sent}&state=${state}`);
        const error = sent === url ? 'invalid_request' : 'unsupported_response_type';
        expectRedirectError(answer, flow, { state: undefined }, error);
      }
    });
  });

  it('is refused, and any printable one is taken and sent back as it came', async () => {
    const client = await flow.register();
    const state = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('');
    const request = flow.authorizationRequest(client).with({ state });
    expectBegun(await flow.authorize(request), flow);
    const wrong = request.with({ response_type: 'bogus' });
    const answer = await flow.authorize(wrong);
    expectRedirectError(answer, flow, { state }, 'unsupported_response_type');
  });
});

describe('the name of a client', () => {
  it.each([
    ['line separators', 'A\u2028p\u2029p\u0085'],
    ['right-to-left overrides', '\u202EA\u2066pp\u2069\u200F'],
    ['characters of no width', '\u200BA\u200Cp\u2060p\uFEFF'],
    ['control characters', 'A\u0000p\u001B\u009Bp\r\n\t'],
    ['characters nobody has assigned', 'App\uE000\uFFFF\uD800'],
  ])('is cleaned of %s in the answer, the log and the page', async (_name, client_name) => {
    flow.log.clear();
    const answer = await flow.tryRegister({ client_name });
    expect(answer.status).toBe(201);
    expect(jsonOf(answer)).toMatchObject({ client_name: 'App' });
    expect(flow.log.matching('log', '"clientName":"App"')).toHaveLength(1);
    const { client_id } = jsonOf(answer) as { client_id: string };
    const client = { id: client_id, redirectUri: 'https://app.test/cb' };
    const page = await flow.consentPage(flow.authorizationRequest(client), new Browser());
    expect(page.html).toContain('<h1>Connect <bdi>App</bdi> to');
  });

  it('keeps the letters of every script', async () => {
    const client_name = 'Ünïcode 日本語 עברית 🙂';
    expect(jsonOf(await flow.tryRegister({ client_name }))).toMatchObject({ client_name });
  });
});
