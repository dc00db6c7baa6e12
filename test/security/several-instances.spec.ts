// Several instances of an app behind a balancer, on one store.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MemoryStore } from '../../lib/index.js';
import { Sealer } from '../../lib/crypto/sealer.js';
import { SecretRing } from '../../lib/crypto/secret-ring.js';
import { RecordStore } from '../../lib/storage/record-collection.js';
import { platforms } from '../support/app.js';
import { Balancer } from '../support/balancer.js';
import { Browser } from '../support/browser.js';
import { freePort } from '../support/free-port.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectLocalRefusal, expectTokenError } from '../support/outcomes.js';
import { appSecret } from '../support/protected-app.js';
import { type ProxyFlow, startFlow, tokensOf } from '../support/proxy-flow.js';
import { StoreSpy } from '../support/store-spy.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('two instances behind a balancer on %s', (platform) => {
  const clock = new ManualClock();
  let flows: readonly [ProxyFlow, ProxyFlow];
  let balancer: Balancer;

  beforeAll(async () => {
    const store = new StoreSpy(new MemoryStore({ clock }));
    const port = await freePort();
    const ports = [await freePort(), await freePort()];
    const origin = `http://127.0.0.1:${port}`;
    const start = (own: number | undefined) =>
      startFlow({ idp, platform, store, clock, origin, port: own ?? 0 });
    flows = [await start(ports[0]), await start(ports[1])];
    balancer = await Balancer.start(port, ports);
  });

  afterAll(async () => {
    await balancer.stop();
    for (const flow of flows) await flow.close();
  });

  it('share every step of a login — MI-01, CB-22', async () => {
    const [one, two] = flows;
    const client = await one.register();
    // Each of the browser's requests meets another instance than the one before.
    const held = await two.codeFor(client);
    const ports = balancer.served.map(({ port }) => port);
    expect(ports.every((port, i) => i === 0 || port !== ports[i - 1])).toBe(true);
    expect(ports.length).toBeGreaterThanOrEqual(4);
    const tokens = tokensOf(await one.redeem(held));
    expect(await two.isAccepted(tokens.access_token)).toBe(true);
    const next = tokensOf(await two.refresh(tokens.refresh_token, client));
    expect(await one.isAccepted(next.access_token)).toBe(true);
    expect((await one.revoke(next.refresh_token, client)).status).toBe(200);
    expect(await two.isAccepted(next.access_token)).toBe(false);
  });

  it('let a code be redeemed at one of them, once — MI-03', async () => {
    const client = await flows[0].register();
    const held = await flows[0].codeFor(client);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => (flows[i % 2] ?? flows[0]).redeem(held)),
    );
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    for (const lost of answers.filter(({ status }) => status !== 200)) {
      expectTokenError(lost, flows[0], 'invalid_grant');
    }
  });

  it('let a callback be finished at one of them, once — MI-03', async () => {
    const client = await flows[0].register();
    const browser = new Browser();
    const request = flows[0].authorizationRequest(client);
    const answer = await flows[0].upstreamAnswer(request, { browser });
    const cookie = browser.cookies.header(new URL(flows[0].issuer), {
      method: 'GET',
      crossSite: true,
    });
    const before = flows[0].upstreamGrants('authorization_code');
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        (flows[i % 2] ?? flows[0]).send(answer.url, { headers: { cookie: cookie ?? '' } }),
      ),
    );
    expect(answers.filter((a) => String(a.headers['location']).includes('code='))).toHaveLength(1);
    expect(flows[0].upstreamGrants('authorization_code')).toBe(before + 1);
    for (const late of answers.filter(({ status }) => status === 400)) {
      expectLocalRefusal(late, flows[0]);
    }
  });

  it('with other secrets accept nothing of each other — MI-06', async () => {
    const [one] = flows;
    const { store } = one.app;
    const client = await one.register();
    const { access_token: token } = await one.tokensFor(client);
    const stranger = await startFlow({
      idp,
      platform,
      store,
      clock,
      origin: one.app.origin,
      port: await freePort(),
      proxy: { secrets: ['another-secret-of-another-instance-9Xw4'] },
    });
    expect(await stranger.isAccepted(token)).toBe(false);
    expectLocalRefusal(await stranger.authorize(one.authorizationRequest(client)), stranger);
    await stranger.close();
    expect(await one.isAccepted(token)).toBe(true);
  });
});

