// RFC 6749 §5.1: how long a token of ours lives, whatever the upstream says of its own.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import { ManualClock } from '../support/manual-clock.js';
import { type ProxyFlow, startFlow, type TestClient, type Tokens } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const aDay = 86_400;
/** What the upstream says, and how long ours lives: without an option, and with one of 600 s. */
const answers: [string, unknown, number, number][] = [
  ['an hour', 3600, 3600, 600],
  ['an hour as a text', '3600', 3600, 600],
  ['a time between seconds', 299.9, 299, 600],
  ['the end of time', 1e12, aDay, 600],
  ['more than a number can be', '1e400', 3600, 600],
  ['nothing', undefined, 3600, 600],
  ['null', null, 3600, 600],
  ['no time at all', 0, 3600, 600],
  ['the past', -1, 3600, 600],
  ['the past as a text', '-3600', 3600, 600],
  ['nonsense', 'soon', 3600, 600],
  ['a list', [300], 3600, 600],
];
let refreshing: UpstreamIdp;
let alone: UpstreamIdp;

beforeAll(async () => {
  refreshing = await UpstreamIdp.start();
  alone = await UpstreamIdp.start({ refreshTokens: false });
});

afterAll(() => Promise.all([refreshing.stop(), alone.stop()]));

describe.each(platforms)('an access token on %s', (platform) => {
  let clock: ManualClock;
  let flow: ProxyFlow;
  let client: TestClient;

  async function start(idp: UpstreamIdp, accessToken?: number): Promise<void> {
    clock = new ManualClock();
    flow = await startFlow({
      idp,
      platform,
      clock,
      proxy: { lifetimes: { accessToken } },
    });
    client = await flow.register();
  }

  afterEach(() => flow.close());

  async function tokensAfter(expires_in: unknown): Promise<Tokens> {
    flow.idp.tamperNext('token', (body) => ({ ...body, expires_in }));
    return flow.tokensFor(client);
  }

  async function expectLife(tokens: Tokens, seconds: number): Promise<void> {
    expect(tokens.expires_in).toBe(seconds);
    const { iat, exp } = claimsOf(tokens.access_token);
    expect(exp - iat).toBe(seconds);
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    clock.advance(seconds - 1);
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    clock.advance(1);
    expect(await flow.isAccepted(tokens.access_token)).toBe(false);
  }

  describe('of the upstream’s choice', () => {
    beforeEach(() => start(refreshing));

    it.each(answers)('lives for a sane time when it says %s — CK-04', async (_n, said, seconds) => {
      await expectLife(await tokensAfter(said), seconds);
    });

    it('also after a refresh — CK-04', async () => {
      const first = await tokensAfter(300);
      clock.advance(301);
      refreshing.tamperNext('token', (body) => ({ ...body, expires_in: 1e12 }));
      const answer = await flow.refresh(first.refresh_token, client);
      await expectLife(JSON.parse(answer.text) as Tokens, aDay);
    });
  });

  describe('of ten minutes', () => {
    beforeEach(() => start(refreshing, 600));

    it.each(answers)('lives for those when it says %s — CK-04', async (_n, said, _s, seconds) => {
      await expectLife(await tokensAfter(said), seconds);
    });
  });

  describe('of ten minutes where nothing can be refreshed', () => {
    beforeEach(() => start(alone, 600));

    it.each([
      [300, 300],
      ['300', 300],
      [3600, 600],
      [1e12, 600],
      [undefined, 600],
      [-1, 600],
      [1, 1],
    ])('does not outlive an upstream token of %j — CK-04', async (said, seconds) => {
      await expectLife(await tokensAfter(said), seconds);
    });
  });
});

function claimsOf(token: string): { iat: number; exp: number } {
  const [, payload = ''] = token.split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as { iat: number; exp: number };
}
