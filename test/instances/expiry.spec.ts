// What has expired is not only refused but gone, without anybody who sweeps it up.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LmdbStore, MemoryStore } from '../../lib/index.js';
import { PostgresStore } from '../../lib/postgres.js';
import { ManualClock } from '../support/manual-clock.js';
import { PostgresSchema } from '../support/postgres-schema.js';
import { type ProxyFlow, startFlow } from '../support/proxy-flow.js';
import { describeWithPostgres, POSTGRES_URL } from '../support/services.js';
import { openFolder } from '../support/shared-stores.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

/** Longer than anything lives but for the traces of revocations. */
const yearSeconds = 400 * 86_400;
const logins = 10;
const newcomers = 400;
let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

/** Logins with everything that belongs to one, finished and not. */
async function live(flow: ProxyFlow): Promise<void> {
  for (let i = 0; i < logins; i++) {
    const client = await flow.register();
    const { refresh_token: token } = await flow.tokensFor(client);
    await flow.refresh(token, client);
    await flow.codeFor(client);
    await flow.authorize(flow.authorizationRequest(client));
  }
}

async function registerMany(flow: ProxyFlow): Promise<void> {
  for (let i = 0; i < newcomers; i++) await flow.register();
}

describe('the records of logins that are over', () => {
  it('leave a folder while new ones come', async () => {
    const clock = new ManualClock();
    const folder = await openFolder();
    const { settings } = folder;
    if (settings.kind !== 'lmdb') throw new Error('It is not a folder.');
    const flow = await startFlow({ idp, clock, store: new LmdbStore({ ...settings, clock }) });
    const atStart = await folder.count();
    await live(flow);
    const before = await folder.count();
    expect(before - atStart).toBeGreaterThan(logins * 8);
    clock.advance(yearSeconds);
    await registerMany(flow);
    await flow.close();
    expect(await folder.count()).toBeLessThanOrEqual(newcomers + atStart);
    await folder.remove();
  });

  it('leave the memory while new ones come', async () => {
    const clock = new ManualClock();
    // Room for what is new, and not for what is old beside it.
    const store = new MemoryStore({ clock, maxEntries: newcomers + 5 });
    const flow = await startFlow({ idp, clock, store });
    await live(flow);
    expect(flow.app.store.live().length).toBeGreaterThan(logins * 8);
    clock.advance(yearSeconds);
    await registerMany(flow);
    await flow.close();
  });
});

describeWithPostgres('the records of logins in PostgreSQL that are over', () => {
  it('leave the table while new ones come', async () => {
    const schema = await PostgresSchema.create();
    const store = new PostgresStore({ url: POSTGRES_URL, schema: schema.name });
    const flow = await startFlow({ idp, store });
    await live(flow);
    await schema.query(`UPDATE ${schema.name}.mcp_auth SET expires_at = now() - interval '1 day'`);
    const before = await schema.count('mcp_auth');
    expect(before).toBeGreaterThan(logins * 8);
    await registerMany(flow);
    await flow.close();
    expect(await schema.count('mcp_auth')).toBe(newcomers);
    await schema.drop();
  });
});
