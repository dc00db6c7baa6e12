// RFC 7591 §3.2.1: a registration ends when nobody uses it, not before.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../../lib/index.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectTokenError } from '../support/outcomes.js';
import { type ProxyFlow, startFlow, tokensOf } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const hour = 3600;
const day = 24 * hour;
let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe('a client that expires after a day without use', () => {
  const lifetimes = { unusedClient: day, refreshTokenIdle: day };
  let clock: ManualClock;
  let flow: ProxyFlow;

  beforeAll(async () => {
    clock = new ManualClock();
    flow = await startFlow({ idp, clock, proxy: { lifetimes } });
  });

  afterAll(() => flow.close());

  it.each([
    ['nearly a day', Array<number>(5).fill(23 * hour)],
    ['half a day', Array<number>(9).fill(12 * hour)],
    ['a few hours, then nearly a day', [11 * hour, 23 * hour, 11 * hour, 23 * hour]],
    ['minutes, then nearly a day', [60, 60, 60, day - 1, 60, day - 1]],
  ])('lives on in use every %s', async (_name, pauses) => {
    const client = await flow.register();
    let tokens = await flow.tokensFor(client);
    for (const pause of pauses) {
      clock.advance(pause);
      tokens = tokensOf(await flow.refresh(tokens.refresh_token, client));
    }
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    expect((await flow.authorize(flow.authorizationRequest(client))).status).toBe(302);
  });

  it('is forgotten when it is not used', async () => {
    const client = await flow.register();
    const tokens = await flow.tokensFor(client);
    // Uses are written down at most every half of the time, so it may last so much longer.
    clock.advance(1.5 * day + 1);
    const refused = await flow.refresh(tokens.refresh_token, client);
    expectTokenError(refused, flow, 'invalid_client', 401);
    expect((await flow.authorize(flow.authorizationRequest(client))).status).toBe(400);
  });
});

describe('lifetimes that contradict each other', () => {
  it('do not boot', async () => {
    const lifetimes = { unusedClient: day };
    const error = await startFlow({ idp, proxy: { lifetimes } }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toContain('lifetimes.unusedClient');
  });

  it('are the defaults where they are undefined, and those boot', async () => {
    const lifetimes = { transaction: undefined, unusedClient: undefined } as never;
    const flow = await startFlow({ idp, proxy: { lifetimes } });
    try {
      const { access_token } = await flow.tokensFor(await flow.register());
      expect(await flow.isAccepted(access_token)).toBe(true);
    } finally {
      await flow.close();
    }
  });
});