describe.each(platforms)('instances with other options on %s', (platform) => {
  it('say so when they start — MI-06', async () => {
    const store = new StoreSpy(new MemoryStore());
    const origin = `http://127.0.0.1:${await freePort()}`;
    const start = async (proxy: object) =>
      startFlow({ idp, platform, store, origin, port: await freePort(), proxy });
    const warnings = ({ log }: ProxyFlow) => log.matching('warn', 'instance that started last');
    const one = await start({ validScopes: ['notes:read'] });
    expect(warnings(one)).toEqual([]);
    const same = await start({ validScopes: ['notes:read'] });
    expect(warnings(same)).toEqual([]);
    const other = await start({ validScopes: ['notes:read', 'notes:write'] });
    expect(warnings(other)).toHaveLength(1);
    const secrets = ['another-secret-of-another-instance-9Xw4'];
    const stranger = await start({ validScopes: ['notes:read', 'notes:write'], secrets });
    expect(warnings(stranger)).toMatchObject([
      { text: expect.stringContaining('"option":"server.secrets"') },
    ]);
    // A store that is down keeps nobody from starting.
    store.failNext('add');
    const blind = await start({ validScopes: [] });
    expect(warnings(blind)).toEqual([]);
    for (const flow of [one, same, other, stranger, blind]) await flow.close();
  });
});

describe('an instance that would make up its own keys', () => {
  it('does not boot anywhere but on a developer machine — MI-02', async () => {
    const started = startFlow({
      idp,
      origin: 'https://as.example',
      proxy: { secrets: undefined },
      module: { baseUrl: 'https://as.example', resourceBaseUrl: 'https://as.example' },
    });
    await expect(started).rejects.toThrow('server.secrets: is missing');
  });

  it('shares them with the others of that machine — MI-02', async () => {
    const clock = new ManualClock();
    const store = new StoreSpy(new MemoryStore({ clock }));
    const origin = `http://127.0.0.1:${await freePort()}`;
    const start = async () =>
      startFlow({
        idp,
        store,
        clock,
        origin,
        port: await freePort(),
        proxy: { secrets: undefined },
      });
    const [one, two] = [await start(), await start()];
    const client = await one.register();
    expect((await two.authorize(two.authorizationRequest(client))).status).toBe(302);
    await one.close();
    await two.close();
  });
});

describe.each(platforms)('records of other versions on %s', (platform) => {
  it('are absent when they are newer, and nothing breaks — MI-04', async () => {
    const clock = new ManualClock();
    const store = new StoreSpy(new MemoryStore({ clock }));
    const flow = await startFlow({ idp, platform, store, clock });
    const client = await flow.register();
    const tokens = await flow.tokensFor(client);
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    const newer = new RecordStore(
      store,
      new Sealer(new SecretRing([appSecret])),
      clock,
      flow.issuer,
    ).collection<{ grantId: string; clientId: string; somethingNew: boolean }>(
      'refresh-token',
      1_000,
    );
    await newer.set(
      tokens.refresh_token,
      { grantId: 'g', clientId: client.id, somethingNew: true },
      60,
    );
    expectTokenError(await flow.refresh(tokens.refresh_token, client), flow, 'invalid_grant');
    // The app goes on, and so does its user.
    expect(await flow.isAccepted((await flow.tokensFor(client)).access_token)).toBe(true);
    await flow.close();
  });
});

describe.each(platforms)('a store that forgot the last second on %s', (platform) => {
  it('lets one of two holders of a session go on, never both — MI-07, ST-16', async () => {
    const clock = new ManualClock();
    const memory = new MemoryStore({ clock });
    const store = new StoreSpy(memory);
    const flow = await startFlow({ idp, platform, store, clock });
    const client = await flow.register();
    const held = await flow.codeFor(client);
    const first = tokensOf(await flow.redeem(held));
    const backup = store.live();
    const second = tokensOf(await flow.refresh(first.refresh_token, client));

    // What was written since is lost; what was removed since is back.
    for (const { key } of store.live()) await memory.delete(key);
    for (const { key, value, ttlSeconds } of backup) await memory.set(key, value, ttlSeconds);

    // The successor never was; the session goes on with what the backup knows.
    expectTokenError(await flow.refresh(second.refresh_token, client), flow, 'invalid_grant');
    expect(await flow.isAccepted(second.access_token)).toBe(false);
    const again = tokensOf(await flow.refresh(first.refresh_token, client));
    expect(await flow.isAccepted(again.access_token)).toBe(true);
    // A code that was redeemed stays redeemed, and a late backup has nothing of it.
    expect((await flow.redeem(held)).status).toBe(400);
    await flow.close();
  });

  it('has nothing left of codes and logins after their minutes — ST-16', async () => {
    const clock = new ManualClock();
    const memory = new MemoryStore({ clock });
    const store = new StoreSpy(memory);
    const flow = await startFlow({ idp, platform, store, clock });
    const client = await flow.register();
    const held = await flow.codeFor(client);
    const backup = store.live().filter(({ key }) => key.startsWith('code:'));
    expect(backup).toHaveLength(1);
    clock.advance(121);
    // Restored with a new time to live: the record itself knows when it ended.
    for (const { key, value } of backup) await memory.set(key, value, 1000);
    expectTokenError(await flow.redeem(held), flow, 'invalid_grant');
    await flow.close();
  });
});
