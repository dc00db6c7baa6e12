// Each call of the store that a whole flow makes goes wrong once, in every way a call can go wrong.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { MemoryStore } from '../../lib/index.js';
import type { Platform } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { FaultyStore, type StoreFault } from '../support/faulty-store.js';
import { type Attempt, endure, type Endured, Journey } from '../support/journey.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectInvariants, expectTokenError } from '../support/outcomes.js';
import { type ProxyFlow, startFlow } from '../support/proxy-flow.js';
import { StoreSpy } from '../support/store-spy.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start({ accessTokenFormat: 'opaque' });
});

afterEach(() => idp.endLogins('alice'));

afterAll(() => idp.stop());

interface Trial {
  /** Looks at the first answer to a step that a fault struck. */
  judge(journey: Journey, attempt: Attempt, what: string): void;
  recover(): unknown;
  /** When all is over, the revocation too. */
  afterwards(journey: Journey, struck: readonly string[]): Promise<void>;
}

class Rig {
  static async start(platform: Platform): Promise<Rig> {
    const clock = new ManualClock();
    const truth = new StoreSpy(new MemoryStore({ clock }));
    const faults = new FaultyStore(truth);
    const proxy = {
      // Nothing else than a call that hangs takes as long: a MemoryStore waits for no timer.
      storageTimeoutSeconds: 0.03,
      consent: 'remember' as const,
      upstreamRecheckSeconds: 60,
    };
    const flow = await startFlow({ idp, platform, clock, store: new StoreSpy(faults), proxy });
    return new Rig(flow, clock, faults, truth);
  }

  private constructor(
    readonly flow: ProxyFlow,
    readonly clock: ManualClock,
    readonly faults: FaultyStore,
    /** What is really stored. */
    readonly truth: StoreSpy,
  ) {}

  /** How many calls of the store there are when nothing goes wrong. */
  async callsOfAJourney(): Promise<number> {
    const before = this.flow.app.store.total();
    const none = { struck: undefined, end: () => {} };
    await endure(this.#journey(), { arm: () => none, judge: () => {} });
    return this.flow.app.store.total() - before;
  }

  /** A journey for the first call of each step, one for the second, and so on. */
  async endureEach(fault: StoreFault, ordeal: Trial): Promise<Endured> {
    const all: Endured = { struck: [], restarts: [] };
    for (let nth = 1; ; nth++) {
      const journey = this.#journey();
      const { struck, restarts } = await endure(journey, {
        arm: () => this.faults.arm(nth, fault),
        judge: (attempt, what) => ordeal.judge(journey, attempt, what),
        recover: ordeal.recover,
      });
      if (struck.length === 0) return all;
      all.struck.push(...struck);
      all.restarts.push(...restarts);
      await ordeal.afterwards(journey, struck);
    }
  }

  /** One revocation ended all that the client was ever told: there was no second login beside it. */
  async expectLoggedOut(journey: Journey): Promise<void> {
    const { told, client } = journey;
    for (const { access_token: access, refresh_token: refresh } of told) {
      expect(await this.flow.isAccepted(access)).toBe(false);
      expectTokenError(await this.flow.refresh(refresh, client), this.flow, 'invalid_grant');
    }
  }

  /**
   * What is left of logins. A place in the list of somebody's grants is not: the next one takes it. Nor
   * is a lock, which runs out, or the step to a session that is gone: nobody finds it.
   */
  async sweep(): Promise<readonly string[]> {
    const ofLogins = /^(grant|upstream-session):/;
    const left = this.truth.live().map(({ key }) => key);
    // The next journey finds the store as this one did, and asks it for the same.
    for (const key of left) await this.truth.delete(key);
    return left.filter((key) => ofLogins.test(key));
  }

  #journey(): Journey {
    return new Journey(this.flow, this.clock);
  }

  /** No verdict, in the form that fits the step; never a fault of ours. */
  expectUnavailable(journey: Journey, { answer }: Attempt, what: string): void {
    const { issuer } = this.flow;
    const { state } = journey.request;
    const error = new URL(String(answer.headers['location'] ?? 'x:'), issuer).searchParams.get(
      'error',
    );
    const outcome = error === null ? answer.status : error;
    expect({
      what,
      outcome: [503, 'temporarily_unavailable'].includes(outcome) || outcome,
    }).toEqual({ what, outcome: true });
    if (answer.url !== this.flow.app.url) {
      expectInvariants(answer, { issuer, state, serverFault: 503 });
    }
    if (answer.status === 503) expect(answer.headers['retry-after']).toMatch(/^\d+$/);
    expect(String(answer.headers['www-authenticate'])).not.toContain('invalid_token');
  }
}

