// What a store loses, by eviction or by hand, must refuse somebody and let nobody in.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MultiAuthService } from '../../lib/index.js';
import { Browser } from '../support/browser.js';
import { ClientSigner } from '../support/client-signer.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectInvariants } from '../support/outcomes.js';
import {
  type Answer,
  clientRedirect,
  jsonOf,
  type ProxyFlow,
  startFlow,
  type TestClient,
  tokensOf,
} from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;
let clock: ManualClock;
let flow: ProxyFlow;
let client: TestClient;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

beforeEach(async () => {
  clock = new ManualClock();
  flow = await startFlow({ idp, clock, proxy: { consent: 'remember' } });
  client = await flow.register();
});

afterEach(() => flow.close());

type Evict = () => Promise<void>;

const collections = (): readonly string[] => [
  ...new Set(flow.app.store.live().map(({ key }) => key.split(':')[0] ?? '')),
];

const evict = async (collection: string): Promise<void> => {
  for (const { key } of flow.app.store.live()) {
    if (key.startsWith(`${collection}:`)) await flow.app.store.delete(key);
  }
};

const hasCode = ({ headers }: Answer): boolean =>
  new URL(String(headers['location'] ?? 'x:'), flow.issuer).searchParams.has('code');

/** Yes or a refusal, and never a fault of ours. */
const succeeds = (answer: Answer): boolean => {
  expectInvariants(answer, { issuer: flow.issuer });
  return answer.status === 200;
};

/** Points of a login, and what must hold from there on whatever is gone. */
const points: Record<string, (gone: Evict) => Promise<void>> = {
  'the consent page is shown': async (gone) => {
    const browser = new Browser();
    const request = flow.authorizationRequest(client);
    const page = await flow.consentPage(request, browser);
    await gone();
    const visit = await browser.approve(page, flow.atIdp);
    if (!visit.stopped) expect(visit.status).toBe(400);
    // However often it is clicked, there is one login for this browser.
    await browser.approve(page, flow.atIdp);
    const stranger = await new Browser().approve(page, flow.atIdp);
    expect(stranger.stopped).toBe(false);
    expect([400, 403]).toContain(stranger.status);
  },

  'the upstream has answered': async (gone) => {
    const browser = new Browser();
    const { url } = await flow.upstreamAnswer(flow.authorizationRequest(client), { browser });
    await gone();
    const before = flow.upstreamGrants('authorization_code');
    expect(hasCode(await flow.send(url))).toBe(false);
    const cookie = browser.cookies.header(new URL(url), { method: 'GET', crossSite: true }) ?? '';
    const answers = [1, 2, 3].map(() => flow.send(url, { headers: { cookie } }));
    const codes = (await Promise.all(answers)).filter(hasCode);
    expect(codes.length).toBeLessThanOrEqual(1);
    expect(flow.upstreamGrants('authorization_code') - before).toBe(codes.length);
  },

  'the client has the code': async (gone) => {
    const held = await flow.codeFor(client);
    await gone();
    const verifier = flow.authorizationRequest(client).verifier;
    expect(succeeds(await flow.redeem(held, { code_verifier: verifier }))).toBe(false);
    const outcomes = [];
    for (let i = 0; i < 3; i++) outcomes.push(succeeds(await flow.redeem(held)));
    expect(outcomes.slice(1)).toEqual([false, false]);
  },

  'the code is redeemed': async (gone) => {
    const held = await flow.codeFor(client);
    const tokens = tokensOf(await flow.redeem(held));
    await gone();
    expect(succeeds(await flow.redeem(held))).toBe(false);
    await flow.isAccepted(tokens.access_token);
    const first = await flow.refresh(tokens.refresh_token, client);
    const again = await flow.refresh(tokens.refresh_token, client);
    // A second answer is the first one.
    if (succeeds(first) && succeeds(again)) expect(again.text).toBe(first.text);
  },

  'the refresh token is spent': async (gone) => {
    const first = await flow.tokensFor(client);
    const answer = await flow.refresh(first.refresh_token, client);
    await gone();
    const again = await flow.refresh(first.refresh_token, client);
    if (succeeds(again)) expect(again.text).toBe(answer.text);
    clock.advance(11);
    expect(succeeds(await flow.refresh(first.refresh_token, client))).toBe(false);
  },

  'the grant is revoked': async (gone) => {
    const first = await flow.tokensFor(client);
    const second = tokensOf(await flow.refresh(first.refresh_token, client));
    expect((await flow.revoke(second.refresh_token, client)).status).toBe(200);
    await gone();
    for (const { access_token: access, refresh_token: refresh } of [first, second]) {
      expect(await flow.isAccepted(access)).toBe(false);
      expect(succeeds(await flow.refresh(refresh, client))).toBe(false);
    }
  },

  'all of the subject is revoked': async (gone) => {
    const tokens = await flow.tokensFor(client);
    const held = await flow.codeFor(client);
    const service = flow.app.app.get(MultiAuthService, { strict: false });
    await service.revokeAll({ subject: 'alice' });
    await gone();
    expect(await flow.isAccepted(tokens.access_token)).toBe(false);
    expect(succeeds(await flow.refresh(tokens.refresh_token, client))).toBe(false);
    // The login that nobody had listed yet is what the mark alone keeps out.
    const mark = flow.app.store.live().some(({ key }) => key.startsWith('revocation-mark:'));
    if (mark) expect(succeeds(await flow.redeem(held))).toBe(false);
  },
};

