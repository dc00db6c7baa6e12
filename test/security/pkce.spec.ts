// RFC 7636; OAuth 2.1 §4.1.1, §7.5; RFC 9700 §4.8.2; CVE-2025-4144: PKCE for every client, S256.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import {
  expectRedirectError,
  expectStoreUntouched,
  expectTokenError,
} from '../support/outcomes.js';
import { jsonOf, type ProxyFlow, startFlow, type TestClient } from '../support/proxy-flow.js';
import {
  type AuthorizationRequest,
  challengeOf,
  newVerifier,
} from '../support/request-builders.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('PKCE on %s', (platform) => {
  let flow: ProxyFlow;
  let client: TestClient;
  let confidential: TestClient;

  beforeAll(async () => {
    flow = await startFlow({ idp, platform });
    client = await flow.register();
    confidential = await flow.register({ token_endpoint_auth_method: 'client_secret_post' });
  });

  afterAll(() => flow.close());

  const expectInvalid = async (...requests: AuthorizationRequest[]): Promise<void> => {
    await expectStoreUntouched(flow, async () => {
      for (const asked of requests) {
        expectRedirectError(await flow.authorize(asked), flow, asked, 'invalid_request');
      }
    });
  };

  it('is demanded of public and confidential clients — PK-01', async () => {
    for (const one of [client, confidential]) {
      const request = flow.authorizationRequest(one);
      await expectInvalid(
        request.without('code_challenge', 'code_challenge_method'),
        request.without('code_challenge'),
        request.with({ code_challenge: '' }),
      );
      const held = await flow.codeFor(one);
      expect((await flow.redeem(held)).status).toBe(200);
    }
  });

  it('is S256 and never plain — PK-02', async () => {
    const request = flow.authorizationRequest(client);
    await expectInvalid(
      request.without('code_challenge_method'),
      ...['plain', 's256', 'S512', 'S256 ', 'none', ''].map((code_challenge_method) =>
        request.with({ code_challenge_method }),
      ),
      request.twice('code_challenge_method', 'plain'),
      request.with({ 'code_challenge_method[]': 'plain' }),
      request.with({ code_challenge: request.verifier, code_challenge_method: 'plain' }),
    );
  });

  it('takes a challenge that can be one — PK-05, PK-06', async () => {
    const request = flow.authorizationRequest(client);
    const good = request.params.get('code_challenge') ?? '';
    await expectInvalid(
      ...[
        good.slice(1),
        `${good}A`,
        'x'.repeat(129),
        `${good.slice(1)}=`,
        `${good}=`,
        `+${good.slice(1)}`,
        `/${good.slice(1)}`,
        ` ${good.slice(1)}`,
        `${good.slice(0, -1)}B`,
      ].map((code_challenge) => request.with({ code_challenge })),
      request.twice('code_challenge', challengeOf(newVerifier())),
    );
  });

  it.each(['public', 'confidential'])(
    'holds at the token endpoint, %s — PK-03, PK-04',
    async (kind) => {
      const held = await flow.codeFor(kind === 'public' ? client : confidential);
      const request = flow.tokenRequest(held);
      await expectStoreUntouched(flow, async () => {
        expectTokenError(await flow.token(request.without('code_verifier')), flow, 'invalid_grant');
        for (const code_verifier of [
          newVerifier(),
          held.request.params.get('code_challenge') ?? '',
          '',
          held.request.verifier.slice(1),
          'x'.repeat(42),
          'x'.repeat(129),
          `${held.request.verifier}!`,
          ` ${held.request.verifier}`,
          `${held.request.verifier}\u00e9`,
          held.request.verifier.toUpperCase(),
        ]) {
          const answer = await flow.token(request.with({ code_verifier }));
          expectTokenError(answer, flow, 'invalid_grant');
        }
        expectTokenError(await flow.token(request.twice('code_verifier')), flow, 'invalid_request');
        const long = await flow.token(request.with({ code_verifier: 'x'.repeat(20_000) }));
        expectTokenError(long, flow, 'invalid_request');
        const huge = await flow.token(request.with({ code_verifier: 'x'.repeat(1_000_000) }));
        expectTokenError(huge, flow, 'invalid_request', 413);
      });
      // None of it has spent the code — PK-08.
      expect((await flow.token(request)).status).toBe(200);
    },
  );

  it('takes verifiers of every length and character that RFC 7636 §4.1 has', async () => {
    for (const verifier of ['-._~'.repeat(11), 'aZ09-._~'.repeat(16)]) {
      const request = flow
        .authorizationRequest(client)
        .with({ code_challenge: challengeOf(verifier) });
      const held = await flow.codeFor(client, { request });
      expect((await flow.redeem(held, { code_verifier: verifier })).status).toBe(200);
    }
  });

  it('is compared as digests of one length: near misses look like any other — PK-11', async () => {
    const held = await flow.codeFor(client);
    const right = held.request.verifier;
    const flip = (at: number): string =>
      right.slice(0, at) + (right[at] === 'a' ? 'b' : 'a') + right.slice(at + 1);
    const answers = [];
    for (const wrong of [flip(0), flip(20), flip(right.length - 1), 'z'.repeat(128)]) {
      const answer = await flow.redeem(held, { code_verifier: wrong });
      expectTokenError(answer, flow, 'invalid_grant');
      answers.push(answer.text);
    }
    expect(new Set(answers).size).toBe(1);
    expect((await flow.redeem(held)).status).toBe(200);
  });

  it("stops who has a victim's code and not its verifier — PK-09, AC-15", async () => {
    const victim = await flow.codeFor(client);
    const thief = await flow.codeFor(client, { user: 'bob' });
    const stolen = { ...thief, code: victim.code };
    expectTokenError(await flow.redeem(stolen), flow, 'invalid_grant');
    expect((await flow.redeem(victim)).status).toBe(200);
    expect((await flow.redeem(thief)).status).toBe(200);
  });

  it("is used toward the upstream with the app's own verifier — PK-10", async () => {
    const request = flow.authorizationRequest(client);
    const browser = new Browser();
    const atIdp = await flow.approve(request, browser);
    const sent = new URL(atIdp.url).searchParams;
    expect(sent.get('code_challenge_method')).toBe('S256');
    expect(sent.get('code_challenge')).toMatch(/^[\w-]{43}$/);
    expect(sent.get('code_challenge')).not.toBe(request.params.get('code_challenge'));
    const held = await flow.codeFor(client);
    await flow.redeem(held);
    const forms = idp.requestsTo('token').map((r) => r.form ?? {});
    expect(forms.length).toBeGreaterThan(0);
    for (const form of forms) {
      expect(form['code_verifier']).toMatch(/^[\w-]{43}$/);
      expect(Object.values(form)).not.toContain(held.request.verifier);
    }
  });

  it('is announced — PK-12', async () => {
    const metadata = jsonOf(await flow.send('/.well-known/oauth-authorization-server'));
    expect(metadata).toMatchObject({
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      response_types_supported: ['code'],
      response_modes_supported: ['query'],
    });
  });
});
