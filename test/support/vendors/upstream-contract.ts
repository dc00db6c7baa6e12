import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import type { Upstream, UpstreamOptions } from '../../../lib/index.js';
import { eventually } from '../eventually.js';
import { ManualClock } from '../manual-clock.js';
import { McpController, type ProtectedAppOptions } from '../protected-app.js';
import { jsonOf, type Tokens, tokensOf } from '../proxy-flow.js';
import type { FakeVendor } from './fake-vendor.js';
import { shapeOf, VendorFlow, type WireShape, wireOf } from './vendor-flow.js';
import type { VendorFailure, VendorHost } from './vendor-host.js';

/** An endpoint without which nobody can log in. */
export interface NeededEndpoint<V> {
  readonly path: string;
  readonly host: (vendor: V) => VendorHost;
  /** Whether its answer is remembered, so that only the first login needs it. */
  readonly once?: boolean;
}

/** Options of every upstream; the secret, if there, is one. */
export type MoreOptions = Partial<Omit<UpstreamOptions, 'clientSecret'>> & {
  readonly clientSecret?: string;
};

/** What a preset is expected to do with a faithful fake of its vendor. */
export interface UpstreamContract<V extends FakeVendor> {
  readonly name: string;
  readonly start: (clock: ManualClock) => V | Promise<V>;
  /** The preset with its least options and the fake's network; some more may be given. */
  readonly upstream: (vendor: V, more?: MoreOptions) => Upstream;
  /** What crosses the wire, as `shapeOf` and `wireOf` write it. */
  readonly authorizationUrl: string;
  readonly redemption: WireShape;
  /** The requests that find out who logged in. */
  readonly identification: readonly WireShape[];
  /** Null where there is nothing to refresh. */
  readonly refresh: WireShape | null;
  /** Null where the vendor has no way to revoke. */
  readonly revocation: WireShape | null;
  /** Who alice is. */
  readonly subject: string;
  readonly embedded: Readonly<Record<string, unknown>>;
  readonly needed: readonly NeededEndpoint<V>[];
  /** Makes the vendor's next answer hold a genuine token of another app. */
  readonly foreignToken: (vendor: V) => unknown;
  /** For how long the vendor's access token is good; absent when it does not say. */
  readonly accessTokenSeconds?: number;
}

const failures: readonly VendorFailure[] = ['500', 'html', 'garbage', 'redirect', 'disconnect'];
const recheckSeconds = 60;

