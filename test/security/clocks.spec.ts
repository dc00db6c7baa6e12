// Clocks that disagree, jump, or are somebody else's: RFC 7519 §4.1.4, §4.1.6.
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { JwtVerifier, MemoryStore, MultiAuthService } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { FakeIssuer } from '../support/fake-issuer.js';
import { freePort } from '../support/free-port.js';
import { ManualClock } from '../support/manual-clock.js';
import { startFlow, tokensOf } from '../support/proxy-flow.js';
import { StoreSpy } from '../support/store-spy.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());
afterEach(() => {
  jest.restoreAllMocks();
});

describe.each(platforms)('clocks on %s', (platform) => {
  it('of two instances may differ by half a minute, and no more — CK-01', async () => {
    const here = new ManualClock();
    const there = new ManualClock(here.now());
    const memory = new MemoryStore({ clock: here });
    const store = new StoreSpy(memory);
    const origin = `http://127.0.0.1:${await freePort()}`;
    const start = async (clock: ManualClock) =>
      startFlow({ idp, platform, store, clock, origin, port: Number(new URL(origin).port) });
    const ahead = await start(here);
    const client = await ahead.register();
    const { access_token: token } = await ahead.tokensFor(client);
    await ahead.close();

    const behind = await start(there);
    there.set(here.now() - 30);
    expect(await behind.isAccepted(token)).toBe(true);
    there.set(here.now() - 31);
    expect(await behind.isAccepted(token)).toBe(false);
    there.set(here.now() + 5);
    expect(await behind.isAccepted(token)).toBe(true);
    await behind.close();
  });

  it('that jump a year ahead and back lock nobody out for good — CK-03', async () => {
    const clock = new ManualClock();
    const issuer = await new FakeIssuer().start();
    const flow = await startFlow({
      idp,
      platform,
      clock,
      verifiers: [
        new JwtVerifier({
          issuer: issuer.issuer,
          jwksUri: issuer.jwksUri,
          audience: 'mcp',
        }),
      ],
    });
    const client = await flow.register();
    const tokens = await flow.tokensFor(client);
    const foreign = await issuer.sign({ sub: 's', aud: 'mcp', scope: 'mcp:use' });
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    expect(await flow.isAccepted(foreign)).toBe(true);
    clock.advance(400 * 86_400);
    expect(await flow.isAccepted(tokens.access_token)).toBe(false);
    expect(await flow.isAccepted(foreign)).toBe(false);
    clock.advance(-400 * 86_400);
    expect(await flow.isAccepted(foreign)).toBe(true);
    const again = await flow.register();
    expect(await flow.isAccepted((await flow.tokensFor(again)).access_token)).toBe(true);
    await flow.close();
    await issuer.stop();
  });

  it('that were a year ahead when a user was logged out do not keep the user out — CK-03', async () => {
    const clock = new ManualClock();
    const flow = await startFlow({ idp, platform, clock });
    const service = flow.app.app.get(MultiAuthService, { strict: false });
    clock.advance(400 * 86_400);
    await service.revokeAll({ subject: 'alice' });
    clock.advance(-400 * 86_400);
    await service.revokeAll({ subject: 'alice' });
    clock.advance(1);
    const client = await flow.register();
    const tokens = await flow.tokensFor(client);
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    // And the second one counts as any does.
    await service.revokeAll({ subject: 'alice' });
    expect(await flow.isAccepted(tokens.access_token)).toBe(false);
    await flow.close();
  });

  it('are read at one door: a patched Date changes no verdict — CK-07', async () => {
    const clock = new ManualClock();
    const flow = await startFlow({ idp, platform, clock });
    const client = await flow.register();
    const held = await flow.codeFor(client);
    jest.spyOn(Date, 'now').mockReturnValue(0);
    const tokens = tokensOf(await flow.redeem(held));
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    jest.spyOn(Date, 'now').mockReturnValue(8e15);
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    clock.advance(tokens.expires_in + 1);
    jest.spyOn(Date, 'now').mockReturnValue(0);
    expect(await flow.isAccepted(tokens.access_token)).toBe(false);
    jest.restoreAllMocks();
    await flow.close();
  });
});