/** Logins that only a new one can replace: a spent callback or code, whose answer nobody got. */
const spent = [
  'callback: get consent',
  'callback: set consent',
  'callback: get remembered-clients',
  'callback: set remembered-clients',
  'callback: set code',
  'redemption: get grant',
  'redemption: get revoked-grant',
  'redemption: get revocation-mark',
];
const spentUnseen = [...spent, 'callback: take login', 'redemption: take code'];

interface Mode {
  readonly fault: StoreFault;
  readonly platform: Platform;
  /** What may cost the user another login. */
  readonly restarts: readonly string[];
  /** What leaves tokens at the upstream that nobody has. */
  readonly leaves?: readonly string[];
}

const modes: readonly Mode[] = [
  { fault: 'fails', platform: 'express', restarts: spent },
  { fault: 'hangs', platform: 'fastify', restarts: spent },
  // Nobody can tell this code from one that another request has redeemed.
  {
    fault: 'loses the answer',
    platform: 'express',
    restarts: spentUnseen,
    leaves: ['redemption: take code'],
  },
  {
    fault: 'hangs and then does it',
    platform: 'fastify',
    restarts: spentUnseen,
    leaves: ['redemption: take code'],
  },
];

describe.each(modes)(
  'a store that $fault, on $platform',
  ({ fault, platform, restarts, leaves = [] }) => {
    const isLate = fault === 'hangs and then does it';

    it('at any call of a whole flow is 503, and good again at the next attempt — ST-13', async () => {
      const rig = await Rig.start(platform);
      const calls = await rig.callsOfAJourney();
      const endured = await rig.endureEach(fault, {
        judge: (journey, attempt, what) => {
          if (!attempt.worked) rig.expectUnavailable(journey, attempt, what);
          // So that nothing else hides behind it.
          if (leaves.includes(what)) idp.endLogins('alice');
          // The browser cannot go on; it is the client that has to know.
          if (spent.includes(what) && what.startsWith('callback:')) {
            expect({ what, status: attempt.answer.status }).toEqual({ what, status: 302 });
          }
        },
        // What hung was done by now; a lock that nobody holds has run out.
        recover: () => isLate && rig.clock.advance(45),
        afterwards: async (journey, struck) => {
          await rig.expectLoggedOut(journey);
          const left = await rig.sweep();
          if (!isLate) expect({ struck, left }).toEqual({ struck, left: [] });
          const nothingLeft = (): boolean => idp.liveRefreshTokens === 0;
          await eventually(nothingLeft, `nothing is left at the upstream after ${struck.join()}`);
        },
      });
      expect(endured.struck.length).toBeGreaterThanOrEqual(calls);
      expect(new Set(endured.restarts)).toEqual(new Set(restarts));
      await rig.flow.close();
    }, 120_000);
  },
);

describe.each<[StoreFault, Platform]>([
  ['answers garbage', 'fastify'],
  ['answers with another record', 'express'],
])('a store that %s, on %s', (fault, platform) => {
  it('at any call of a whole flow has not what it was asked for — ST-02, ST-13', async () => {
    const rig = await Rig.start(platform);
    const calls = await rig.callsOfAJourney();
    const endured = await rig.endureEach(fault, {
      judge: (journey, { answer }) => {
        if (answer.url === rig.flow.app.url) expect([200, 401, 503]).toContain(answer.status);
        else {
          const { state } = journey.request;
          expectInvariants(answer, { issuer: rig.flow.issuer, state, serverFault: 503 });
        }
      },
      recover: () => {},
      // A revocation of a token that the store does not know ends nothing (RFC 7009 §2.2).
      afterwards: async (journey) => {
        if ((await journey.call()).worked)
          await rig.flow.revoke(journey.tokens.refresh_token, journey.client);
        await rig.expectLoggedOut(journey);
        await rig.sweep();
      },
    });
    expect(endured.struck.length).toBeGreaterThanOrEqual(calls);
    await rig.flow.close();
  }, 120_000);
});
