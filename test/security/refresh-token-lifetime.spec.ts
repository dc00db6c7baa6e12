// Security matrix RT-10, RT-21, RT-22, CK-04: how long a login and what stands for it live.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { OAuthProxyOptions } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectTokenError } from '../support/outcomes.js';
import {
  jsonOf,
  type ProxyFlow,
  startFlow,
  type TestClient,
  type Tokens,
  tokensOf,
} from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const hour = 3600;
const day = 86_400;
/** Of everything that belongs to a login and to nothing else. */
const loginKinds = ['grant', 'grant-slot', 'upstream-session', 'refresh-token', 'access-token'];
let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('the life of a login on %s', (platform) => {
  let clock: ManualClock;
  let flow: ProxyFlow;
  let client: TestClient;

  const start = async (proxy: Partial<OAuthProxyOptions>): Promise<void> => {
    clock = new ManualClock();
    flow = await startFlow({ idp, platform, clock, proxy });
    client = await flow.register();
  };

  /** How many records of a login the store still has. */
  const alive = async (): Promise<number> => {
    const entries = flow.app.store.live();
    const mine = entries.filter(({ key }) => loginKinds.includes(key.split(':')[0] ?? ''));
    const values = await Promise.all(mine.map(({ key }) => flow.app.store.get(key)));
    return values.filter((value) => value !== undefined).length;
  };

  describe('with ten days of idling and thirty in all', () => {
    const lifetimes = { refreshTokenIdle: 10 * day, refreshTokenAbsolute: 30 * day };

    beforeAll(() => start({ lifetimes: { ...lifetimes, unusedClient: 60 * day } }));
    afterAll(() => flow.close());

    it('goes on as long as it is used in time, and then no second longer — RT-10', async () => {
      let tokens = await flow.tokensFor(client);
      for (const _ of [1, 2]) {
        clock.advance(10 * day - 1);
        tokens = tokensOf(await flow.refresh(tokens.refresh_token, client));
        expect(await flow.isAccepted(tokens.access_token)).toBe(true);
      }
      clock.advance(10 * day);
      expectTokenError(await flow.refresh(tokens.refresh_token, client), flow, 'invalid_grant');
    });

    it('leaves nothing behind when it idles out, long before its end — RT-10', async () => {
      await flow.tokensFor(client);
      const used = await flow.tokensFor(client);
      clock.advance(5 * day);
      await flow.refresh(used.refresh_token, client);
      expect(await alive()).toBeGreaterThan(5);
      clock.advance(15 * day);
      expect(await alive()).toBe(0);
    });

    it('ends at its end, however often it was used: in its last second — RT-10, RT-21', async () => {
      let tokens = await flow.tokensFor(client);
      for (const _ of [1, 2, 3]) {
        clock.advance(9 * day);
        tokens = tokensOf(await flow.refresh(tokens.refresh_token, client));
      }
      clock.advance(3 * day - 1);
      const last = await flow.refresh(tokens.refresh_token, client);
      tokens = tokensOf(last);
      expect(tokens.expires_in).toBe(1);
      expect(await flow.isAccepted(tokens.access_token)).toBe(true);
      clock.advance(1);
      expect(await flow.isAccepted(tokens.access_token)).toBe(false);
      for (const _ of ['once', 'again']) {
        const answer = await flow.refresh(tokens.refresh_token, client);
        expectTokenError(answer, flow, 'invalid_grant');
      }
      clock.advance(2 * day);
      expect(await alive()).toBe(0);
    });

    it('is refreshed in the last second of the refresh token, and not after — RT-21', async () => {
      const [early, late] = [await flow.tokensFor(client), await flow.tokensFor(client)];
      clock.advance(10 * day - 1);
      expect((await flow.refresh(early.refresh_token, client)).status).toBe(200);
      clock.advance(1);
      expectTokenError(await flow.refresh(late.refresh_token, client), flow, 'invalid_grant');
    });
  });

  describe('that nobody can refresh', () => {
    beforeAll(() => start({}));
    afterAll(() => flow.close());

    const expectNoRefreshToken = async (form: Promise<Tokens>): Promise<Tokens> => {
      const tokens = await form;
      expect(tokens).not.toHaveProperty('refresh_token');
      expect(await flow.isAccepted(tokens.access_token)).toBe(true);
      return tokens;
    };

    it('gets no refresh token for a client without that grant, and is over with its access token — RT-22', async () => {
      const once = await flow.register({ grant_types: ['authorization_code'] });
      const tokens = await expectNoRefreshToken(flow.tokensFor(once));
      expectTokenError(await flow.refresh('x'.repeat(43), once), flow, 'unauthorized_client');
      clock.advance(tokens.expires_in);
      expect(await alive()).toBe(0);
    });

    it('gets none where the upstream gives none, and is over when its token is — RT-22', async () => {
      idp.tamperNext('token', ({ refresh_token: _, ...body }) => ({ ...body, expires_in: 7200 }));
      const tokens = await expectNoRefreshToken(flow.tokensFor(client));
      expect(tokens.expires_in).toBe(7200);
      clock.advance(7199);
      expect(await flow.isAccepted(tokens.access_token)).toBe(true);
      clock.advance(1);
      expect(await alive()).toBe(0);
    });

    it('gets one in every other case — RT-22', async () => {
      expect((await flow.tokensFor(client)).refresh_token).toMatch(/^[\w-]{43}$/);
    });
  });

  describe('whose upstream says odd things of its own tokens', () => {
    beforeAll(() => start({ lifetimes: { fallbackAccessToken: 600 } }));
    afterAll(() => flow.close());

    const tokensOfUpstream = (expires_in: unknown, more: object = {}): Promise<Tokens> => {
      idp.tamperNext('token', (body) => ({ ...body, expires_in, ...more }));
      return flow.tokensFor(client);
    };

    it.each([
      ['nothing', undefined, 600],
      ['null', null, 600],
      ['zero', 0, 600],
      ['less than nothing', -1, 600],
      ['half a second', 0.5, 600],
      ['a second and a half', 1.5, 1],
      ['a text', '3600', 3600],
      ['a text that is no number', 'soon', 600],
      ['a list', [3600], 600],
      ['a day', day, day],
      ['thirty thousand years', 1e12, day],
    ])('lives for a sensible time when it says %s — CK-04', async (_name, said, lives) => {
      const tokens = await tokensOfUpstream(said);
      expect(tokens.expires_in).toBe(lives);
      expect(await flow.isAccepted(tokens.access_token)).toBe(true);
      const claims = JSON.parse(
        Buffer.from(tokens.access_token.split('.')[1] ?? '', 'base64url').toString(),
      ) as { iat: number; exp: number };
      expect(claims.exp - claims.iat).toBe(lives);
    });

    it('does not live for a year where nothing can be refreshed — CK-04', async () => {
      const tokens = await tokensOfUpstream(undefined, { refresh_token: undefined });
      expect(tokens.expires_in).toBe(600);
    });
  });

  describe('with a lifetime of our own for access tokens', () => {
    beforeAll(() => start({ lifetimes: { accessToken: 2 * hour } }));
    afterAll(() => flow.close());

    it('has it where the upstream can be refreshed, and never beyond what it cannot — CK-04', async () => {
      expect((await flow.tokensFor(client)).expires_in).toBe(2 * hour);
      idp.tamperNext('token', ({ refresh_token: _, ...body }) => ({ ...body, expires_in: 60 }));
      expect((await flow.tokensFor(client)).expires_in).toBe(60);
      const answer = await flow.redeem(await flow.codeFor(client));
      expect(jsonOf(answer)).toMatchObject({ expires_in: 2 * hour, token_type: 'Bearer' });
    });
  });
});
