// What an instance must not keep for itself: the other one acts on it at once.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AppPair } from '../support/app-pair.js';
import { Browser } from '../support/browser.js';
import { ProxyFlow, type TestClient, tokensOf } from '../support/proxy-flow.js';
import { type OpenedStore, openFolder } from '../support/shared-stores.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

/** What one address of this machine may do: fifty times what the option says. */
const maxOfOneAddress = 50;
let idp: UpstreamIdp;
let store: OpenedStore;
let pair: AppPair;
let client: TestClient;
let confidential: TestClient;
let offsetSeconds = 0;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
  store = await openFolder();
  const registrations = { max: 1, windowSeconds: 86_400 };
  const rateLimits = { registrations, failedAuthentications: { max: 1, windowSeconds: 86_400 } };
  const proxy = { consent: 'remember', rateLimits } as const;
  pair = await AppPair.start({ idp, store: store.settings, proxy });
  client = await pair.flows[0].register();
  const method = { token_endpoint_auth_method: 'client_secret_post' };
  confidential = await pair.flows[0].register(method);
});

afterAll(async () => {
  await pair.close();
  await idp.stop();
  await store.remove();
});

describe('two processes', () => {
  it('know at once of a consent that the other one remembers', async () => {
    const [one, two] = pair.flows;
    const browser = new Browser();
    const pages = () => browser.history.filter(({ url }) => url.includes('/consent?')).length;
    await one.tokensFor(client, { browser });
    const asked = pages();
    expect(asked).toBeGreaterThan(0);
    await two.tokensFor(client, { browser });
    expect(pages()).toBe(asked);
  });

  it('know at once of a token, a login and a user whom the other one ended', async () => {
    const [one, two] = pair.flows;
    const tokens = await one.tokensFor(client);
    const login = await one.tokensFor(client);
    const others = await one.tokensFor(client, { user: 'bob' });
    const accepted = async (flow: typeof one): Promise<readonly boolean[]> =>
      Promise.all([tokens, login, others].map((set) => flow.isAccepted(set.access_token)));
    // Asked here first, so that whatever is remembered of them is.
    expect(await accepted(two)).toEqual([true, true, true]);
    await one.revoke(tokens.access_token, client);
    expect(await accepted(two)).toEqual([false, true, true]);
    const next = tokensOf(await two.refresh(login.refresh_token, client));
    await one.revoke(next.refresh_token, client);
    expect(await accepted(two)).toEqual([false, false, true]);
    await one.app.revokeAll('bob');
    expect(await accepted(two)).toEqual([false, false, false]);
    expect((await two.refresh(others.refresh_token, client)).status).toBe(400);
  });

  it('count what an address does together', async () => {
    const [one, two] = pair.flows;
    const done = await pair.race(maxOfOneAddress - 2, (flow) => flow.tryRegister());
    expect(done.map(({ status }) => status)).toEqual(done.map(() => 201));
    for (const flow of [one, two]) {
      expect((await flow.tryRegister()).status).toBe(429);
    }
  });

  it('count wrong secrets together', async () => {
    const [one, two] = pair.flows;
    const wrong = { ...confidential, secret: 'a-secret-that-somebody-guessed' };
    const guess = (flow: typeof one) => flow.refresh('no-such-token', wrong);
    const answers = await pair.race(maxOfOneAddress, guess);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 401));
    for (const flow of [one, two]) expect((await guess(flow)).status).toBe(429);
  });

  it.each([
    ['ahead of', 10],
    ['behind', -10],
  ])('serve a user together when the clock of one is %s the other', async (_name, seconds) => {
    const [one, two] = pair.flows;
    const through = new ProxyFlow(one.app, idp);
    // Twice, so that each of them once does what the other one did.
    for (const user of ['alice', 'bob']) {
      offsetSeconds += 100;
      await one.app.setClock(offsetSeconds + seconds);
      await two.app.setClock(offsetSeconds - seconds);
      const tokens = await through.tokensFor(client, { user });
      for (const flow of [one, two]) expect(await flow.isAccepted(tokens.access_token)).toBe(true);
      const next = tokensOf(await two.refresh(tokens.refresh_token, client));
      for (const flow of [one, two]) expect(await flow.isAccepted(next.access_token)).toBe(true);
      await two.app.revokeAll(user);
      for (const flow of [one, two]) expect(await flow.isAccepted(next.access_token)).toBe(false);
      await through.send('/.well-known/oauth-authorization-server');
    }
  });
});
