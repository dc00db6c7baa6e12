// Security matrix ST-16: what a restored backup of the embedded store brings back, and what not.
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { LmdbStore } from '../../lib/index.js';
import { freePort } from '../support/free-port.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectTokenError } from '../support/outcomes.js';
import { appSecret } from '../support/protected-app.js';
import {
  type HeldCode,
  type ProxyFlow,
  startFlow,
  type TestClient,
  type Tokens,
  tokensOf,
} from '../support/proxy-flow.js';
import { StoreSpy } from '../support/store-spy.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe('a restored backup', () => {
  let folder: string;
  let port: number;
  let clock: ManualClock;
  let flow: ProxyFlow;
  let client: TestClient;
  let used: Tokens;
  let revoked: Tokens;
  let held: HeldCode;
  /** What was in the store when the backup was made. */
  let keys: readonly string[];

  const start = (name: string, secret = appSecret): Promise<ProxyFlow> => {
    const store = new StoreSpy(new LmdbStore({ path: join(folder, name), clock }));
    return startFlow({ idp, clock, port, store, proxy: { secrets: [secret] } });
  };

  const restore = async (secret?: string): Promise<void> => {
    await flow.close();
    flow = await start('backup', secret);
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'restored-backup-'));
    port = await freePort();
    clock = new ManualClock();
    flow = await start('live');
    client = await flow.register();
    used = await flow.tokensFor(client);
    revoked = await flow.tokensFor(client);
    held = await flow.codeFor(client);
    keys = flow.app.store.live().map(({ key }) => key);
    await flow.close();
    await cp(join(folder, 'live'), join(folder, 'backup'), { recursive: true });

    flow = await start('live');
    await flow.redeem(held);
    const next = tokensOf(await flow.refresh(used.refresh_token, client));
    expect((await flow.revoke(revoked.refresh_token, client)).status).toBe(200);
    expect(await flow.isAccepted(next.access_token)).toBe(true);
    expect(await flow.isAccepted(revoked.access_token)).toBe(false);
    clock.advance(121);
  });

  afterEach(async () => {
    await flow.close();
    await rm(folder, { recursive: true, force: true });
  });

  const refusesAll = async (): Promise<void> => {
    for (const { access_token: access } of [used, revoked]) {
      expect(await flow.isAccepted(access)).toBe(false);
    }
  };

  it('knows nothing of what was used and revoked since; of codes, minutes — ST-16', async () => {
    await restore();
    expect(await flow.isAccepted(revoked.access_token)).toBe(true);
    expect((await flow.refresh(revoked.refresh_token, client)).status).toBe(200);
    expect((await flow.refresh(used.refresh_token, client)).status).toBe(200);
    // The code is as old as the backup at least, and says itself when it ends.
    expectTokenError(await flow.redeem(held), flow, 'invalid_grant');
  });

  it('brings nothing back with a new secret in the place of the old one — ST-16', async () => {
    await restore('another-secret-for-the-restored-store-8Hk3');
    await refusesAll();
    for (const { refresh_token: token } of [used, revoked]) {
      expectTokenError(await flow.refresh(token, client), flow, 'invalid_client', 401);
    }
    const again = await flow.register();
    expect(await flow.isAccepted((await flow.tokensFor(again)).access_token)).toBe(true);
  });

  it('keeps the clients and logs the users out without its grants — ST-16', async () => {
    await restore();
    for (const key of keys) {
      if (/^(?:grant|refresh-token):/.test(key)) await flow.app.store.delete(key);
    }
    await refusesAll();
    for (const { refresh_token: token } of [used, revoked]) {
      expectTokenError(await flow.refresh(token, client), flow, 'invalid_grant');
    }
    expect(await flow.isAccepted((await flow.tokensFor(client)).access_token)).toBe(true);
  });
});