describe('when records are gone', () => {
  const met = new Set<string>();

  it.each(Object.entries(points))('while %s, nobody gets in who should not', async (_name, go) => {
    let there: readonly string[] = [];
    await go(async () => {
      there = collections();
    });
    expect(there.length).toBeGreaterThan(2);
    for (const collection of there) {
      met.add(collection);
      await flow.close();
      flow = await startFlow({ idp, clock, proxy: { consent: 'remember' } });
      client = await flow.register();
      await go(() => evict(collection));
    }
  });

  it('and these are the records', () => {
    expect([...met].toSorted()).toEqual([
      'access-token',
      'client',
      'code',
      'configuration',
      'consent',
      'decision',
      'grant',
      'grant-slot',
      'latest-revocation-mark',
      'login',
      'redeemed-code',
      'refresh-answer',
      'refresh-token',
      'remembered-clients',
      'revocation-mark',
      'revoked-grant',
      'rotated-refresh-token',
      'transaction',
      'upstream-session',
    ]);
  });
});

describe('when a record that says no is gone', () => {
  it('what it alone kept out is let in: a revocation of a client', async () => {
    const { access_token: token } = await flow.tokensFor(client);
    await flow.app.app.get(MultiAuthService, { strict: false }).revokeAll({ clientId: client.id });
    clock.advance(1);
    expect(await flow.isAccepted(token)).toBe(false);
    await evict('revocation-mark');
    await evict('latest-revocation-mark');
    clock.advance(61);
    expect(await flow.isAccepted(token)).toBe(true);
  });

  it('a replayed code is refused, and the tokens stay', async () => {
    const held = await flow.codeFor(client);
    const { access_token: token } = tokensOf(await flow.redeem(held));
    await evict('redeemed-code');
    expect((await flow.redeem(held)).status).toBe(400);
    expect(await flow.isAccepted(token)).toBe(true);
  });

  it('a replayed refresh token is refused, and the tokens stay', async () => {
    const first = await flow.tokensFor(client);
    const { access_token: token } = tokensOf(await flow.refresh(first.refresh_token, client));
    await evict('rotated-refresh-token');
    clock.advance(11);
    expect((await flow.refresh(first.refresh_token, client)).status).toBe(400);
    expect(await flow.isAccepted(token)).toBe(true);
  });

  it('an assertion counts again', async () => {
    const signer = await ClientSigner.create();
    signer.now = () => clock.now();
    const id = 'signing-client';
    const clients = [{ clientId: id, redirectUris: [clientRedirect], jwks: signer.jwks }];
    const signing = await startFlow({ idp, clock, proxy: { clients } });
    const proof = signer.proof(id, signing.issuer);
    const ask = () =>
      signing.send('/token', {
        form: {
          grant_type: 'refresh_token',
          refresh_token: 'unknown',
          ...proof,
        },
      });
    const errorOf = async (): Promise<unknown> => (jsonOf(await ask()) as { error: unknown }).error;
    expect(await errorOf()).toBe('invalid_grant');
    expect(await errorOf()).toBe('invalid_client');
    for (const { key } of signing.app.store.live()) {
      if (key.startsWith('used-client-assertion:')) await signing.app.store.delete(key);
    }
    expect(await errorOf()).toBe('invalid_grant');
    await signing.close();
  });
});
