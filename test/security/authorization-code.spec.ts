// RFC 6749 §4.1.2, §4.1.3, §10.5; OAuth 2.1 §4.1.3, §7.5: what may be done with a code, and when.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectInvariants, expectStoreUntouched, expectTokenError } from '../support/outcomes.js';
import {
  clientRedirect,
  type ProxyFlow,
  startFlow,
  type TestClient,
  tokensOf,
} from '../support/proxy-flow.js';
import { newVerifier } from '../support/request-builders.js';
import { StoreSpy } from '../support/store-spy.js';
import { UpstreamIdp } from '../support/upstream-idp.js';
import { MemoryStore } from '../../lib/storage/memory.store.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('an authorization code on %s', (platform) => {
  let clock: ManualClock;
  let flow: ProxyFlow;
  let client: TestClient;

  beforeAll(async () => {
    clock = new ManualClock();
    flow = await startFlow({ idp, platform, clock });
    client = await flow.register();
  });

  afterAll(() => flow.close());

  describe('that was redeemed', () => {
    it('ends its grant when it comes back with everything right — AC-01', async () => {
      const held = await flow.codeFor(client);
      const tokens = tokensOf(await flow.redeem(held));
      expect(await flow.isAccepted(tokens.access_token)).toBe(true);
      const revocations = idp.requestsTo('revocation').length;
      expectTokenError(await flow.redeem(held), flow, 'invalid_grant');
      expect(await flow.isAccepted(tokens.access_token)).toBe(false);
      expectTokenError(await flow.refresh(tokens.refresh_token, client), flow, 'invalid_grant');
      const asked = (): boolean => idp.requestsTo('revocation').length === revocations + 1;
      await eventually(asked, 'the upstream is asked to revoke its tokens');
      expect(flow.log.matching('warn', 'authorization_code.replayed')).not.toHaveLength(0);
    });

    it('hurts nobody when it comes back with a wrong verifier — AC-01, AC-15', async () => {
      const held = await flow.codeFor(client);
      const tokens = tokensOf(await flow.redeem(held));
      const request = flow.tokenRequest(held);
      await expectStoreUntouched(flow, async () => {
        for (const form of [
          request.with({ code_verifier: newVerifier() }),
          request.with({ redirect_uri: 'https://app.test/other' }),
          request.without('code_verifier'),
        ]) {
          expectTokenError(await flow.token(form), flow, 'invalid_grant');
        }
      });
      expect(await flow.isAccepted(tokens.access_token)).toBe(true);
      expect((await flow.refresh(tokens.refresh_token, client)).status).toBe(200);
    });

    it('hurts nobody when another client brings it — AC-01', async () => {
      const stranger = await flow.register();
      const held = await flow.codeFor(client);
      const tokens = tokensOf(await flow.redeem(held));
      await expectStoreUntouched(flow, async () => {
        const answer = await flow.redeem(held, { client_id: stranger.id });
        expectTokenError(answer, flow, 'invalid_grant');
      });
      expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    });

    it('is remembered as long as its refresh tokens can live — AC-17', async () => {
      const held = await flow.codeFor(client);
      let tokens = tokensOf(await flow.redeem(held));
      for (const days of [20, 20]) {
        clock.advance(days * 86_400);
        tokens = tokensOf(await flow.refresh(tokens.refresh_token, client));
      }
      expectTokenError(await flow.redeem(held), flow, 'invalid_grant');
      expect(await flow.isAccepted(tokens.access_token)).toBe(false);
      expectTokenError(await flow.refresh(tokens.refresh_token, client), flow, 'invalid_grant');
    });
  });

  describe('is not spent by a request that fails', () => {
    it.each([
      ['another client', 'invalid_grant', { client_id: 'STRANGER' }],
      ['a wrong verifier', 'invalid_grant', { code_verifier: newVerifier() }],
      ['another redirect URI', 'invalid_grant', { redirect_uri: `${clientRedirect}/` }],
      ['another resource of the server', 'invalid_target', { resource: 'RS2' }],
      ['a resource of somebody else', 'invalid_target', { resource: 'https://other.test/mcp' }],
      ['a wider scope', 'invalid_scope', { scope: 'notes:read notes:write' }],
      ['another grant type', 'unsupported_grant_type', { grant_type: 'password' }],
    ])('with %s — AC-07, AC-08, PK-08', async (_name, error, changes: Record<string, string>) => {
      const stranger = await flow.register();
      const held = await flow.codeFor(client);
      const given = Object.entries(changes).map(([name, value]) => [
        name,
        value.replace('STRANGER', stranger.id).replace('RS2', `${flow.app.origin}/mcp2`),
      ]);
      await expectStoreUntouched(flow, async () => {
        const changed = Object.fromEntries(given) as Record<string, string>;
        expectTokenError(await flow.redeem(held, changed), flow, error);
      });
      const tokens = tokensOf(await flow.redeem(held));
      expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    });

    it('because the store is down — AC-13', async () => {
      const held = await flow.codeFor(client);
      for (const operation of ['get', 'set', 'take'] as const) {
        flow.app.store.failNext(operation);
        const answer = await flow.redeem(held);
        expectInvariants(answer, { issuer: flow.issuer, serverFault: 503 });
        expect(answer.status).toBe(503);
        expect(answer.text).not.toContain('access_token');
      }
      const tokens = tokensOf(await flow.redeem(held));
      expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    });
  });

  it('is for the resource it was asked for when none is named — AC-07', async () => {
    const held = await flow.codeFor(client);
    const tokens = tokensOf(await flow.token(flow.tokenRequest(held).without('resource')));
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    const claims = JSON.parse(
      Buffer.from(tokens.access_token.split('.')[1] ?? '', 'base64url').toString(),
    ) as { aud: unknown };
    expect(claims.aud).toBe(flow.app.url);
  });

  it('never gives more than was consented to, and less when less is asked — AC-08', async () => {
    const all = tokensOf(await flow.redeem(await flow.codeFor(client)));
    expect(all.scope.split(' ').sort()).toEqual(['mcp:use', 'notes:read']);
    const held = await flow.codeFor(client);
    const less = tokensOf(await flow.redeem(held, { scope: 'mcp:use' }));
    expect(less.scope).toBe('mcp:use');
    const refreshed = tokensOf(await flow.refresh(less.refresh_token, client));
    expect(refreshed.scope).toBe('mcp:use');
  });

  it('expires after two minutes — AC-06', async () => {
    const early = await flow.codeFor(client);
    clock.advance(119);
    expect((await flow.redeem(early)).status).toBe(200);
    const late = await flow.codeFor(client);
    clock.advance(120);
    await expectStoreUntouched(flow, async () => {
      expectTokenError(await flow.redeem(late), flow, 'invalid_grant');
    });
  });

  it('is answered the same whether unknown, altered or of another server — AC-05, U6', async () => {
    const held = await flow.codeFor(client);
    const { code } = held;
    const texts = new Set<string>();
    await expectStoreUntouched(flow, async () => {
      for (const guess of [
        'x',
        newVerifier(),
        `${code.slice(0, -1)}~`,
        `${code}A`,
        code.slice(1),
      ]) {
        const answer = await flow.redeem(held, { code: guess });
        expectTokenError(answer, flow, 'invalid_grant');
        texts.add(answer.text);
      }
      const wrong = await flow.redeem(held, { code_verifier: newVerifier() });
      texts.add(wrong.text);
    });
    expect(texts.size).toBe(1);
  });

  it('must be there, once and not without bounds — AC-05', async () => {
    const held = await flow.codeFor(client);
    const request = flow.tokenRequest(held);
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    await expectStoreUntouched(flow, async () => {
      for (const bad of [
        request.without('code'),
        request.with({ code: '' }),
        request.twice('code'),
        request.with({ code: 'x'.repeat(9000) }),
      ]) {
        expectTokenError(await flow.token(bad), flow, 'invalid_request');
      }
      for (const list of [`code[]=${held.code}`, `code[x]=${held.code}`]) {
        const body = `${request.without('code').toString()}&${list}`;
        const answer = await flow.send('/token', { body, headers: form });
        expectTokenError(answer, flow, 'invalid_request');
        const both = await flow.send('/token', {
          body: `${request.toString()}&${list}`,
          headers: form,
        });
        expectTokenError(both, flow, 'invalid_request');
      }
      const huge = await flow.redeem(held, { code: 'x'.repeat(70_000) });
      expectTokenError(huge, flow, 'invalid_request', 413);
    });
    expect((await flow.redeem(held)).status).toBe(200);
  });

  it('is taken from the body of a form alone — AC-14', async () => {
    const held = await flow.codeFor(client);
    const request = flow.tokenRequest(held);
    await expectStoreUntouched(flow, async () => {
      const inQuery = await flow.send(`/token?${request.toString()}`);
      expectInvariants(inQuery, { issuer: flow.issuer });
      expect(inQuery.status).toBe(405);
      expect(inQuery.headers['allow']).toBe('POST, OPTIONS');
      const json = Object.fromEntries(new URLSearchParams(String(request)));
      expectTokenError(await flow.send('/token', { json }), flow, 'invalid_request');
      const split = await flow.send(`/token?code=${held.code}`, { form: request.without('code') });
      expectTokenError(split, flow, 'invalid_request');
      const text = { 'content-type': 'text/plain' };
      const asText = await flow.send('/token', { body: String(request), headers: text });
      expectTokenError(asText, flow, 'invalid_request');
    });
    expect((await flow.redeem(held)).status).toBe(200);
  });

  it('is 256 random bits — AC-16', async () => {
    const browserful = await flow.codeFor(client);
    const { code, browser } = browserful;
    const more = [];
    for (let i = 0; i < 3; i++) more.push((await flow.codeFor(client, { browser })).code);
    for (const text of [code, ...more]) expect(text).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(new Set([code, ...more]).size).toBe(4);
  });

  it('of the same challenge is another code, each good once — PK-13', async () => {
    const request = flow.authorizationRequest(client);
    const held = [await flow.codeFor(client, { request }), await flow.codeFor(client, { request })];
    expect(held[0]?.code).not.toBe(held[1]?.code);
    for (const one of held) expect((await flow.redeem(one)).status).toBe(200);
  });

  it('exists only after approval, upstream login and callback — AC-09', async () => {
    const codes = (): number =>
      flow.app.store.live().filter((e) => e.key.startsWith('code:')).length;
    const before = codes();
    const denied = await flow.login(client, { decision: 'deny' });
    const cancelled = await flow.login(client, { upstreamDecision: 'cancel' });
    for (const visit of [denied, cancelled]) {
      expect(new URL(visit.url).searchParams.get('error')).toBe('access_denied');
      expect(new URL(visit.url).searchParams.has('code')).toBe(false);
    }
    expect(codes()).toBe(before);
  });

  it('is worthless when the keys were replaced, or the client is gone — AC-11', async () => {
    const store = new StoreSpy(new MemoryStore({ clock }));
    const one = await startFlow({ idp, platform, clock, store });
    const gone = await one.register();
    const held = await one.codeFor(gone);
    const port = Number(new URL(one.issuer).port);
    const removed = await one.register();
    const removedCode = await one.codeFor(removed);
    const [clientKey = ''] = store
      .live()
      .filter((e) => e.key.startsWith('client:'))
      .map((e) => e.key)
      .slice(-1);
    await store.delete(clientKey);
    expectTokenError(await one.redeem(removedCode), one, 'invalid_client', 401);
    await one.app.app.close();
    const kept = new MemoryStore({ clock });
    for (const { key, value, ttlSeconds } of store.live()) await kept.set(key, value, ttlSeconds);
    const proxy = { secrets: ['another-secret-of-the-app-under-test-9Kx1'] };
    const two = await startFlow({ idp, platform, clock, store: kept, port, proxy });
    // Not even the client is known any more.
    expectTokenError(await two.redeem(held), two, 'invalid_client', 401);
    await two.close();
    idp.setRedirectUris([`${flow.issuer}/auth/callback`]);
  });
});
