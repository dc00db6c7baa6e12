// A store that hangs: no verdict and nothing half done, also by what it does once nobody waits.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type KeyValueStore, MemoryStore, MultiAuthService } from '../../lib/index.js';
import { type Platform, platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectInvariants, expectTokenError } from '../support/outcomes.js';
import {
  type Answer,
  type ProxyFlow,
  startFlow,
  type TestClient,
  tokensOf,
} from '../support/proxy-flow.js';
import { type StoreOperation, StoreSpy } from '../support/store-spy.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const operations: readonly StoreOperation[] = ['get', 'set', 'add', 'take', 'delete'];
/** Nothing else than a held call of a MemoryStore takes as long: its answers wait for no timer. */
const proxy = { storageTimeoutSeconds: 0.03 };
let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

let clock: ManualClock;
let flow: ProxyFlow;
let client: TestClient;

function usingAnApp(platform: Platform): void {
  beforeEach(async () => {
    clock = new ManualClock();
    flow = await startFlow({ idp, platform, clock, proxy });
    client = await flow.register();
  });

  afterEach(() => flow.close());
}

function expectUnavailable(answer: Answer): void {
  expectInvariants(answer, { issuer: flow.issuer, serverFault: 503 });
  expect({ url: answer.url, status: answer.status }).toEqual({ url: answer.url, status: 503 });
  expect(answer.headers['retry-after']).toMatch(/^\d+$/);
}

describe('a store that hangs', () => {
  usingAnApp('express');

  /** Every call that the attempt makes hangs once, until the answer is there; then it happens. */
  const atEachCall = async (
    attempt: () => Promise<Answer>,
    afterwards: (answer: Answer) => Promise<void>,
    prepare: () => Promise<void> = async () => {},
  ): Promise<number> => {
    let struck = 0;
    for (const operation of operations) {
      for (let nth = 1; ; nth++) {
        await prepare();
        const held = flow.app.store.holdNth(operation, nth);
        const answer = await attempt();
        held.release();
        if (!held.struck) break;
        struck++;
        if (answer.status !== 200) expectUnavailable(answer);
        await afterwards(answer);
      }
    }
    return struck;
  };

  it('at any call of a redemption costs nobody more than the attempt — ST-13', async () => {
    let held: Awaited<ReturnType<ProxyFlow['codeFor']>>;
    const struck = await atEachCall(
      () => flow.redeem(held),
      async (answer) => {
        const again = answer.status === 200 ? answer : await flow.redeem(held);
        if (again.status === 200) {
          expect(await flow.isAccepted(tokensOf(again).access_token)).toBe(true);
        } else expectTokenError(again, flow, 'invalid_grant');
      },
      async () => void (held = await flow.codeFor(client)),
    );
    expect(struck).toBeGreaterThan(10);
  });

  it('at any call of a refresh logs nobody out who comes back when told to — ST-13, RT-04', async () => {
    let token: string;
    let first: Answer | undefined;
    const struck = await atEachCall(
      () => flow.refresh(token, client),
      async (answer) => {
        // What was too late has happened by now; the limit and Retry-After are over, and the grace.
        clock.advance(15);
        const again = answer.status === 200 ? answer : await flow.refresh(token, client);
        const { access_token: access, refresh_token: next } = tokensOf(again);
        expect(await flow.isAccepted(access)).toBe(true);
        first = await flow.refresh(next, client);
        expect(await flow.isAccepted(tokensOf(first).access_token)).toBe(true);
      },
      async () => void (token = (await flow.tokensFor(client)).refresh_token),
    );
    expect(struck).toBeGreaterThan(10);
  });

  it('and spent a refresh token unseen makes no second branch, and no thief welcome — RT-05', async () => {
    const { refresh_token: token } = await flow.tokensFor(client);
    const held = flow.app.store.hold('add', 'rotated-refresh-token:');
    expectUnavailable(await flow.refresh(token, client));
    held.release();
    clock.advance(15);
    const owner = await flow.refresh(token, client);
    expect(owner.status).toBe(200);
    // Now somebody was told: from here on it is a replay like any other.
    expectTokenError(await flow.refresh(token, client), flow, 'invalid_grant');
    expect(await flow.isAccepted(tokensOf(owner).access_token)).toBe(false);
  });

  it('and spent a refresh token unseen gives the same answer to all who come back — RT-05', async () => {
    const { refresh_token: token } = await flow.tokensFor(client);
    const held = flow.app.store.hold('add', 'rotated-refresh-token:');
    const attempts = await Promise.all([1, 2, 3].map(() => flow.refresh(token, client)));
    for (const answer of attempts) expectUnavailable(answer);
    held.release();
    clock.advance(10);
    const answers = await Promise.all([1, 2, 3].map(() => flow.refresh(token, client)));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(await flow.isAccepted(tokensOf(answers[0] as Answer).access_token)).toBe(true);
  });

  it('is not waited for longer than a minute and a bit after it spent a refresh token — RT-05', async () => {
    const { access_token: access, refresh_token: token } = await flow.tokensFor(client);
    const held = flow.app.store.hold('add', 'rotated-refresh-token:');
    expectUnavailable(await flow.refresh(token, client));
    held.release();
    clock.advance(71);
    expect(await flow.isAccepted(access)).toBe(true);
    expectTokenError(await flow.refresh(token, client), flow, 'invalid_grant');
    expect(await flow.isAccepted(access)).toBe(false);
  });

  it('right after a code is spent leaves no login at the upstream', async () => {
    const held = await flow.codeFor(client);
    const gate = flow.app.store.hold('get', 'revoked-grant:');
    const revocations = idp.requestsTo('revocation').length;
    expectUnavailable(await flow.redeem(held));
    gate.release();
    await eventually(() => idp.requestsTo('revocation').length > revocations, 'it is ended there');
    expectTokenError(await flow.redeem(held), flow, 'invalid_grant');
    expect(flow.app.store.live().map(({ key }) => key.split(':')[0])).not.toContain('grant');
  });

  it('and brings a revoked grant back late brings nobody back', async () => {
    const tokens = await flow.tokensFor(client);
    clock.advance(86_400);
    const next = tokensOf(await flow.refresh(tokens.refresh_token, client));
    clock.advance(86_400);
    // This refresh begins a new term of the grant; that it is written comes late.
    const held = flow.app.store.hold('set', 'grant:');
    expectUnavailable(await flow.refresh(next.refresh_token, client));
    expect((await flow.revoke(next.refresh_token, client)).status).toBe(200);
    held.release();
    const grants = () => flow.app.store.live().filter(({ key }) => key.startsWith('grant:'));
    await eventually(() => grants().length === 1, 'the grant is written');
    expect(await flow.isAccepted(next.access_token)).toBe(false);
    expectTokenError(await flow.refresh(next.refresh_token, client), flow, 'invalid_grant');
    const service = flow.app.app.get(MultiAuthService, { strict: false });
    expect(await service.grantsOf('alice')).toEqual([]);
  });

  it('at any call of a revocation finishes it at the next attempt — ST-13', async () => {
    let tokens: Awaited<ReturnType<ProxyFlow['tokensFor']>>;
    const struck = await atEachCall(
      () => flow.revoke(tokens.refresh_token, client),
      async () => {
        expect((await flow.revoke(tokens.refresh_token, client)).status).toBe(200);
        expect(await flow.isAccepted(tokens.access_token)).toBe(false);
        expectTokenError(await flow.refresh(tokens.refresh_token, client), flow, 'invalid_grant');
        const left = flow.app.store.live().map(({ key }) => key.split(':')[0]);
        expect(left).not.toContain('grant');
        expect(left).not.toContain('upstream-session');
      },
      async () => void (tokens = await flow.tokensFor(client)),
    );
    expect(struck).toBeGreaterThan(5);
  });
});

