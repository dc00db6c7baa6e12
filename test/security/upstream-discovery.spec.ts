// A discovery document is what somebody else wrote: RFC 8414 §3.3, §6.2; CVE-2025-6514.
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { expectVisitInvariants } from '../support/outcomes.js';
import { type ProxyFlow, startFlow } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('the discovery document of the upstream on %s', (platform) => {
  let flow: ProxyFlow;

  // Discovery happens at the first login: each test needs an app that had none.
  beforeEach(async () => {
    flow = await startFlow({ idp, platform });
  });

  afterEach(async () => {
    idp.recover();
    await flow.close();
  });

  it.each<[string, (document: Record<string, unknown>) => unknown]>([
    ['names another issuer', (d) => ({ ...d, issuer: 'https://evil.test' })],
    ['names a longer issuer', (d) => ({ ...d, issuer: `${String(d['issuer'])}.evil.test` })],
    ['names no issuer', ({ issuer: _gone, ...d }) => d],
    ['has a token endpoint without TLS', (d) => ({ ...d, token_endpoint: 'http://evil.test/t' })],
    ['has keys without TLS', (d) => ({ ...d, jwks_uri: 'http://evil.test/jwks' })],
    [
      'has a login page that is a script',
      (d) => ({ ...d, authorization_endpoint: 'javascript:1' }),
    ],
    [
      'has an endpoint with credentials',
      (d) => ({ ...d, token_endpoint: 'https://user:pass@evil.test/t' }),
    ],
    ['has no token endpoint', ({ token_endpoint: _gone, ...d }) => d],
    ['is a list', () => []],
  ])('is not used when it %s — MD-13, CB-23', async (_name, tamper) => {
    const client = await flow.register();
    const sent = idp.requestsTo('token').length;
    idp.tamperNext('discovery', tamper);
    const browser = new Browser();
    const page = await flow.consentPage(flow.authorizationRequest(client), browser);
    const refused = await browser.approve(page, flow.atIdp);
    const serverFault = refused.status === 502 ? 502 : 503;
    expectVisitInvariants(refused, { issuer: flow.issuer, serverFault });
    expect(refused.stopped).toBe(false);
    expect(refused.status).toBe(serverFault);
    expect(refused.html).not.toContain('evil.test');
    expect(idp.requestsTo('token')).toHaveLength(sent);
    // What was wrong once is not remembered.
    expect(await flow.isAccepted((await flow.tokensFor(client)).access_token)).toBe(true);
  });
});

describe.each(platforms)('an app behind a prefix and versions on %s', (platform) => {
  it('has its documents and endpoints where its base URL says — MD-11', async () => {
    const flow = await startFlow({
      idp,
      platform,
      issuerPath: '/tenant',
      configure: (app) => app.setGlobalPrefix('api/v9'),
      module: { resources: { default: '/api/v9/mcp' } },
    });
    const { origin } = flow.app;
    const json = async (path: string): Promise<Record<string, string>> =>
      JSON.parse((await flow.send(origin + path)).text) as Record<string, string>;
    const server = await json('/.well-known/oauth-authorization-server/tenant');
    expect(server['issuer']).toBe(`${origin}/tenant`);
    const resource = await json('/.well-known/oauth-protected-resource/api/v9/mcp');
    expect(resource['resource']).toBe(`${origin}/api/v9/mcp`);
    for (const name of ['token_endpoint', 'registration_endpoint', 'revocation_endpoint']) {
      const { status } = await flow.send(server[name] ?? '', { method: 'POST', body: '' });
      expect([400, 401, 415]).toContain(status);
    }
    for (const path of [
      '/api/v9/.well-known/oauth-authorization-server/tenant',
      '/api/v9/tenant/token',
      '/token',
    ]) {
      expect((await flow.send(origin + path, { method: 'POST', body: '' })).status).toBe(404);
    }
    await flow.close();
  });
});
