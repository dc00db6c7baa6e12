// Versions side by side on one store. The recorded store is what an earlier version wrote; record it
// anew, after a change that makes the old one unreadable and that the changelog tells under Storage:
//   RECORD_STORE=1 npm test -- test/security/rolling-deploy.spec.ts
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
import { MemoryStore, MultiAuthService } from '../../lib/index.js';
import { RecordStore } from '../../lib/storage/record-collection.js';
import { Browser } from '../support/browser.js';
import { ClientSigner } from '../support/client-signer.js';
import { freePort } from '../support/free-port.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectInvariants, expectLocalRefusal, expectTokenError } from '../support/outcomes.js';
import {
  clientRedirect,
  jsonOf,
  type ProxyFlow,
  startFlow,
  type TestClient,
  tokensOf,
} from '../support/proxy-flow.js';
import {
  locationOf,
  recordedOptions,
  type RecordedStore,
  recordStore,
} from '../support/recorded-store.js';
import { StoreSpy } from '../support/store-spy.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const file = join(import.meta.dirname, 'fixtures/recorded-store.json');
let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
  if (process.env['RECORD_STORE'] !== '1') return;
  writeFileSync(file, `${JSON.stringify(await recordStore(idp), null, 2)}\n`);
});

afterAll(() => idp.stop());

describe('the present version on a store that an earlier one wrote', () => {
  let recorded: RecordedStore;
  let clock: ManualClock;
  let flow: ProxyFlow;
  let client: TestClient;

  beforeEach(async () => {
    recorded = JSON.parse(readFileSync(file, 'utf8')) as RecordedStore;
    clock = new ManualClock(recorded.at + 5);
    const store = new MemoryStore({ clock });
    for (const { key, value, ttlSeconds } of recorded.entries) {
      await store.set(key, value, ttlSeconds);
    }
    const { origin, signing } = recorded;
    const proxy = recordedOptions(signing);
    flow = await startFlow({ idp, clock, store, origin, port: await freePort(), proxy });
    client = { id: recorded.clientId, redirectUri: clientRedirect };
  });

  afterEach(() => flow.close());

  const redeem = ({ code, verifier }: RecordedStore['code']) =>
    flow.token(
      flow.tokenRequest({
        code,
        client,
        request: { verifier } as ReturnType<ProxyFlow['authorizationRequest']>,
        callback: new URL(clientRedirect),
        browser: new Browser(),
      }),
    );

  it('finds records of nearly every kind', () => {
    const kinds = new Set(recorded.entries.map(({ key }) => key.split(':')[0]));
    expect(kinds.size).toBeGreaterThanOrEqual(18);
  });

  it('accepts the access token and refreshes the login — MI-04', async () => {
    const { tokens } = recorded;
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    const next = tokensOf(await flow.refresh(tokens.refresh_token, client));
    expect(await flow.isAccepted(next.access_token)).toBe(true);
    const service = flow.app.app.get(MultiAuthService, { strict: false });
    const listed = await service.grantsOf('alice');
    expect(listed.filter(({ clientId }) => clientId === client.id)).toHaveLength(2);
    expect((await flow.revoke(next.refresh_token, client)).status).toBe(200);
    expect(await flow.isAccepted(next.access_token)).toBe(false);
  });

  it('redeems the code, once, and knows the one that was redeemed — MI-04', async () => {
    expect(await flow.isAccepted(tokensOf(await redeem(recorded.code)).access_token)).toBe(true);
    expectTokenError(await redeem(recorded.code), flow, 'invalid_grant');
    expect(await flow.isAccepted(recorded.tokens.access_token)).toBe(true);
    expectTokenError(await redeem(recorded.redeemed), flow, 'invalid_grant');
    expect(await flow.isAccepted(recorded.tokens.access_token)).toBe(false);
  });

  it('answers a spent refresh token the same in time, and ends its family after — MI-04', async () => {
    const { refreshToken, answer } = recorded.spent;
    expect(jsonOf(await flow.refresh(refreshToken, client))).toEqual(answer);
    expect(await flow.isAccepted(answer.access_token)).toBe(true);
    clock.advance(6);
    expectTokenError(await flow.refresh(refreshToken, client), flow, 'invalid_grant');
    expect(await flow.isAccepted(answer.access_token)).toBe(false);
  });

  it('refuses what was revoked, and an assertion that was used — MI-04', async () => {
    const { revoked, marked, signing } = recorded;
    const other = { ...client, id: marked.clientId };
    for (const [tokens, of] of [
      [revoked, client],
      [marked.tokens, other],
    ] as const) {
      expect(await flow.isAccepted(tokens.access_token)).toBe(false);
      expectTokenError(await flow.refresh(tokens.refresh_token, of), flow, 'invalid_grant');
    }
    const form = { grant_type: 'refresh_token', refresh_token: 'unknown', ...signing.proof };
    const answer = await flow.send('/token', { form });
    expectTokenError(answer, flow, 'invalid_client', 401);
    expect(flow.log.matching('warn', 'client_assertion.replayed')).toHaveLength(1);
  });

  it('goes on with the logins on their way — MI-04', async () => {
    const { waiting, gone, remembering } = recorded;
    const page = await flow.send(waiting.url, { headers: { cookie: waiting.cookie } });
    expect(page.status).toBe(200);
    const hidden = (name: string): string =>
      new RegExp(`name="${name}" value="([^"]+)"`).exec(page.text)?.[1] ?? '';
    const decided = await flow.send('/consent', {
      form: { txn: hidden('txn'), csrf: hidden('csrf'), action: 'approve' },
      headers: { cookie: waiting.cookie, origin: flow.app.origin },
    });
    expect(locationOf(decided).origin).toBe(new URL(idp.issuer).origin);
    const answered = { error: 'access_denied', state: gone.state, iss: idp.issuer };
    const callback = `/auth/callback?${String(new URLSearchParams(answered))}`;
    const stranger = await flow.send(callback);
    expectLocalRefusal(stranger, flow, 403);
    const back = await flow.send(callback, { headers: { cookie: gone.cookie } });
    expect(locationOf(back).searchParams.get('error')).toBe('access_denied');
    const headers = { cookie: remembering.cookie, 'sec-fetch-site': 'none' };
    const unasked = await flow.send(remembering.url, { headers });
    expect(locationOf(unasked).origin).toBe(new URL(idp.issuer).origin);
  });
});

