// What a store can do to the app, and what somebody with the store can: NIST SP 800-38D, CWE-1321.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type KeyValueStore, MemoryStore } from '../../lib/index.js';
import { Sealer } from '../../lib/crypto/sealer.js';
import { SecretRing } from '../../lib/crypto/secret-ring.js';
import { RecordStore } from '../../lib/storage/record-collection.js';
import { platforms } from '../support/app.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectInvariants, expectLocalRefusal, expectTokenError } from '../support/outcomes.js';
import { appSecret } from '../support/protected-app.js';
import { jsonOf, type ProxyFlow, startFlow, tokensOf } from '../support/proxy-flow.js';
import { type StoreOperation, StoreSpy } from '../support/store-spy.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('the records on %s', (platform) => {
  const clock = new ManualClock();
  let memory: MemoryStore;
  let flow: ProxyFlow;

  beforeAll(async () => {
    memory = new MemoryStore({ clock });
    flow = await startFlow({ idp, platform, clock, store: new StoreSpy(memory) });
  });

  afterAll(() => flow.close());

  it('count as absent once a single character of them is changed — ST-02', async () => {
    const client = await flow.register();
    const { access_token: token } = await flow.tokensFor(client);
    const [record] = flow.app.store.live().filter(({ key }) => key.startsWith('access-token:'));
    if (!record) throw new Error('no record');
    expect(await flow.isAccepted(token)).toBe(true);
    for (let at = 0; at < record.value.length; at++) {
      // Version, key id, nonce, text and tag: every third character of all of them.
      if (at > 60 && at < record.value.length - 24 && at % 3 !== 0) continue;
      const other = record.value[at] === 'A' ? 'B' : 'A';
      const altered = record.value.slice(0, at) + other + record.value.slice(at + 1);
      await memory.set(record.key, altered, 60);
      const answer = await flow.callMcp(token);
      expect({ at, status: answer.status }).toEqual({ at, status: 401 });
    }
    await memory.set(record.key, record.value, 60);
    expect(await flow.isAccepted(token)).toBe(true);
  });

  it('open under their own key alone — ST-02', async () => {
    const client = await flow.register();
    const tokens = [await flow.tokensFor(client), await flow.tokensFor(client)];
    const records = flow.app.store.live().filter(({ key }) => key.startsWith('access-token:'));
    const [one, two] = records.slice(-2);
    await memory.set(one?.key ?? '', two?.value ?? '', 60);
    expect(await flow.isAccepted(tokens[0]?.access_token ?? '')).toBe(false);
    expect(await flow.isAccepted(tokens[1]?.access_token ?? '')).toBe(true);
  });

  it('are never sealed twice under one nonce — ST-07', () => {
    const sealers = [1, 2].map(() => new Sealer(new SecretRing([appSecret])));
    const nonces = sealers.flatMap((sealer) =>
      Array.from({ length: 20_000 }, () =>
        Buffer.from(sealer.seal('the same text', 'the same place'), 'base64url')
          .subarray(9, 21)
          .toString('hex'),
      ),
    );
    expect(new Set(nonces).size).toBe(40_000);
  });

  it('reach no prototype — ST-08', async () => {
    const register = (member: string) =>
      flow.send('/register', {
        method: 'POST',
        body: `{"redirect_uris":["https://app.test/cb"],${member}}`,
        headers: { 'content-type': 'application/json' },
      });
    expect((await register('"__proto__":{"polluted":true}')).status).toBe(400);
    // Fastify's parser refuses what Express passes on and the registration ignores.
    const odd = await register('"constructor":{"prototype":{"polluted":true}}');
    expect(odd.status).toBe(platform === 'express' ? 201 : 400);
    const registered = await register('"prototype":{"polluted":true}');
    expect(registered.status).toBe(201);
    expect(odd.text + registered.text).not.toContain('polluted');
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    const records = new RecordStore(
      flow.app.store,
      new Sealer(new SecretRing([appSecret])),
      clock,
      flow.issuer,
    );
    const { client_id: id } = jsonOf(registered) as { client_id: string };
    const stored = (await records.collection<object>('client', 1).get(id)) ?? {};
    expect(Object.getPrototypeOf(stored)).toBe(Object.prototype);
    expect(JSON.stringify(stored)).not.toContain('polluted');
  });

  it.each(['../../etc/passwd', "' OR '1'='1", 'a\u0000b', '*', '__proto__', 'x'.repeat(4000)])(
    'are found by whole names alone, whatever they are: %j — ST-10',
    async (name) => {
      const client = await flow.register();
      const held = await flow.codeFor(client);
      expectTokenError(await flow.redeem(held, { code: name }), flow, 'invalid_grant');
      expectTokenError(await flow.refresh(name, client), flow, 'invalid_grant');
      const request = flow.authorizationRequest(client).with({ client_id: name });
      expectLocalRefusal(await flow.authorize(request), flow);
      expect((await flow.redeem(held)).status).toBe(200);
      for (const { key } of flow.app.store.live()) {
        expect(key).toMatch(/^[a-z][a-z-]*:[A-Za-z0-9_-]{43}$/);
      }
    },
  );

  it('never hold more of the upstream than its tokens — ST-19', async () => {
    idp.tamperNext('token', (answer) => ({ ...answer, profile: 'p'.repeat(100_000) }));
    const client = await flow.register();
    const before = flow.app.store.dump().length;
    await flow.tokensFor(client);
    const written = flow.app.store.dump().slice(before);
    expect(written.length).toBeGreaterThan(5);
    expect(Math.max(...written.map(({ value }) => value.length))).toBeLessThan(20_000);
  });
});