/** The tests that every preset passes. */
export function upstreamContract<V extends FakeVendor>(its: UpstreamContract<V>): void {
  describe(`a login at ${its.name}`, () => {
    let clock: ManualClock;
    let vendor: V;
    let flow: VendorFlow<V>;

    const startWith = async (
      more: MoreOptions = {},
      options: Partial<ProtectedAppOptions<V>> = {},
    ): Promise<VendorFlow<V>> =>
      VendorFlow.start(vendor, its.upstream(vendor, more), { ...options, clock });

    beforeAll(async () => {
      clock = new ManualClock();
      vendor = await its.start(clock);
      flow = await startWith({ embedClaims: Object.keys(its.embedded) });
    });

    afterEach(() => {
      vendor.recover();
      vendor.forgetRequests();
    });

    afterAll(() => flow.close());

    // A discovery document is read when it is due, whatever else happens then.
    const wires = (): readonly WireShape[] =>
      vendor
        .requests()
        .filter(({ path }) => !path.endsWith('/.well-known/openid-configuration'))
        .map(wireOf);

    it('asks the vendor for nothing but what it needs, and finds out who it is', async () => {
      const { vendorUrl } = await flow.login();
      expect(shapeOf(vendorUrl)).toBe(its.authorizationUrl);
      vendor.forgetRequests();
      const tokens = await flow.tokens();
      expect(wires()).toEqual([its.redemption, ...its.identification]);
      vendor.forgetRequests();
      expect(await flow.proxy.isAccepted(tokens.access_token)).toBe(true);
      expect(McpController.seen).toMatchObject({ subject: its.subject, claims: its.embedded });
      // The vendor is not asked about the tokens of this server.
      expect(vendor.requests()).toEqual([]);
    });

    if (its.refresh) {
      it('is refreshed, and goes on', async () => {
        const tokens = await afterTheVendorsTokenExpired();
        const refreshed = tokensOf(await flow.proxy.refresh(tokens.refresh_token, flow.client));
        expect(wires()).toEqual([its.refresh]);
        expect(await flow.proxy.isAccepted(refreshed.access_token)).toBe(true);
      });

      it('survives a vendor that cannot be asked for a while', async () => {
        const tokens = await afterTheVendorsTokenExpired();
        const [token] = its.needed;
        token?.host(vendor).fail(token.path, '500');
        const answer = await flow.proxy.refresh(tokens.refresh_token, flow.client);
        expect(answer.status).toBe(503);
        vendor.recover();
        const refreshed = tokensOf(await flow.proxy.refresh(tokens.refresh_token, flow.client));
        expect(await flow.proxy.isAccepted(refreshed.access_token)).toBe(true);
      });

      it('is over when the vendor says so at a refresh', async () => {
        const tokens = await afterTheVendorsTokenExpired();
        vendor.revokeAll();
        const answer = await flow.proxy.refresh(tokens.refresh_token, flow.client);
        expect(answer.status).toBe(400);
        expect(jsonOf(answer)).toMatchObject({ error: 'invalid_grant' });
        expect(await flow.proxy.isAccepted(tokens.access_token)).toBe(false);
      });
    }

    async function afterTheVendorsTokenExpired(): Promise<Tokens> {
      const tokens = await flow.tokens();
      vendor.forgetRequests();
      clock.advance((its.accessTokenSeconds ?? 0) + 1);
      return tokens;
    }

    it('ends at the vendor when the client revokes it', async () => {
      const tokens = await flow.tokens();
      vendor.forgetRequests();
      expect((await flow.proxy.revoke(tokens.refresh_token, flow.client)).status).toBe(200);
      expect(await flow.proxy.isAccepted(tokens.access_token)).toBe(false);
      if (its.revocation === null) return;
      await eventually(() => vendor.requests().length > 0, 'a revocation at the vendor');
      expect(wires()).toEqual([its.revocation]);
    });

    it('is found to be over when the vendor is asked from time to time', async () => {
      const other = await startWith({}, { proxy: { upstreamRecheckSeconds: recheckSeconds } });
      const { access_token: token } = await other.tokens();
      clock.advance(recheckSeconds + 1);
      expect(await other.proxy.isAccepted(token)).toBe(true);
      vendor.revokeAll();
      clock.advance(recheckSeconds + 1);
      expect(await other.proxy.isAccepted(token)).toBe(false);
      await other.close();
    });

    it('is refused with a genuine token of another app', async () => {
      await its.foreignToken(vendor);
      expect(await flow.outcome()).toBe('server_error');
      vendor.recover();
      expect(await flow.outcome()).toBe('code');
    });

    it('is refused to whom the operator does not let in', async () => {
      let asked: Readonly<Record<string, unknown>> = {};
      let isIn: unknown = false;
      const allowUser = (claims: Readonly<Record<string, unknown>>): boolean => {
        asked = claims;
        return isIn as boolean;
      };
      const other = await startWith({ allowUser });
      expect(await other.outcome()).toBe('access_denied');
      expect(asked['sub']).toBe(its.subject);
      isIn = 'a text that says yes';
      expect(await other.outcome()).toBe('access_denied');
      isIn = true;
      expect(await other.outcome()).toBe('code');
      await other.close();
    });

    it('ends with access_denied when the user cancels', async () => {
      expect(await flow.outcome({ decision: 'cancel' })).toBe('access_denied');
    });

    it('fails for now with a secret that the vendor does not know', async () => {
      const other = await startWith({ clientSecret: 'not-the-secret-of-this-app' });
      expect(await other.outcome()).toBe('temporarily_unavailable');
      expect(other.log.lines.some(({ text }) => text.includes('upstream.failed'))).toBe(true);
      await other.close();
    });

    describe.each(its.needed.map((endpoint) => [endpoint.path, endpoint] as const))(
      'while %s',
      (_path, { path, host, once }) => {
        let used: VendorFlow<V>;

        beforeEach(async () => {
          used = once ? await startWith({ embedClaims: ['name'] }) : flow;
        });

        afterEach(() => (once ? used.close() : undefined));

        it.each(failures)('answers with %s, may be tried again', async (failure) => {
          host(vendor).fail(path, failure);
          expect(await used.outcome()).toBe('temporarily_unavailable');
          vendor.recover();
          expect(await used.outcome()).toBe('code');
        });

        it('does not answer at all, may be tried again', async () => {
          host(vendor).fail(path, 'hang');
          const outcome = await passingTime(
            () => used.outcome(),
            () => host(vendor).requestsTo(path).length > 0,
          );
          expect(outcome).toBe('temporarily_unavailable');
          vendor.recover();
          expect(await used.outcome()).toBe('code');
        });
      },
    );
  });
}

/** Lets time limits pass at once while the condition holds. */
async function passingTime<T>(work: () => Promise<T>, isWaiting: () => boolean): Promise<T> {
  jest.useFakeTimers({
    doNotFake: [
      'Date',
      'hrtime',
      'nextTick',
      'performance',
      'queueMicrotask',
      'setImmediate',
      'clearImmediate',
      'setInterval',
      'clearInterval',
    ],
  });
  try {
    const outcome = work();
    let result: { readonly value: T } | 'pending' = 'pending';
    while (result === 'pending') {
      const turn = new Promise<'pending'>((resolve) => setImmediate(resolve, 'pending'));
      result = await Promise.race([outcome.then((value) => ({ value })), turn]);
      if (isWaiting()) jest.advanceTimersByTime(1000);
    }
    return result.value;
  } finally {
    jest.useRealTimers();
  }
}
