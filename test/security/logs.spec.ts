// What reaches the log, and who writes it: CWE-117, RFC 9700 §4.14.
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type MultiAuthEventName,
  MultiAuthEvents,
  MultiAuthService,
  OAuth2Upstream,
  OidcUpstream,
  StaticTokenVerifier,
} from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { ManualClock } from '../support/manual-clock.js';
import { appSecret } from '../support/protected-app.js';
import { type ProxyFlow, startFlow, tokensOf } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('the log on %s', (platform) => {
  const clock = new ManualClock();
  let flow: ProxyFlow;

  beforeAll(async () => {
    flow = await startFlow({ idp, platform, clock });
  });

  afterAll(() => flow.close());

  it.each([
    'a\nINFO forged line',
    'a\r\n{"event":"forged"}',
    'a\u001b[31mred\u001b[0m',
    'a\u2028b\u2029c',
    'a","forged":"1',
    'a\u0000b',
  ])('keeps what a client writes on one line: %j — LG-03', async (name) => {
    flow.log.clear();
    await flow.register({ client_name: name });
    const lines = flow.log.matching('log', 'client.registered');
    expect(lines).toHaveLength(1);
    const [{ text } = { text: '' }] = lines;
    // oxlint-disable-next-line no-control-regex -- the point of the test
    expect(text).not.toMatch(/[\u0000-\u001f\u007f\u2028\u2029]/);
    const event = JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)) as Record<
      string,
      unknown
    >;
    expect(Object.keys(event).toSorted()).toEqual(['clientId', 'clientName']);
  });

  it('never repeats an unknown client id, key id or token — LG-03, AT-42', async () => {
    flow.log.clear();
    const forged = 'x\nforged';
    const request = flow.authorizationRequest(await flow.register());
    await flow.authorize(request.with({ client_id: forged }));
    await flow.send('/token', { form: { grant_type: forged, client_id: forged, code: forged } });
    const header = Buffer.from(JSON.stringify({ alg: 'HS256', kid: forged })).toString('base64url');
    await flow.callMcp(`${header}.e30.c2ln`);
    expect(flow.log.lines.some(({ text }) => text.includes('forged'))).toBe(false);
  });

  it('has every event that an operator needs, with no token in it — LG-05', async () => {
    const seen = new Map<MultiAuthEventName, string>();
    const events = flow.app.app.get(MultiAuthEvents, { strict: false });
    const wanted: readonly MultiAuthEventName[] = [
      'client.registered',
      'consent.given',
      'consent.denied',
      'browser.mismatch',
      'authorization_code.issued',
      'authorization_code.redeemed',
      'authorization_code.replayed',
      'refresh_token.rotated',
      'refresh_token.reused',
      'grant.revoked',
      'token.accepted',
      'token.rejected',
      'source.failed',
      'upstream.failed',
      'endpoint.failed',
    ];
    const stop = wanted.map((name) =>
      events.on(name, (event) => void seen.set(name, JSON.stringify(event))),
    );
    const client = await flow.register();
    const denied = new Browser();
    await denied.deny(await flow.consentPage(flow.authorizationRequest(client), denied), (url) =>
      url.href.startsWith(client.redirectUri),
    );
    const theirs = await flow.consentPage(flow.authorizationRequest(client), new Browser());
    await new Browser().open(theirs.url);
    const held = await flow.codeFor(client);
    const first = tokensOf(await flow.redeem(held));
    const second = tokensOf(await flow.refresh(first.refresh_token, client));
    await flow.callMcp(second.access_token);
    await flow.callMcp('nonsense');
    flow.app.store.failNext('get');
    await flow.callMcp(second.access_token);
    flow.app.store.failNext('get');
    await flow.refresh(second.refresh_token, client);
    await flow.redeem(held);
    const again = tokensOf(await flow.redeem(await flow.codeFor(client)));
    await flow.refresh(again.refresh_token, client);
    clock.advance(61);
    await flow.refresh(again.refresh_token, client);
    idp.failNext('token', '500');
    await flow.login(client);
    expect(wanted.filter((name) => !seen.has(name))).toEqual([]);
    const told = [...seen.values()].join('\n');
    for (const secret of [
      held.code,
      held.request.verifier,
      first.access_token,
      first.refresh_token,
      second.access_token,
      second.refresh_token,
      again.refresh_token,
    ]) {
      expect(told).not.toContain(secret);
    }
    for (const remove of stop) remove();
  });

  it('names routes and reasons of ours alone, whatever clients send — LG-06', async () => {
    const reasons = new Set<string>();
    const events = flow.app.app.get(MultiAuthEvents, { strict: false });
    const stop = events.on('token.rejected', ({ resource, reasons: all }) => {
      reasons.add(resource);
      for (const { source, reason } of all) reasons.add(source).add(reason);
    });
    for (let i = 0; i < 50; i++) {
      const header = { alg: i % 2 ? 'HS256' : `alg${i}`, kid: `kid-${i}`, typ: 'at+jwt' };
      const claims = { iss: i % 3 ? flow.issuer : `https://issuer-${i}.test`, client_id: `c${i}` };
      const part = (value: object): string =>
        Buffer.from(JSON.stringify(value)).toString('base64url');
      await flow.callMcp(`${part(header)}.${part(claims)}.${part({ i })}`);
    }
    stop();
    expect(reasons.size).toBeGreaterThan(1);
    expect(reasons.size).toBeLessThan(8);
  });

  it('is not flooded by bad tokens, nor by long names — DS-11', async () => {
    flow.log.clear();
    await Promise.all(Array.from({ length: 200 }, (_, i) => flow.callMcp(`bad-token-${i}`)));
    expect(flow.log.lines).toEqual([]);
    await flow.tryRegister({ client_name: 'n'.repeat(10_000) });
    await flow.register({ client_name: 'n'.repeat(200) });
    expect(flow.log.lines).toHaveLength(1);
    expect(Math.max(...flow.log.lines.map(({ text }) => text.length))).toBeLessThan(400);
  });

  it.each(['/debug', '/heapdump', '/metrics', '/health', '/env', '/config', '/.env', '/store'])(
    'has no page behind %s — LG-07',
    async (path) => {
      expect((await flow.send(path)).status).toBe(404);
    },
  );
});

