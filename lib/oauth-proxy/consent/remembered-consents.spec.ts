import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { StoreSpy } from '../../../test/support/store-spy.js';
import { Sealer } from '../../crypto/sealer.js';
import { SecretRing } from '../../crypto/secret-ring.js';
import { MemoryStore } from '../../storage/memory.store.js';
import { RecordStore } from '../../storage/record-collection.js';
import type { AuthorizationRequest } from '../transactions/transaction.js';
import {
  type ClientConsents,
  type RememberedClients,
  RememberedConsents,
} from './remembered-consents.js';

const asked: AuthorizationRequest = {
  clientId: 'client',
  redirectUri: 'http://127.0.0.1:4711/cb',
  codeChallenge: '',
  scopes: ['a', 'b'],
  resource: 'https://as.test/mcp',
};

let clock: ManualClock;
let store: StoreSpy;
let consents: RememberedConsents;

beforeEach(() => {
  clock = new ManualClock();
  store = new StoreSpy(new MemoryStore({ clock }));
  const ring = new SecretRing(['a-secret-of-this-spec-that-is-long-enough']);
  const records = new RecordStore(store, new Sealer(ring), clock, 'https://as.test');
  consents = new RememberedConsents({
    consents: records.collection<ClientConsents>('consent', 1),
    rememberedClients: records.collection<RememberedClients>('remembered-clients', 1),
    clock,
    lifetimeSeconds: 100,
  });
});

describe('RememberedConsents', () => {
  it('cover what was agreed to, of anyone or of one subject', async () => {
    await consents.add('browser', asked, 'alice');
    expect(await consents.cover('browser', asked)).toBe(true);
    expect(await consents.cover('browser', asked, 'alice')).toBe(true);
    expect(await consents.cover('browser', asked, 'bob')).toBe(false);
    expect(await consents.cover('other', asked)).toBe(false);
  });

  it.each<[string, Partial<AuthorizationRequest>, boolean]>([
    ['fewer scopes', { scopes: ['b'] }, true],
    ['another port on loopback', { redirectUri: 'http://127.0.0.1:1/cb' }, true],
    ['a scope more', { scopes: ['a', 'b', 'c'] }, false],
    ['another path', { redirectUri: 'http://127.0.0.1:4711/cb2' }, false],
    ['another loopback host', { redirectUri: 'http://localhost:4711/cb' }, false],
    ['another resource', { resource: 'https://as.test/mcp2' }, false],
    ['another client', { clientId: 'other' }, false],
  ])('as for %s: %j', async (_what, changes, covered) => {
    await consents.add('browser', asked, 'alice');
    expect(await consents.cover('browser', { ...asked, ...changes })).toBe(covered);
  });

  it('keep each for its own time', async () => {
    await consents.add('browser', asked, 'alice');
    clock.advance(60);
    await consents.add('browser', { ...asked, scopes: ['c'] }, 'alice');
    clock.advance(40);
    expect(await consents.cover('browser', asked)).toBe(false);
    expect(await consents.cover('browser', { ...asked, scopes: ['c'] })).toBe(true);
  });

  it('hold the latest ten of a client, and one where the newer says all the older did', async () => {
    for (let i = 0; i < 12; i++) await consents.add('browser', asked, 'alice');
    await consents.add('browser', { ...asked, scopes: ['x'] }, 'alice');
    expect(await consents.cover('browser', asked)).toBe(true);
    for (let i = 0; i < 10; i++) await consents.add('browser', asked, `user-${i}`);
    expect(await consents.cover('browser', asked, 'user-0')).toBe(true);
    expect(await consents.cover('browser', asked, 'alice')).toBe(false);
  });

  it('hold the latest fifty clients of a browser', async () => {
    for (let i = 0; i < 53; i++) {
      await consents.add('browser', { ...asked, clientId: `client-${i}` }, 'alice');
    }
    const kept = store.live().filter(({ key }) => key.startsWith('consent:'));
    expect(kept).toHaveLength(50);
    expect(await consents.cover('browser', { ...asked, clientId: 'client-2' })).toBe(false);
    expect(await consents.cover('browser', { ...asked, clientId: 'client-3' })).toBe(true);
  });

  it('forget one client for good, also while another is being remembered', async () => {
    await consents.add('browser', asked, 'alice');
    const other = { ...asked, clientId: 'other' };
    const gate = store.hold('set');
    const adding = consents.add('browser', other, 'alice');
    await gate.arrived(1);
    await consents.forget('browser', asked.clientId);
    gate.release();
    await adding;
    expect(await consents.cover('browser', asked)).toBe(false);
    expect(await consents.cover('browser', other)).toBe(true);
  });
});
