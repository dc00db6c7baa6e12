// Users log in at an upstream, or in the app: the same subject is somebody else there.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MemoryStore, MultiAuthService } from '../../lib/index.js';
import { Browser } from '../support/browser.js';
import { freePort } from '../support/free-port.js';
import { LocalFlow } from '../support/local-flow.js';
import { type ProxyFlow, startFlow, type TestClient, type Tokens } from '../support/proxy-flow.js';
import { StoreSpy } from '../support/store-spy.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

type Flow = ProxyFlow | LocalFlow;

/** At the origin of an app that is there already, if one is named. */
interface Place {
  readonly store: StoreSpy;
  readonly origin?: string;
  readonly port?: number;
}

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

const starts = {
  OAuthProxy: (place: Place): Promise<Flow> => startFlow({ idp, ...place }),
  LocalAuthProvider: (place: Place): Promise<Flow> => LocalFlow.start(place),
};

describe.each([
  ['OAuthProxy', 'LocalAuthProvider'],
  ['LocalAuthProvider', 'OAuthProxy'],
] as const)('with the issuer, store and secrets of an %s, an', (first, second) => {
  let one: Flow;
  let two: Flow;
  let twin: Flow;
  let client: TestClient;
  let tokens: Tokens;

  beforeAll(async () => {
    const store = new StoreSpy(new MemoryStore());
    one = await starts[first]({ store });
    client = await one.register();
    const browser = new Browser();
    if (one instanceof LocalFlow) one.logInAtApp(browser, 'alice');
    tokens = await one.tokensFor(client, { browser });
    const { origin } = one.app;
    twin = await starts[first]({ store, origin, port: await freePort() });
    two = await starts[second]({ store, origin, port: await freePort() });
  });

  afterAll(async () => {
    for (const flow of [two, twin, one]) await flow.close();
  });

  it(`${second} takes none of its tokens, and ends nothing of its users`, async () => {
    expect(two.issuer).toBe(one.issuer);
    expect(await twin.isAccepted(tokens.access_token)).toBe(true);
    expect(await two.isAccepted(tokens.access_token)).toBe(false);
    expect((await two.refresh(tokens.refresh_token, client)).status).toBe(401);
    const service = two.app.app.get(MultiAuthService, { strict: false });
    expect(await service.grantsOf('alice')).toEqual([]);
    await service.revokeAll({ subject: 'alice' });
    expect((await twin.refresh(tokens.refresh_token, client)).status).toBe(200);
  });

  it(`${second} says so when it starts`, () => {
    const warnings = ({ log }: Pick<Flow, 'log'>) =>
      log.matching('warn', 'instance that started last');
    expect(warnings(twin)).toEqual([]);
    expect(warnings(two)).toHaveLength(1);
  });
});
