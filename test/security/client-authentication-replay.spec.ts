// Security matrix CA-15, CA-19, MI-03: a client assertion counts once, on all instances together.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MultiAuthEvents } from '../../lib/index.js';
import { MemoryStore } from '../../lib/storage/memory.store.js';
import { RecordStore } from '../../lib/storage/record-collection.js';
import { Sealer } from '../../lib/crypto/sealer.js';
import { SecretRing } from '../../lib/crypto/secret-ring.js';
import { UsedAssertions } from '../../lib/oauth-proxy/clients/used-assertions.js';
import { platforms } from '../support/app.js';
import { ClientSigner } from '../support/client-signer.js';
import { freePort } from '../support/free-port.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectInvariants, expectStoreUntouched, expectTokenError } from '../support/outcomes.js';
import { appSecret } from '../support/protected-app.js';
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

const client: TestClient = { id: 'signing-client', redirectUri: clientRedirect };
const other: TestClient = { id: 'another-client', redirectUri: clientRedirect };
const attempts = 8;
let idp: UpstreamIdp;
let signer: ClientSigner;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
  signer = await ClientSigner.create();
});

afterAll(() => idp.stop());

describe.each(platforms)('a replayed client assertion on %s', (platform) => {
  const clock = new ManualClock();
  let flow: ProxyFlow;
  let peer: ProxyFlow;
  const replays: { clientId: string }[] = [];

  beforeAll(async () => {
    signer.now = () => clock.now();
    const clients = [client, other].map(({ id, redirectUri }) => ({
      clientId: id,
      redirectUris: [redirectUri],
      jwks: signer.jwks,
    }));
    const proxy = { clients, rateLimits: { failedAuthentications: false } } as const;
    flow = await startFlow({ idp, platform, clock, proxy });
    const { origin, store } = flow.app;
    peer = await startFlow({ idp, platform, clock, proxy, origin, store, port: await freePort() });
    for (const one of [flow, peer]) {
      const events = one.app.app.get(MultiAuthEvents, { strict: false });
      events.on('client_assertion.replayed', (event) => replays.push(event));
    }
  });

  beforeEach(() => {
    replays.length = 0;
  });

  afterAll(async () => {
    await peer.close();
    await flow.close();
  });

  const proofOf = (of: TestClient, claims = {}) =>
    signer.proof(of.id, `${flow.issuer}/token`, claims);

  async function refreshableTokens(of = client): Promise<string> {
    const form = flow.tokenRequest(await flow.codeFor(of)).with(proofOf(of));
    return tokensOf(await flow.token(form)).refresh_token;
  }

  const refused = (answer: Answer): void => expectTokenError(answer, flow, 'invalid_client', 401);

  it('is refused, burns nothing, and the operator hears of it — CA-15', async () => {
    const proof = proofOf(client);
    const first = await flow.codeFor(client);
    const second = await flow.codeFor(client);
    tokensOf(await flow.token(flow.tokenRequest(first).with(proof)));
    await expectStoreUntouched(flow, async () => {
      refused(await flow.token(flow.tokenRequest(second).with(proof)));
      refused(await flow.send('/revoke', { form: { token: 'x', ...proof } }));
    });
    expect(replays).toEqual([{ clientId: client.id }, { clientId: client.id }]);
    // Nest has one logger a process: that of the app that was started last.
    expect(peer.log.matching('warn', 'client_assertion.replayed')).toHaveLength(2);
    tokensOf(await flow.token(flow.tokenRequest(second).with(proofOf(client))));
  });

  it('is refused on the other instance, and where only the endpoint differs — CA-15, MI', async () => {
    const refresh_token = await refreshableTokens();
    const proof = proofOf(client, { aud: flow.issuer });
    const revoked = await peer.send('/revoke', { form: { token: 'x', ...proof } });
    expect(revoked.status).toBe(200);
    const form = flow.refreshRequest(refresh_token, client);
    await expectStoreUntouched(flow, async () => {
      refused(await flow.token(form.with(proof)));
      refused(await peer.token(form.with(proof)));
    });
    tokensOf(await peer.token(form.with(proofOf(client))));
  });

  it('wins once of any number of simultaneous uses on two instances — CA-15, MI-03', async () => {
    const tokens = await Promise.all(Array.from({ length: attempts }, () => refreshableTokens()));
    const proof = proofOf(client);
    const gate = flow.app.store.hold('add', 'used-client-assertion:');
    const uses = Promise.all(
      tokens.map((token, i) =>
        (i % 2 ? flow : peer).token(flow.refreshRequest(token, client).with(proof)),
      ),
    );
    await gate.arrived(attempts);
    gate.release();
    const answers = await uses;
    for (const answer of answers) expectInvariants(answer, { issuer: flow.issuer });
    const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
    expect(statuses).toEqual([200, ...Array<number>(attempts - 1).fill(401)]);
    expect(replays).toHaveLength(attempts - 1);
  });

  it('is not what a failed attempt leaves behind — CA-15', async () => {
    const held = await flow.codeFor(client);
    const form = flow.tokenRequest(held);
    const proof = proofOf(client);
    await expectStoreUntouched(flow, async () => {
      refused(await flow.token(form.with({ ...proof, client_id: other.id })));
      const type = { client_assertion_type: 'x' };
      refused(await flow.token(form.with({ ...proof, ...type })));
      const { client_assertion } = proof;
      const cut = { ...proof, client_assertion: client_assertion.slice(0, -6) };
      refused(await flow.token(form.with(cut)));
      const early = proofOf(client, { jti: 'one-jti', nbf: clock.now() + 60 });
      refused(await flow.token(form.with(early)));
    });
    tokensOf(await flow.token(form.with(proof)));
    const refresh = await refreshableTokens();
    const late = proofOf(client, { jti: 'one-jti' });
    tokensOf(await flow.token(flow.refreshRequest(refresh, client).with(late)));
  });

  it('is not the assertion of another client with the same jti — CA-15', async () => {
    const jti = 'a-jti-of-two-clients';
    for (const one of [client, other]) {
      const form = flow.refreshRequest(await refreshableTokens(one), one);
      tokensOf(await flow.token(form.with(proofOf(one, { jti }))));
    }
    const form = flow.refreshRequest(await refreshableTokens(), client);
    refused(await flow.token(form.with(proofOf(client, { jti, iat: clock.now() - 1 }))));
  });

  it.each([0, 0.9])(
    'is refused as long as it would be accepted: exp + %s — CA-15',
    async (part) => {
      const refresh_token = await refreshableTokens();
      const life = 330;
      const proof = proofOf(client, { exp: clock.now() + life - 1 + part });
      const form = flow.refreshRequest(refresh_token, client);
      const next = tokensOf(await flow.token(form.with(proof)));
      const again = flow.refreshRequest(next.refresh_token, client);
      for (const seconds of [1, life, 28, 1, 1, 1]) {
        clock.advance(seconds);
        refused(await flow.token(again.with(proof)));
      }
      tokensOf(await flow.token(again.with(proofOf(client))));
    },
  );

  it('is known by nothing that the store shows — U5', async () => {
    const jti = 'a-jti-to-look-for-in-the-store';
    const proof = proofOf(client, { jti });
    const form = flow.refreshRequest(await refreshableTokens(), client);
    tokensOf(await flow.token(form.with(proof)));
    for (const secret of [jti, proof.client_assertion]) {
      expect(flow.app.store.contains(secret)).toBe(false);
      expect(peer.log.contains(secret)).toBe(false);
    }
  });

  it('needs the store: without it nobody can tell — CA-15', async () => {
    const form = flow.refreshRequest(await refreshableTokens(), client);
    const proof = proofOf(client);
    flow.app.store.failNext('add', undefined, 'used-client-assertion:');
    const answer = await flow.token(form.with(proof));
    expectInvariants(answer, { issuer: flow.issuer, serverFault: 503 });
    expect(answer.status).toBe(503);
    expect(jsonOf(answer)).toMatchObject({ error: 'temporarily_unavailable' });
    tokensOf(await flow.token(form.with(proof)));
  });
});

