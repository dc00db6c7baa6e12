// The one instance that refreshes at the upstream is killed, or sleeps until others took over.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AppPair } from '../support/app-pair.js';
import { expectTokenError } from '../support/outcomes.js';
import {
  type Answer,
  jsonOf,
  type TestClient,
  type Tokens,
  tokensOf,
} from '../support/proxy-flow.js';
import { type OpenedStore, openFolder } from '../support/shared-stores.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

/** Longer than the upstream's tokens live, and ours with them. */
const tokenSeconds = 301;
/** Longer than a lock is held. */
const lockSeconds = 41;

describe.each([
  ['rotates its refresh tokens', true],
  ['keeps its refresh tokens', false],
])('before an upstream that %s', (_name, rotates) => {
  let idp: UpstreamIdp;
  let store: OpenedStore;
  let pair: AppPair;
  let client: TestClient;
  let offsetSeconds = 0;

  beforeAll(async () => {
    idp = await UpstreamIdp.start({ accessTokenTtlSeconds: 300, rotateRefreshTokens: rotates });
    store = await openFolder();
    pair = await AppPair.start({ idp, store: store.settings });
    client = await pair.flows[0].register();
  });

  afterAll(async () => {
    await pair.close();
    await idp.stop();
    await store.remove();
  });

  async function advance(seconds: number, apps = pair.flows.map(({ app }) => app)): Promise<void> {
    offsetSeconds += seconds;
    for (const app of apps) await app.setClock(offsetSeconds);
  }

  /** Tokens of a user, due for a refresh at the upstream. */
  async function expiredTokens(): Promise<Tokens> {
    const tokens = await pair.flows[1].tokensFor(client);
    await advance(tokenSeconds);
    return tokens;
  }

  /** Answers of the upstream's token endpoint to refreshes. */
  const refreshed = (): number =>
    idp
      .requestsTo('token')
      .filter(({ form, status }) => form?.['grant_type'] === 'refresh_token' && status === 200)
      .length;

  /** Does something between the moment the upstream has refreshed and the one it says so. */
  const beforeNextAnswer = (action: () => unknown): Promise<unknown> =>
    new Promise((resolve) => {
      idp.tamperNext('token', (body) => {
        resolve(action());
        return body;
      });
    });

  /** Which token of the upstream's an app uses for the user. */
  async function upstreamToken(flow: AppPair['flows'][number], tokens: Tokens): Promise<unknown> {
    const authorization = `Bearer ${tokens.access_token}`;
    return jsonOf(await flow.send('/mcp/upstream', { headers: { authorization } }));
  }

  async function expectGoesOn(answer: Answer): Promise<void> {
    const tokens = tokensOf(answer);
    for (const flow of pair.flows) expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    const next = tokensOf(await pair.flows[0].refresh(tokens.refresh_token, client));
    expect(await pair.flows[1].isAccepted(next.access_token)).toBe(true);
  }

  /** Whatever became of a login, the next one works. */
  async function expectOver(answer: Answer, tokens: Tokens): Promise<void> {
    expectTokenError(answer, pair.flows[0], 'invalid_grant');
    for (const flow of pair.flows) {
      expect((await flow.refresh(tokens.refresh_token, client)).status).toBe(400);
    }
    const again = await pair.flows[0].tokensFor(client);
    expect(await pair.flows[1].isAccepted(again.access_token)).toBe(true);
  }

  it('a holder that is killed before the upstream acted costs nothing', async () => {
    const [one, two] = pair.flows;
    const tokens = await expiredTokens();
    const before = refreshed();
    const gate = idp.hold('token');
    idp.failNext('token', 'disconnect');
    const lost = one.refresh(tokens.refresh_token, client).catch(() => 'no answer');
    await gate.arrived(1);
    await one.app.kill();
    gate.release();
    expect(await lost).toBe('no answer');
    // Nobody knows yet that the holder is dead: its lock stands until it runs out.
    await advance(lockSeconds, [two.app]);
    await one.app.setClock(offsetSeconds);
    const answer = await two.refresh(tokens.refresh_token, client);
    await one.app.restart();
    expect(refreshed()).toBe(before + 1);
    await expectGoesOn(answer);
  });

  it('a holder that is killed before it heard the answer costs at most the login', async () => {
    const [one, two] = pair.flows;
    const tokens = await expiredTokens();
    const killed = beforeNextAnswer(() => one.app.kill());
    const lost = one.refresh(tokens.refresh_token, client).catch(() => 'no answer');
    await killed;
    expect(await lost).toBe('no answer');
    await advance(lockSeconds, [two.app]);
    await one.app.setClock(offsetSeconds);
    const answer = await two.refresh(tokens.refresh_token, client);
    await one.app.restart();
    // Only the dead instance was told the new refresh token. Used again, the old one is a theft to
    // the upstream, and nothing that this server could have stored would change that.
    if (rotates) await expectOver(answer, tokens);
    else await expectGoesOn(answer);
  });

  it('a holder that slept until another took over overwrites nothing', async () => {
    const [one, two] = pair.flows;
    const tokens = await expiredTokens();
    const before = refreshed();
    const asleep = beforeNextAnswer(() => one.app.stop());
    const late = one.refresh(tokens.refresh_token, client);
    await asleep;
    await advance(lockSeconds, [two.app]);
    const answer = await two.refresh(tokens.refresh_token, client);
    if (rotates) {
      one.app.continue();
      // What the sleeper brings belongs to a login that is over by now.
      expectTokenError(await late, one, 'invalid_grant');
      await one.app.setClock(offsetSeconds);
      return expectOver(answer, tokens);
    }
    const inForce = await upstreamToken(two, tokensOf(answer));
    one.app.continue();
    // The same refresh token stands for the same answer, whoever gives it.
    expect((await late).text).toBe(answer.text);
    await one.app.setClock(offsetSeconds);
    for (const flow of pair.flows) {
      expect(await upstreamToken(flow, tokensOf(answer))).toEqual(inForce);
    }
    expect(refreshed()).toBe(before + 2);
    await expectGoesOn(answer);
  });
});