describe.each(platforms)('a store that hangs, on %s', (platform) => {
  usingAnApp(platform);

  it('at any call of a guarded request is 503, and 200 when it is over — ST-13', async () => {
    const { access_token: token } = await flow.tokensFor(client);
    let struck = 0;
    for (let nth = 1; ; nth++) {
      // So that the revocation marks are asked for as well.
      clock.advance(1);
      const held = flow.app.store.holdNth('get', nth);
      const answer = await flow.callMcp(token);
      held.release();
      if (!held.struck) break;
      struck++;
      expect(answer.status).toBe(503);
      expect(answer.headers['retry-after']).toMatch(/^\d+$/);
      expect(String(answer.headers['www-authenticate'])).not.toContain('invalid_token');
      expect(await flow.isAccepted(token)).toBe(true);
    }
    expect(struck).toBeGreaterThanOrEqual(3);
    // A verdict that needs no store is one all the same.
    const gate = flow.app.store.hold('get');
    expect((await flow.callMcp(`${token}x`)).status).toBe(401);
    gate.release();
  });

  it('at any call of any step of a login is 503, and the login goes on — ST-13', async () => {
    const request = flow.authorizationRequest(client);
    for (const operation of operations) {
      for (let nth = 1; nth <= 4; nth++) {
        const browser = new Browser();
        const held = flow.app.store.holdNth(operation, nth);
        const begun = await flow.authorize(request);
        held.release();
        if (held.struck) expectUnavailable(begun);
        const page = await flow.consentPage(request, browser);
        expect(page.status).toBe(200);
        const heldPage = flow.app.store.holdNth(operation, nth);
        const shown = await flow.send(page.url, {
          headers: {
            cookie:
              browser.cookies.header(new URL(page.url), { method: 'GET', crossSite: false }) ?? '',
          },
        });
        heldPage.release();
        if (heldPage.struck) expectUnavailable(shown);
        expect((await browser.approve(page, flow.atIdp)).url).toContain(idp.issuer);
      }
    }
    const registering = flow.app.store.hold('set', 'client:');
    expectUnavailable(await flow.tryRegister());
    registering.release();
    expect((await flow.tryRegister()).status).toBe(201);
  });

  it('is no reason not to start, or not to stop', async () => {
    class Stuck extends MemoryStore {
      override async close(): Promise<void> {
        await new Promise(() => {});
      }
    }
    const store: KeyValueStore = new Stuck({ clock });
    const spy = new StoreSpy(store);
    const held = spy.hold('add', 'configuration:');
    const other = await startFlow({ idp, platform, clock, store: spy, proxy });
    held.release();
    expect((await other.tryRegister()).status).toBe(201);
    await other.close();
    expect(other.log.matching('error', 'did not answer within 0.03 seconds (close)')).toHaveLength(
      1,
    );
  });
});

describe('the limit of a store', () => {
  it.each([0, 61, Number.NaN, '5' as unknown as number])(
    'cannot be %p',
    async (storageTimeoutSeconds) => {
      await expect(startFlow({ idp, proxy: { storageTimeoutSeconds } })).rejects.toThrow(
        'server.storageTimeoutSeconds: must be more than 0 and at most 60',
      );
    },
  );
});
