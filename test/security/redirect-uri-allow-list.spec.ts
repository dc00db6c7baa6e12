// RFC 9700 §2.1, §4.1; CVE-2023-6134, CVE-2023-6291, CVE-2024-8883, CVE-2026-0621.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError, MemoryStore } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import {
  expectBegun,
  expectInvariants,
  expectLocalRefusal,
  expectRegistrationError,
  expectStoreUntouched,
} from '../support/outcomes.js';
import { jsonOf, type ProxyFlow, startFlow } from '../support/proxy-flow.js';
import { StoreSpy } from '../support/store-spy.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('the allow-list of redirect URIs on %s', (platform) => {
  const allowedClientRedirectUris = [
    'https://*.corp.test/*',
    'https://app.test/cb',
    'http://127.0.0.1/*',
  ];
  let flow: ProxyFlow;

  beforeAll(async () => {
    flow = await startFlow({ idp, platform, proxy: { allowedClientRedirectUris } });
  });

  afterAll(() => flow.close());

  it.each(['https://a.corp.test/cb', 'https://app.test/cb', 'http://127.0.0.1/callback'])(
    'lets a client with %s log in',
    async (redirectUri) => {
      const client = await flow.register({ redirect_uris: [redirectUri] });
      const held = await flow.codeFor(client);
      expect((await flow.redeem(held)).status).toBe(200);
    },
  );

  it('leaves the port of loopback open, and nothing else — RU-12', async () => {
    const client = await flow.register({ redirect_uris: ['http://127.0.0.1/callback'] });
    const request = flow.authorizationRequest(client);
    const other = request.with({ redirect_uri: 'http://127.0.0.1:51004/callback' });
    expectBegun(await flow.authorize(other), flow);
    const path = request.with({ redirect_uri: 'http://127.0.0.1:51004/other' });
    expectLocalRefusal(await flow.authorize(path), flow);
  });

  it.each([
    'https://corp.test.evil.test/',
    'https://evil.test/.corp.test/',
    'https://evil.test?.corp.test/',
    'https://evil.test/?.corp.test/',
    'https://evil.test#.corp.test/',
    'https://a.corp.test@evil.test/',
    'https://evil.test\\.corp.test/',
    'https://a.corp.test:8443/',
    'https://evilcorp.test/',
    'https://corp.test/',
    'https://app.test/cb/other',
  ])('does not register %s — RU-17', async (redirectUri) => {
    const answer = await expectStoreUntouched(flow, () =>
      flow.tryRegister({ redirect_uris: ['https://app.test/cb', redirectUri] }),
    );
    expectRegistrationError(answer, flow, 'invalid_redirect_uri');
  });

  it('judges 64 kB of near-matches like any other URI — RU-19', async () => {
    for (const near of [
      `https://${'a.'.repeat(30_000)}corp.test.evil.test/`,
      `https://a.corp.test${'/a'.repeat(32_000)}\u0000`,
      `https://${'*.'.repeat(30_000)}/`,
    ]) {
      const answer = await flow.tryRegister({ redirect_uris: [near] });
      expect([400, 413]).toContain(answer.status);
      expectInvariants(answer, flow);
    }
  });
});

describe.each(platforms)('changing the allow-list on %s', (platform) => {
  it('holds for clients that registered before — CF-05', async () => {
    const store = new StoreSpy(new MemoryStore());
    const before = await startFlow({ idp, platform, store });
    const app = await before.register({ redirect_uris: ['https://app.test/cb'] });
    const other = await before.register({ redirect_uris: ['https://other.test/cb'] });
    const { port } = new URL(before.app.origin);
    const browser = new Browser();
    const begun = await before.consentPage(before.authorizationRequest(other), browser);
    await before.close();

    const proxy = { allowedClientRedirectUris: ['https://app.test/*'] };
    const after = await startFlow({ idp, platform, store, port: Number(port), proxy });
    try {
      expect((await after.redeem(await after.codeFor(app))).status).toBe(200);
      expectLocalRefusal(await after.authorize(after.authorizationRequest(other)), after);
      // Not even a login that was begun before may answer there.
      const late = await browser.approve(begun);
      expect(late.status).toBe(400);
      expect(late.url).toContain(after.issuer);
    } finally {
      await after.close();
    }
  });

  it('is no limit when absent, and allows nobody when empty — CF-05, RU-18', async () => {
    const open = await startFlow({
      idp,
      platform,
      proxy: { allowedClientRedirectUris: undefined },
    });
    expect((await open.tryRegister()).status).toBe(201);
    await open.close();
    const closed = await startFlow({ idp, platform, proxy: { allowedClientRedirectUris: [] } });
    const answer = await closed.tryRegister();
    expect(jsonOf(answer)).toMatchObject({ error: 'invalid_redirect_uri' });
    await closed.close();
  });

  it.each([
    ['*'],
    ['https://*'],
    ['https://*.com/*'],
    ['http*://x/*'],
    ['https://*/cb'],
    ['javascript:*'],
    ['https://app.test/*', ''],
  ])('does not boot with %p — RU-18', async (...patterns) => {
    const refused = startFlow({ idp, platform, proxy: { allowedClientRedirectUris: patterns } });
    await expect(refused).rejects.toThrow(ConfigurationError);
    await expect(refused).rejects.toThrow('server.allowedClientRedirectUris[');
  });

  it.each([null, '', 'https://app.test/*'])(
    'does not boot with %p as a list — CF-05',
    async (list) => {
      const allowedClientRedirectUris = list as unknown as string[];
      const refused = startFlow({ idp, platform, proxy: { allowedClientRedirectUris } });
      await expect(refused).rejects.toThrow('server.allowedClientRedirectUris: must be a list');
    },
  );
});
