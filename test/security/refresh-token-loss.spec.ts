// Security matrix RT-11, RT-19: a login that the upstream ended, and a client that is no more.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ConfiguredClient, OAuthProxyOptions } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectTokenError } from '../support/outcomes.js';
import {
  clientRedirect,
  type ProxyFlow,
  startFlow,
  type TestClient,
  tokensOf,
} from '../support/proxy-flow.js';
import { StoreSpy } from '../support/store-spy.js';
import { UpstreamIdp } from '../support/upstream-idp.js';
import { MemoryStore } from '../../lib/storage/memory.store.js';

const refused = { status: 400, body: { error: 'invalid_grant' } };
let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('a refresh token on %s', (platform) => {
  describe('of a login that the upstream ended', () => {
    let clock: ManualClock;
    let flow: ProxyFlow;
    let client: TestClient;

    beforeAll(async () => {
      clock = new ManualClock();
      flow = await startFlow({ idp, platform, clock });
      client = await flow.register();
    });

    afterAll(() => flow.close());

    const records = (): number[] =>
      ['grant', 'grant-slot', 'upstream-session'].map(
        (kind) => flow.app.store.live().filter(({ key }) => key.startsWith(`${kind}:`)).length,
      );

    it('is refused, with all of the login gone, and the upstream asked once — RT-11', async () => {
      const before = records();
      const tokens = await flow.tokensFor(client);
      clock.advance(301);
      idp.failNext('token', refused);
      const asked = flow.upstreamGrants('refresh_token');
      const since = flow.log.lines.length;
      const attempts = Array.from({ length: 5 }, () => flow.refresh(tokens.refresh_token, client));
      for (const answer of await Promise.all(attempts)) {
        expectTokenError(answer, flow, 'invalid_grant');
      }
      for (let i = 0; i < 5; i++) {
        const answer = await flow.refresh(tokens.refresh_token, client);
        expectTokenError(answer, flow, 'invalid_grant');
      }
      const requests = idp.requestsTo('token').length;
      expect(flow.upstreamGrants('refresh_token') - asked).toBeLessThanOrEqual(1);
      expect(idp.requestsTo('token')).toHaveLength(requests);
      expect(await flow.isAccepted(tokens.access_token)).toBe(false);
      expect(records()).toEqual(before);
      const said = flow.log.lines.slice(since).map(({ text }) => text);
      expect(said.filter((text) => text.includes('"cause":"upstream_refused"'))).toHaveLength(1);
      expect(said.filter((text) => text.startsWith('upstream.failed'))).not.toHaveLength(0);
    });

    it('is good again after an outage, which ends nothing — RT-11', async () => {
      const tokens = await flow.tokensFor(client);
      clock.advance(301);
      idp.failNext('token', '503');
      expect((await flow.refresh(tokens.refresh_token, client)).status).toBe(503);
      const next = tokensOf(await flow.refresh(tokens.refresh_token, client));
      expect(await flow.isAccepted(next.access_token)).toBe(true);
    });
  });

  describe('of a client', () => {
    const known: ConfiguredClient = { clientId: 'known', redirectUris: [clientRedirect] };
    const asTest: TestClient = { id: 'known', redirectUri: clientRedirect };

    /** Restarts the app on the same store, with other options. */
    const restart = async (flow: ProxyFlow, proxy: Partial<OAuthProxyOptions>) => {
      const { store, issuer } = flow.app;
      const port = Number(new URL(issuer).port);
      await flow.app.app.close();
      const kept = new MemoryStore();
      for (const { key, value, ttlSeconds } of store.live()) await kept.set(key, value, ttlSeconds);
      return startFlow({ idp, platform, port, proxy, store: new StoreSpy(kept) });
    };

    it.each<[string, Partial<OAuthProxyOptions>, string, 400 | 401]>([
      ['that the operator removed', { clients: [] }, 'invalid_client', 401],
      [
        'whose redirect URI the operator replaced',
        { clients: [{ ...known, redirectUris: ['https://app.test/another'] }] },
        'invalid_grant',
        400,
      ],
      [
        'whose redirect URI is allowed no more',
        { clients: [known], allowedClientRedirectUris: ['https://another.test/*'] },
        'invalid_grant',
        400,
      ],
      [
        'that may not refresh any more',
        { clients: [{ ...known, grantTypes: ['authorization_code'] }] },
        'unauthorized_client',
        400,
      ],
    ])('%s is refused — RT-19', async (_name, changed, error, status) => {
      const flow = await startFlow({ idp, platform, proxy: { clients: [known] } });
      const tokens = await flow.tokensFor(asTest);
      const after = await restart(flow, changed);
      try {
        const answer = await after.refresh(tokens.refresh_token, asTest);
        expectTokenError(answer, after, error, status);
      } finally {
        await after.close();
      }
    });

    it('that is still the same is taken after a restart — RT-19', async () => {
      const flow = await startFlow({ idp, platform, proxy: { clients: [known] } });
      const tokens = await flow.tokensFor(asTest);
      const clients = [{ ...known, redirectUris: ['https://app.test/another', clientRedirect] }];
      const after = await restart(flow, { clients });
      try {
        const next = tokensOf(await after.refresh(tokens.refresh_token, asTest));
        expect(await after.isAccepted(next.access_token)).toBe(true);
      } finally {
        await after.close();
      }
    });

    it('that registered itself and was removed is refused — RT-19', async () => {
      const flow = await startFlow({ idp, platform });
      try {
        const [gone, other] = [await flow.register(), await flow.register()];
        const [tokens, others] = [await flow.tokensFor(gone), await flow.tokensFor(other)];
        const { store } = flow.app;
        const clientKeys = store.live().filter(({ key }) => key.startsWith('client:'));
        await store.delete(clientKeys[0]?.key ?? '');
        const answer = await flow.refresh(tokens.refresh_token, gone);
        expectTokenError(answer, flow, 'invalid_client', 401);
        expect((await flow.refresh(others.refresh_token, other)).status).toBe(200);
      } finally {
        await flow.close();
      }
    });
  });
});