describe.each(platforms)('a store that keeps things too long, on %s', (platform) => {
  it('changes no lifetime — ST-12', async () => {
    const clock = new ManualClock();
    const flow = await startFlow({ idp, platform, clock, store: new StoreSpy(new Forever(clock)) });
    const client = await flow.register();
    const late = await flow.codeFor(client);
    clock.advance(121);
    expectTokenError(await flow.redeem(late), flow, 'invalid_grant');
    const tokens = await flow.tokensFor(client);
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    clock.advance(31 * 86_400);
    expect(await flow.isAccepted(tokens.access_token)).toBe(false);
    expectTokenError(await flow.refresh(tokens.refresh_token, client), flow, 'invalid_grant');
    await flow.close();
  });
});

describe.each(platforms)('a store that fails, on %s', (platform) => {
  const operations: readonly StoreOperation[] = ['get', 'set', 'add', 'take', 'delete'];
  let flow: ProxyFlow;

  beforeAll(async () => {
    flow = await startFlow({ idp, platform });
  });

  afterAll(() => flow.close());

  it('at any call of a redemption costs nobody more than the attempt — ST-13', async () => {
    const client = await flow.register();
    let struck = 0;
    for (const operation of operations) {
      for (let nth = 1; ; nth++) {
        const held = await flow.codeFor(client);
        const failure = flow.app.store.failNth(operation, nth);
        const answer = await flow.redeem(held);
        failure.cancel();
        if (!failure.struck) break;
        struck++;
        if (answer.status !== 200) {
          expectInvariants(answer, { issuer: flow.issuer, serverFault: 503 });
          expect({ operation, nth, status: answer.status }).toMatchObject({ status: 503 });
        }
        // The code is good for one more attempt, or it was spent on tokens that work.
        const again = answer.status === 200 ? answer : await flow.redeem(held);
        if (again.status === 200) {
          expect(await flow.isAccepted(tokensOf(again).access_token)).toBe(true);
        } else expectTokenError(again, flow, 'invalid_grant');
      }
    }
    expect(struck).toBeGreaterThan(5);
  });

  it('at any call of a guarded request closes the guard — ST-13', async () => {
    const { access_token: token } = await flow.tokensFor(await flow.register());
    let struck = 0;
    for (let nth = 1; ; nth++) {
      const failure = flow.app.store.failNth('get', nth);
      const answer = await flow.callMcp(token);
      failure.cancel();
      if (!failure.struck) break;
      struck++;
      expect(answer.status).toBe(503);
      expect(answer.headers['retry-after']).toMatch(/^\d+$/);
      expect(String(answer.headers['www-authenticate'])).not.toContain('invalid_token');
      expect(nth).toBeLessThan(20);
    }
    expect(struck).toBeGreaterThanOrEqual(2);
    expect(await flow.isAccepted(token)).toBe(true);
  });
});

describe.each(platforms)('two modules on one store, on %s', (platform) => {
  it('accept nothing of each other — ST-17, AT-35', async () => {
    const store = new StoreSpy(new MemoryStore());
    const one = await startFlow({ idp, platform, store });
    const client = await one.register();
    const tokens = await one.tokensFor(client);
    const held = await one.codeFor(client);
    const two = await startFlow({ idp, platform, store });
    expect(await two.isAccepted(tokens.access_token)).toBe(false);
    expectLocalRefusal(await two.authorize(two.authorizationRequest(client)), two);
    const theirs = await two.register();
    expectTokenError(await two.refresh(tokens.refresh_token, theirs), two, 'invalid_grant');
    const stolen = { ...held, client: { ...client, id: theirs.id } };
    expectTokenError(await two.redeem(stolen), two, 'invalid_grant');
    expect(await one.isAccepted(tokens.access_token)).toBe(true);
    expect((await one.redeem(held)).status).toBe(200);
    await one.close();
    await two.close();
  });
});

describe.each(platforms)('a store that forgets, on %s', (platform) => {
  it('is warned of wherever it is not a developer machine — ST-18', async () => {
    const elsewhere = 'https://as.example';
    const warned = async (store: KeyValueStore, baseUrl?: string): Promise<number> => {
      const at = baseUrl ? { baseUrl, resourceBaseUrl: baseUrl } : {};
      const flow = await startFlow({ idp, platform, module: at, proxy: { storage: store } });
      await flow.close();
      return flow.log.matching('warn', 'server.storage').length;
    };
    expect(await warned(new MemoryStore(), elsewhere)).toBe(1);
    expect(await warned(new MemoryStore())).toBe(0);
    expect(await warned(new StoreSpy(new MemoryStore()), elsewhere)).toBe(0);
  });
});

/** A store that has never heard of expiry. */
class Forever extends MemoryStore {
  constructor(clock: ManualClock) {
    super({ clock });
  }

  override set(key: string, value: string): Promise<void> {
    return super.set(key, value, 1e9);
  }

  override add(key: string, value: string): Promise<boolean> {
    return super.add(key, value, 1e9);
  }
}
