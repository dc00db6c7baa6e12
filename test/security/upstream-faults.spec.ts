// Each call of the upstream that a whole flow makes goes wrong once, in every way.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Platform } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { FaultyFetch, type UpstreamFault } from '../support/faulty-fetch.js';
import { type Attempt, endure, type Endured, Journey } from '../support/journey.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectInvariants, expectTokenError } from '../support/outcomes.js';
import { type ProxyFlow, startFlow } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start({ accessTokenFormat: 'opaque' });
});

afterEach(() => ['alice', 'bob'].forEach((user) => idp.endLogins(user)));

afterAll(() => idp.stop());

interface Particulars {
  /** What it costs a login beside a callback. */
  readonly restarts?: readonly string[];
  /** What leaves tokens at the upstream that nobody here knows of. */
  readonly leaves?: string;
}

/** What no answer of ours may repeat. */
const secret = 'words-of-the-upstream';
const unharmed = { struck: undefined, end: (): void => {} };
const json = 'application/json';
const html = 'text/html';

function answers(body: string | Buffer<ArrayBuffer>, type = json, status = 200): UpstreamFault {
  const headers = { 'content-type': type, location: 'https://elsewhere.test/' };
  return { kind: 'answers', answer: () => new Response(body, { status, headers }) };
}

const revoked: Particulars = { leaves: 'revocation: /token/revocation' };
const refresh = 'refresh: /token';

const faults: [name: string, fault: UpstreamFault, its?: Particulars][] = [
  ['cannot be reached', { kind: 'refused' }],
  // What it spent and what it gave instead is known to nobody now.
  [
    'is cut off once it did it',
    { kind: 'loses the answer' },
    { restarts: [refresh], leaves: refresh },
  ],
  ['fails', answers(`{"error":"server_error","error_description":"${secret}"}`, json, 500)],
  ['is being repaired', answers(`<h1>${secret}</h1>`, html, 503)],
  ['is asked too often', answers('{"error":"slow_down"}', json, 429)],
  ['has forgotten the app', answers('{"error":"invalid_client"}', json, 401)],
  [
    'says that it is over',
    answers('{"error":"invalid_grant"}', json, 400),
    { restarts: [refresh], leaves: refresh },
  ],
  ['sends the request elsewhere', answers('', json, 302)],
  ['answers without an end', answers(`{"padding":"${'x'.repeat(2 * 1024 * 1024)}"}`)],
  ['answers a page', answers(`<!doctype html><h1>${secret}</h1>`, html), revoked],
  ['answers nothing', answers(''), revoked],
  ['answers a list', answers('[]'), revoked],
  ['answers an empty object', answers('{}'), revoked],
  ['answers null', answers('null'), revoked],
  ['answers half of it', answers('{"access_token":"abc","token_ty'), revoked],
  ['answers what is no text', answers(Buffer.from([0xff, 0xfe, 0x00, 0xd8])), revoked],
  [
    'answers under another type',
    answers(`access_token=${secret}&token_type=bearer`, 'text/plain'),
    revoked,
  ],
];

class Rig {
  static async start(its: UpstreamIdp, platform: Platform): Promise<Rig> {
    const clock = new ManualClock();
    const wire = new FaultyFetch();
    const proxy = { upstreamRecheckSeconds: 60, lifetimes: { accessToken: 3600 } };
    const upstream = { fetch: wire.fetch };
    return new Rig(await startFlow({ idp: its, platform, clock, upstream, proxy }), clock, wire);
  }

  private constructor(
    readonly flow: ProxyFlow,
    readonly clock: ManualClock,
    readonly wire: FaultyFetch,
  ) {}

  journey(user?: string): Journey {
    return new Journey(this.flow, this.clock, user);
  }

  /** A fault at the nth call of each step, or of the one that is named. */
  async endure(
    journey: Journey,
    nth: number,
    fault: UpstreamFault,
    only?: string,
  ): Promise<Endured> {
    return endure(journey, {
      arm: ({ name }) =>
        only === undefined || name === only ? this.wire.arm(nth, fault) : unharmed,
      judge: (attempt, what) => this.#judge(journey, attempt, what),
    });
  }

  /** One revocation ended all that the client was ever told, and nothing of it is left here. */
  async expectLoggedOut({ told, client }: Journey): Promise<void> {
    for (const { access_token: access, refresh_token: refresh } of told) {
      expect(await this.flow.isAccepted(access)).toBe(false);
      expectTokenError(await this.flow.refresh(refresh, client), this.flow, 'invalid_grant');
    }
    const left = this.flow.app.store
      .live()
      .filter(({ key }) => /^(grant|upstream-session):/.test(key));
    expect(left).toEqual([]);
  }