describe('two versions on one store', () => {
  const clock = new ManualClock();
  let signer: ClientSigner;
  let older: ProxyFlow;
  let newer: ProxyFlow;

  beforeAll(async () => {
    signer = await ClientSigner.create();
    signer.now = () => clock.now();
    const proxy = recordedOptions({ clientId: 'signing-client', jwks: signer.jwks });
    const store = new StoreSpy(new MemoryStore({ clock }));
    older = await startFlow({ idp, clock, store, proxy });
    const original = Reflect.get(RecordStore.prototype, 'collection');
    // Every record of the other app is of a later version than ours.
    const later = jest.spyOn(RecordStore.prototype, 'collection').mockImplementation(function (
      this: RecordStore,
      name,
      version,
    ) {
      return original.call(this, name, version + 1) as never;
    });
    const { origin } = older.app;
    newer = await startFlow({ idp, clock, store, proxy, origin, port: await freePort() });
    later.mockRestore();
  });

  afterAll(async () => {
    await newer.app.app.close();
    await older.close();
  });

  it('refuse what is of the other, which goes on unharmed — MI-04', async () => {
    const client = await older.register();
    expectTokenError(await newer.refresh('unknown', client), newer, 'invalid_client', 401);
    expectLocalRefusal(await newer.authorize(newer.authorizationRequest(client)), newer);
    const tokens = await older.tokensFor(client);
    expect(await newer.isAccepted(tokens.access_token)).toBe(false);
    expect(await older.isAccepted(tokens.access_token)).toBe(true);
    const next = tokensOf(await older.refresh(tokens.refresh_token, client));
    expect(await older.isAccepted(next.access_token)).toBe(true);
    const theirs = await newer.register();
    expectTokenError(await older.refresh('unknown', theirs), older, 'invalid_client', 401);
    expectTokenError(await newer.refresh('unknown', theirs), newer, 'invalid_grant');
  });

  it('share no use of what is for one use: codes, refresh tokens, assertions — MI-04', async () => {
    const signing: TestClient = { id: 'signing-client', redirectUri: clientRedirect };
    const proof = () => signer.proof(signing.id, older.issuer);
    const held = await older.codeFor(signing);
    const form = older.tokenRequest(held);
    // Whoever cannot read the code leaves it where it is.
    expectTokenError(await newer.token(form.with(proof())), newer, 'invalid_grant');
    const used = proof();
    const tokens = tokensOf(await older.token(form.with(used)));
    expectTokenError(await newer.token(form.with(proof())), newer, 'invalid_grant');
    expect(await older.isAccepted(tokens.access_token)).toBe(true);

    // What was used there is used here, whether it can be read or not.
    expectTokenError(await newer.token(form.with(used)), newer, 'invalid_client', 401);
    const refresh = older.refreshRequest(tokens.refresh_token, signing);
    const early = proof();
    expectTokenError(await newer.token(refresh.with(early)), newer, 'invalid_grant');
    expectTokenError(await older.token(refresh.with(early)), older, 'invalid_client', 401);
    const next = tokensOf(await older.token(refresh.with(proof())));
    expectTokenError(await newer.token(refresh.with(proof())), newer, 'invalid_grant');
    expect(await older.isAccepted(next.access_token)).toBe(true);
  });

  it('do not finish the logins of each other — MI-04', async () => {
    const client = await older.register();
    const browser = new Browser();
    const request = older.authorizationRequest(client);
    const page = await older.consentPage(request, browser);
    const cookie = browser.cookies.header(new URL(page.url), { method: 'GET', crossSite: false });
    const seen = await newer.send(page.url, { headers: { cookie: cookie ?? '' } });
    expectLocalRefusal(seen, newer);
    const { url } = await older.upstreamAnswer(request, { browser });
    const at = { method: 'GET', crossSite: true };
    const headers = { cookie: browser.cookies.header(new URL(url), at) ?? '' };
    expectLocalRefusal(await newer.send(url, { headers }), newer);
    const answer = await older.send(url, { headers });
    expectInvariants(answer, { issuer: older.issuer, state: request.state });
    expect(locationOf(answer).searchParams.has('code')).toBe(true);
  });

  it('both revoke, list and are healthy — MI-04', async () => {
    const client = await older.register();
    const tokens = await older.tokensFor(client);
    const service = newer.app.app.get(MultiAuthService, { strict: false });
    expect(await service.grantsOf('alice')).toEqual([]);
    expect((await service.health()).status).toBe('up');
    await service.revokeAll({ subject: 'alice' });
    // A mark of a later version is one that this version does not see: see record-collections.ts.
    expect(await older.isAccepted(tokens.access_token)).toBe(true);
    const { access_token: access } = tokens;
    const sid = (
      JSON.parse(Buffer.from(access.split('.')[1] ?? '', 'base64url').toString()) as { sid: string }
    ).sid;
    await service.revokeGrant(sid);
    expect(await older.isAccepted(access)).toBe(false);
  });
});