describe('a flood of assertions', () => {
  const flood = 100_000;
  const share = 1000;
  const exp = 360;

  function usedAssertions(clock: ManualClock) {
    const store = new MemoryStore({ clock, maxEntries: 5 * share });
    const sealer = new Sealer(new SecretRing([appSecret]));
    const records = new RecordStore(store, sealer, clock, 'test').collection<object>('used', 1);
    return { used: new UsedAssertions({ records, clock, maxPerClient: share }), records };
  }

  it('ends at the share of the client that sends it — CA-19', async () => {
    const clock = new ManualClock();
    const { used } = usedAssertions(clock);
    const uses: Record<string, number> = {};
    for (let i = 0; i < flood; i++) {
      const use = await used.claim('flooder', `jti-${i}`, clock.now() + exp);
      uses[use] = (uses[use] ?? 0) + 1;
    }
    expect(uses).toEqual({ first: share, too_many: flood - share });
    expect(await used.claim('bystander', 'jti-1', clock.now() + exp)).toBe('first');
    expect(await used.claim('bystander', 'jti-1', clock.now() + exp)).toBe('replayed');
    clock.advance(390);
    expect(await used.claim('flooder', 'jti-new', clock.now() + exp)).toBe('first');
  });

  it('is remembered for the instance whose clock is half a minute behind — CA-15, CK-06', async () => {
    const clock = new ManualClock();
    const behind = new ManualClock(clock.now() - 29);
    const { used, records } = usedAssertions(clock);
    const peer = new UsedAssertions({ records, clock: behind, maxPerClient: share });
    const acceptedUntil = clock.now() + exp;
    expect(await used.claim('client', 'a', acceptedUntil)).toBe('first');
    for (const one of [clock, behind]) one.advance(exp + 28);
    expect(acceptedUntil).toBeGreaterThan(behind.now());
    expect(await peer.claim('client', 'a', acceptedUntil)).toBe('replayed');
    expect(await peer.claim('client', 'b', acceptedUntil)).toBe('first');
  });

  it('of one stolen assertion takes nothing of its owner’s share — CA-19', async () => {
    const clock = new ManualClock();
    const { used } = usedAssertions(clock);
    expect(await used.claim('victim', 'stolen', clock.now() + exp)).toBe('first');
    for (let i = 0; i < 2 * share; i++) {
      expect(await used.claim('victim', 'stolen', clock.now() + exp)).toBe('replayed');
    }
    expect(await used.claim('victim', 'fresh', clock.now() + exp)).toBe('first');
  });
});
