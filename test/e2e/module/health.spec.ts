import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Clock,
  MemoryStore,
  type MultiAuthHealth,
  MultiAuthModule,
  MultiAuthService,
} from '../../../lib/index.js';
import { platforms } from '../../support/app.js';
import { FakeVerifier } from '../../support/fake-sources.js';
import { ManualClock } from '../../support/manual-clock.js';
import { StoreSpy } from '../../support/store-spy.js';
import { baseUrl, closeApps, knows, startApp, unreachedProxy } from './support.js';

afterEach(closeApps);

describe.each(platforms)('the health of a module on %s', (platform) => {
  let store: StoreSpy;

  beforeEach(() => {
    store = new StoreSpy(new MemoryStore());
  });

  const start = async () => {
    const server = unreachedProxy({ storage: store, storageTimeoutSeconds: 0.03 });
    const { app } = await startApp({ platform, options: { baseUrl, server } });
    const service = app.get(MultiAuthService, { strict: false });
    return () => service.health();
  };

  it('is up, and leaves nothing in the store', async () => {
    const health = await start();
    const before = store.snapshot();
    expect(await health()).toEqual({
      status: 'up',
      server: { status: 'up' },
      sources: { OAuthProxy: { status: 'up' } },
    });
    expect(store.snapshot()).toBe(before);
  });

  it.each(['add', 'take'] as const)(
    'is down when the store fails at %s, once',
    async (operation) => {
      const health = await start();
      store.failNext(operation, new Error('connect ECONNREFUSED'), 'probe:');
      expect(await health()).toMatchObject({
        status: 'down',
        server: { status: 'down', reason: 'The store failed: connect ECONNREFUSED' },
      });
      expect((await health()).status).toBe('up');
    },
  );

  it.each(['add', 'take'] as const)('is down while the store hangs at %s', async (operation) => {
    const health = await start();
    const held = store.hold(operation, 'probe:');
    const { status, server } = await health();
    expect([status, server?.reason]).toEqual([
      'down',
      `The store did not answer within 0.03 seconds (${operation}).`,
    ]);
    held.release();
    expect((await health()).status).toBe('up');
  });

  it('is down when the store does not keep what it takes', async () => {
    store.take = async () => undefined;
    const health = await start();
    expect((await health()).server?.reason).toContain('does not keep');
  });

  it('is asked once for all who want to know at the same time', async () => {
    const health = await start();
    const { add } = store.counts;
    const reports = await Promise.all(Array.from({ length: 20 }, health));
    expect(reports.map(({ status }) => status)).toEqual(Array(20).fill('up'));
    expect(store.counts.add).toBe(add + 1);
    await health();
    expect(store.counts.add).toBe(add + 2);
  });

  it('is degraded for a minute after a source had no verdict, or until it has one', async () => {
    const clock = new ManualClock();
    const token = 'the-token-that-breaks-it';
    const fragile = new FakeVerifier({ name: 'fragile', tokens: { good: {} } });
    const verify = fragile.verifyToken.bind(fragile);
    fragile.verifyToken = (presented, context) => {
      if (presented === token) throw new Error(`no keys for ${presented}`);
      return verify(presented, context);
    };
    const module = MultiAuthModule.forRoot({
      verifiers: [knows('known', 'sound'), fragile],
      resourceBaseUrl: baseUrl,
    });
    module.providers = [...(module.providers ?? []), { provide: Clock, useValue: clock }];
    const { app, call } = await startApp({ platform, imports: [module] });
    const health = (): Promise<MultiAuthHealth> =>
      app.get(MultiAuthService, { strict: false }).health();
    const up = { status: 'up', sources: { sound: { status: 'up' }, fragile: { status: 'up' } } };
    const degraded = {
      status: 'degraded',
      sources: {
        sound: { status: 'up' },
        fragile: { status: 'down', reason: 'no keys for [token]' },
      },
    };
    expect(await health()).toEqual(up);
    for (const recovery of ['good', 'unknown', undefined]) {
      expect((await call('/mcp', token)).status).toBe(503);
      expect((await call('/mcp', 'known')).status).toBe(200);
      clock.advance(60);
      expect(await health()).toEqual(degraded);
      if (recovery === undefined) clock.advance(1);
      else await call('/mcp', recovery);
      expect(await health()).toEqual(up);
    }
  });
});
