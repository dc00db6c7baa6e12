// Security matrix ST-05, ST-16, MD-12, AC-11, LG-05: keys that are replaced while the app runs.
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { JWK } from 'jose';
import { MemoryStore, MultiAuthService } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectTokenError } from '../support/outcomes.js';
import {
  jsonOf,
  type ProxyFlow,
  startFlow,
  type TestClient,
  type Tokens,
  tokensOf,
} from '../support/proxy-flow.js';
import { StoreSpy } from '../support/store-spy.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const [k1, k2, k3] = [
  'the-first-secret-of-the-app-under-test-8Tz4',
  'the-second-secret-of-the-app-under-test-3Vb9',
  'the-third-secret-of-the-app-under-test-1Rm6',
] as const;
let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

const kidOf = ({ access_token }: Pick<Tokens, 'access_token'>): string => {
  const [header = ''] = access_token.split('.');
  return (JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string }).kid;
};

/** The first bytes of a sealed record: its version, and the key it is sealed with. */
const sealOf = (value: string): string => value.slice(0, 12);

describe.each(platforms)('the secrets on %s', (platform) => {
  let clock: ManualClock;
  let flow: ProxyFlow;
  let client: TestClient;
  /** What the app's vault answers. */
  let vault: () => readonly string[] | Promise<readonly string[]>;
  const give = (...secrets: readonly string[]): void => {
    vault = () => secrets;
  };
  const service = (of: ProxyFlow = flow): MultiAuthService =>
    of.app.app.get(MultiAuthService, { strict: false });

  beforeEach(async () => {
    give(k1);
    clock = new ManualClock();
    flow = await startFlow({ idp, platform, clock, proxy: { secrets: () => vault() } });
    client = await flow.register();
  });

  afterEach(() => flow.close());

  const rotate = async (...secrets: readonly string[]): Promise<void> => {
    give(...secrets);
    await service().reloadKeys();
  };

  it('are replaced without a restart, and nobody notices — ST-05', async () => {
    const before = await flow.tokensFor(client);
    const held = await flow.codeFor(client);
    await rotate(k1, k2);
    expect(await flow.isAccepted(before.access_token)).toBe(true);
    await rotate(k2, k1);
    // What was made with the old one is still good,
    expect(await flow.isAccepted(before.access_token)).toBe(true);
    const redeemed = tokensOf(await flow.redeem(held));
    const after = tokensOf(await flow.refresh(before.refresh_token, client));
    // and the new one signs and seals from the first moment.
    expect(kidOf(before)).not.toBe(kidOf(redeemed));
    expect(kidOf(after)).toBe(kidOf(redeemed));
    const [first, last] = [flow.app.store.dump().at(0), flow.app.store.dump().at(-1)];
    expect(sealOf(first?.value ?? '')).not.toBe(sealOf(last?.value ?? ''));
    for (const tokens of [redeemed, after]) {
      expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    }
  });

  it('that were removed open and verify nothing any more — ST-05', async () => {
    const before = await flow.tokensFor(client);
    await rotate(k2, k1);
    const after = tokensOf(await flow.refresh(before.refresh_token, client));
    await rotate(k2);
    expect(await flow.isAccepted(before.access_token)).toBe(false);
    // Also its grant and its client were sealed with the old one: a clean new start, no error.
    expect(await flow.isAccepted(after.access_token)).toBe(false);
    const answer = await flow.refresh(after.refresh_token, client);
    expectTokenError(answer, flow, 'invalid_client', 401);
    const again = await flow.register();
    expect(await flow.isAccepted((await flow.tokensFor(again)).access_token)).toBe(true);
  });

  it('that were replaced long ago are no longer needed by whoever goes on — ST-05', async () => {
    let tokens = await flow.tokensFor(client);
    await rotate(k2, k1);
    // Whatever is used is written anew: the registration, the grant, the login at the upstream.
    for (const _ of [1, 2]) {
      clock.advance(86_400);
      tokens = tokensOf(await flow.refresh(tokens.refresh_token, client));
    }
    await rotate(k2);
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    tokens = tokensOf(await flow.refresh(tokens.refresh_token, client));
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
  });

  it('are asked for again once a minute, while they are used — ST-05', async () => {
    const tokens = await flow.tokensFor(client);
    const old = kidOf(tokens);
    let asked = 0;
    vault = () => {
      asked += 1;
      return [k2, k1];
    };
    clock.advance(59);
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    expect(asked).toBe(0);
    clock.advance(1);
    // The request that finds the minute over is answered with the keys that are there.
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    await eventually(() => asked === 1, 'the vault was asked');
    expect(kidOf(tokensOf(await flow.refresh(tokens.refresh_token, client)))).not.toBe(old);
    expect(asked).toBe(1);
  });

  it.each<[string, () => readonly string[] | Promise<readonly string[]>, string]>([
    ['fails', () => Promise.reject(new Error('the vault is sealed')), 'the vault is sealed'],
    ['answers nothing', () => [], 'at least one secret'],
    ['answers a weak secret', () => ['password'], 'secrets[0]'],
    ['answers one of them twice', () => [k2, k2], 'secrets[1]'],
    ["answers the upstream's secret", () => [idp.client.secret, k1], "upstream's client secret"],
  ])('stay as they are when the vault %s, and the operator hears of it — LG-05', async (...row) => {
    const [, bad, reason] = row;
    const tokens = await flow.tokensFor(client);
    vault = bad;
    await expect(service().reloadKeys()).rejects.toThrow(reason);
    clock.advance(60);
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    const said = (): number => flow.log.matching('error', 'keys.reload_failed').length;
    await eventually(() => said() === 2, 'both failures are in the log');
    const next = tokensOf(await flow.refresh(tokens.refresh_token, client));
    expect(kidOf(next)).toBe(kidOf(tokens));
    for (const secret of [k1, k2, idp.client.secret]) expect(flow.log.contains(secret)).toBe(false);
    await rotate(k2, k1);
    expect(kidOf(await flow.tokensFor(client))).not.toBe(kidOf(tokens));
  });

  it('replaced between login and redemption end the login — AC-11', async () => {
    const held = await flow.codeFor(client);
    await rotate(k2);
    expectTokenError(await flow.redeem(held), flow, 'invalid_client', 401);
    const kept = await flow.register();
    const later = await flow.codeFor(kept);
    await rotate(k3, k2);
    expect((await flow.redeem(later)).status).toBe(200);
  });

  it('replaced while a user reads the consent page do not lose the answer — ST-05', async () => {
    const request = flow.authorizationRequest(client);
    const browser = new Browser();
    const page = await flow.consentPage(request, browser);
    await rotate(k2, k1);
    const visit = await browser.approve(page, flow.atIdp);
    expect(new URL(visit.url).origin).toBe(new URL(idp.issuer).origin);
  });

  describe('of two instances', () => {
    let peer: ProxyFlow;
    let peerSecrets: readonly string[];

    beforeEach(async () => {
      peerSecrets = [k1];
      const { origin, store } = flow.app;
      const port = await freePort();
      const proxy = { secrets: () => peerSecrets };
      peer = await startFlow({ idp, platform, clock, port, origin, store, proxy });
    });

    afterEach(() => peer.app.app.close());

    const rotatePeer = async (...secrets: readonly string[]): Promise<void> => {
      peerSecrets = secrets;
      await service(peer).reloadKeys();
    };

    const understandEachOther = async (): Promise<void> => {
      for (const [issuing, verifying] of [
        [flow, peer],
        [peer, flow],
      ] as const) {
        const tokens = tokensOf(await issuing.redeem(await issuing.codeFor(client)));
        expect(await verifying.isAccepted(tokens.access_token)).toBe(true);
        expect((await verifying.refresh(tokens.refresh_token, client)).status).toBe(200);
      }
    };

    it('are replaced in two steps: known everywhere first, first everywhere then — ST-05', async () => {
      await understandEachOther();
      for (const secrets of [
        [k1, k2],
        [k2, k1],
      ]) {
        await rotate(...secrets);
        await understandEachOther();
        await rotatePeer(...secrets);
        await understandEachOther();
      }
    });

    it('replaced in one step are refused where they are not known yet, and no worse — ST-05', async () => {
      await rotate(k2, k1);
      const early = await flow.tokensFor(client);
      expect(await peer.isAccepted(early.access_token)).toBe(false);
      const answer = await peer.refresh(early.refresh_token, client);
      // What it cannot open is absent, and that is the client as well.
      expectTokenError(answer, peer, 'invalid_client', 401);
      await rotatePeer(k2, k1);
      expect(await peer.isAccepted(early.access_token)).toBe(true);
      expect((await peer.refresh(early.refresh_token, client)).status).toBe(200);
    });
  });

  it('replaced without overlap void a backup of the store; codes in it are too old — ST-16', async () => {
    const tokens = await flow.tokensFor(client);
    const held = await flow.codeFor(client);
    const backup = flow.app.store.live();
    await flow.redeem(held);
    await flow.refresh(tokens.refresh_token, client);
    clock.advance(3600);
    const restored = async (secrets: readonly string[]): Promise<ProxyFlow> => {
      const store = new MemoryStore({ clock });
      for (const { key, value, ttlSeconds } of backup) await store.set(key, value, ttlSeconds);
      const port = await freePort();
      const { origin } = flow.app;
      const proxy = { secrets };
      return startFlow({ idp, platform, clock, port, origin, store: new StoreSpy(store), proxy });
    };
    const careless = await restored([k1]);
    const careful = await restored([k2]);
    try {
      // The record itself says when the code expired, whatever the store makes of its time to live.
      expectTokenError(await careless.redeem(held), careless, 'invalid_grant');
      // What the backup knows of refresh tokens is as old as the backup: that is why.
      expect((await careless.refresh(tokens.refresh_token, client)).status).toBe(200);
      const answer = await careful.refresh(tokens.refresh_token, client);
      expectTokenError(answer, careful, 'invalid_client', 401);
      expect(await careful.isAccepted(tokens.access_token)).toBe(false);
    } finally {
      await careful.app.app.close();
      await careless.app.app.close();
    }
  });
});