  #judge(journey: Journey, { answer, worked }: Attempt, what: string): void {
    const { issuer } = this.flow;
    const { state } = journey.request;
    if (answer.url === this.flow.app.url) expect([200, 401]).toContain(answer.status);
    else if (answer.status === 502) expectInvariants(answer, { issuer, state, serverFault: 502 });
    else expectInvariants(answer, { issuer, state, serverFault: 503 });
    const said = `${answer.text} ${String(answer.headers['location'])}`;
    if (!worked)
      expect({ what, said }).toEqual({ what, said: expect.not.stringContaining(secret) });
  }
}

/** What fails, and how. */
const outcomes = (rounds: readonly Endured[]) => ({
  struck: rounds.flatMap(({ struck }) => struck),
  restarts: rounds.flatMap(({ restarts }) => restarts),
});

const discovery = 'consent: /.well-known/openid-configuration';
const flowCalls = [
  discovery,
  'callback: /token',
  'callback: /jwks',
  'refresh: /token',
  'later request: /me',
  'revocation: /token/revocation',
];
/** The code of the upstream is spent, or may be. */
const spent = ['callback: /token', 'callback: /jwks'];

describe.each(faults)('an upstream that %s', (name, fault, its = {}) => {
  const platform: Platform =
    faults.findIndex(([n]) => n === name) % 2 === 0 ? 'express' : 'fastify';

  it('at any call of a whole flow costs an attempt, and the next one works — CB-14, RT-11', async () => {
    const rounds: Endured[] = [];
    for (let nth = 1; nth === 1 || rounds.at(-1)?.struck.length !== 0; nth++) {
      const rig = await Rig.start(idp, platform);
      const journey = rig.journey();
      const round = await rig.endure(journey, nth, fault);
      rounds.push(round);
      await rig.expectLoggedOut(journey);
      // Whoever says yes to a revocation has revoked; and who lost a refresh token, nobody finds.
      if (its.leaves && round.struck.includes(its.leaves)) idp.endLogins('alice');
      await eventually(() => idp.liveRefreshTokens === 0, 'nothing is left at the upstream');
      await rig.flow.close();
    }
    const { struck, restarts } = outcomes(rounds);
    expect(new Set(struck)).toEqual(new Set(flowCalls));
    expect(restarts.toSorted()).toEqual([...spent, ...(its.restarts ?? [])].toSorted());
  }, 60_000);
});

describe('an upstream that answers what it answered somebody else', () => {
  // Their identity is that of the first login for ever: nobody becomes another user.
  it.each(['callback', 'refresh', 'later request'])(
    'at the %s makes nobody another user — CB-16, CB-18',
    async (step) => {
      const rig = await Rig.start(idp, 'express');
      await endure(rig.journey('bob'), { arm: () => unharmed, judge: () => {} });
      const journey = rig.journey();
      const { struck, restarts } = await rig.endure(journey, 1, { kind: 'replays' }, step);
      expect(struck).toHaveLength(1);
      expect(restarts).toEqual(struck);
      for (const { access_token: token } of journey.told) {
        const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
        expect(JSON.parse(claims)).toMatchObject({ sub: 'alice', name: 'Alice Archer' });
      }
      await rig.expectLoggedOut(journey);
      await rig.flow.close();
    },
  );
});

describe('an upstream that hangs', () => {
  it('at any call of a whole flow is given up in time, and the next attempt works — CB-14, VC-27', async () => {
    // Each waits ten seconds, so they wait together: everyone has an upstream, and one call that hangs.
    const hung = await Promise.all(
      flowCalls.map(async (call) => {
        const own = await UpstreamIdp.start({ accessTokenFormat: 'opaque' });
        const rig = await Rig.start(own, 'fastify');
        const journey = rig.journey();
        const nth = call === 'callback: /jwks' ? 2 : 1;
        const { struck, restarts } = await rig.endure(
          journey,
          nth,
          { kind: 'hangs' },
          call.split(':')[0],
        );
        await rig.expectLoggedOut(journey);
        // A revocation that hung is made again, behind the client's back.
        while (own.liveRefreshTokens > 0) await new Promise((next) => setTimeout(next, 100));
        await rig.flow.close();
        await own.stop();
        return { struck, restarts };
      }),
    );
    expect(hung.map(({ struck }) => struck)).toEqual(flowCalls.map((call) => [call]));
    expect(hung.flatMap(({ restarts }) => restarts)).toEqual(spent);
  }, 90_000);
});