describe('printing what the app is made of', () => {
  it('shows no secret — LG-04', async () => {
    const flow = await startFlow({
      idp,
      verifiers: [
        new StaticTokenVerifier({
          tokens: { 'a-static-token-of-the-operator-1234567': { clientId: 'c', scopes: [] } },
        }),
      ],
    });
    const upstreamSecret = 'the-secret-at-the-upstream-Kq83';
    const oauth2 = new OAuth2Upstream({
      authorizationEndpoint: 'https://idp.test/a',
      tokenEndpoint: 'https://idp.test/t',
      clientId: 'c',
      clientSecret: upstreamSecret,
      tokenVerifier: new StaticTokenVerifier({
        tokens: { 'a-static-token-of-the-operator-1234567': { clientId: 'c', scopes: [] } },
      }),
    });
    const oidc = new OidcUpstream({
      issuer: 'https://idp.test',
      clientId: 'c',
      clientSecret: upstreamSecret,
    });
    const { access_token: token } = await flow.tokensFor(await flow.register());
    const service = flow.app.app.get(MultiAuthService, { strict: false });
    const things = [flow.app.proxy, service, oauth2, oidc, { options: { server: flow.app.proxy } }];
    const depth = { depth: 12, showHidden: true };
    const shown = things
      .flatMap((thing) => [inspect(thing, depth), JSON.stringify(thing, withoutCycles())])
      .join('\n');
    expect(shown).toContain('OAuthProxy');
    for (const secret of [appSecret, idp.client.secret, upstreamSecret, token]) {
      expect(shown).not.toContain(secret);
    }
    expect(shown).not.toContain('a-static-token-of-the-operator');
    await flow.close();
  });
});

function withoutCycles(): (key: string, value: unknown) => unknown {
  const seen = new Set<unknown>();
  return (_key, value) => {
    if (typeof value !== 'object' || value === null) return value;
    if (seen.has(value)) return '[again]';
    seen.add(value);
    return value;
  };
}