describe.each(platforms)('the signing keys on %s', (platform) => {
  const jwk = (kid: string): JWK => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return { ...privateKey.export({ format: 'jwk' }), kid };
  };
  const [a, b] = [jwk('a'), jwk('b')];
  let signingKeys: readonly JWK[];
  let flow: ProxyFlow;
  let client: TestClient;

  beforeEach(async () => {
    signingKeys = [a];
    flow = await startFlow({ idp, platform, proxy: { signingKeys: () => signingKeys } });
    client = await flow.register();
  });

  afterEach(() => flow.close());

  const rotate = async (...keys: readonly JWK[]): Promise<void> => {
    signingKeys = keys;
    await flow.app.app.get(MultiAuthService, { strict: false }).reloadKeys();
  };

  const published = async (): Promise<readonly Record<string, unknown>[]> =>
    (jsonOf(await flow.send('/jwks')) as { keys: Record<string, unknown>[] }).keys;

  it('come and go at /jwks, of which only the public part is shown — MD-12', async () => {
    const seen: string[][] = [];
    for (const keys of [[a], [a, b], [b, a], [b]]) {
      await rotate(...keys);
      const shown = await published();
      seen.push(shown.map(({ kid }) => String(kid)));
      for (const key of shown) {
        const members = ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'];
        expect(Object.keys(key).toSorted()).toEqual(members);
      }
    }
    expect(seen).toEqual([['a'], ['a', 'b'], ['b', 'a'], ['b']]);
    const { headers } = await flow.send('/jwks');
    expect(headers['cache-control']).toBe('public, max-age=300');
  });

  it('verify as long as they are listed, and the first signs — MD-12', async () => {
    const before = await flow.tokensFor(client);
    expect(kidOf(before)).toBe('a');
    await rotate(b, a);
    const after = tokensOf(await flow.refresh(before.refresh_token, client));
    expect(kidOf(after)).toBe('b');
    for (const tokens of [before, after]) {
      expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    }
    await rotate(b);
    expect(await flow.isAccepted(before.access_token)).toBe(false);
    expect(await flow.isAccepted(after.access_token)).toBe(true);
    // Only the signature depended on it: the login goes on.
    expect((await flow.refresh(after.refresh_token, client)).status).toBe(200);
  });

  it('stay as they are when the new ones cannot be used — MD-12', async () => {
    const { d: _, ...publicOnly } = b;
    for (const bad of [[publicOnly], [], [b, { ...a, kid: 'b' }]]) {
      await expect(rotate(...bad)).rejects.toThrow('signingKeys');
      expect((await published()).map(({ kid }) => kid)).toEqual(['a']);
      expect(kidOf(await flow.tokensFor(client))).toBe('a');
    }
    expect(flow.log.matching('error', 'keys.reload_failed')).toHaveLength(3);
    for (const { d } of [a, b]) expect(flow.log.contains(String(d))).toBe(false);
  });
});

describe('keys that are wrong from the start', () => {
  it.each([
    ['fails', () => Promise.reject(new Error('the vault is sealed')), 'the vault is sealed'],
    ['answers nothing', () => undefined as unknown as string[], 'at least one secret'],
    ['answers a weak one', () => ['password'], 'server.secrets[0]'],
  ])('do not let the app start: a function that %s', async (_name, secrets, reason) => {
    await expect(startFlow({ idp, proxy: { secrets } })).rejects.toThrow(reason);
  });
});
