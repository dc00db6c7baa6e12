import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { StoreSpy } from '../../../test/support/store-spy.js';
import { Sealer } from '../../crypto/sealer.js';
import { SecretRing } from '../../crypto/secret-ring.js';
import { MemoryStore } from '../../storage/memory.store.js';
import { type RecordCollection, RecordStore } from '../../storage/record-collection.js';
import type { AuthorizationRequest } from '../transactions/transaction.js';
import {
  type ClientConsents,
  type ForgottenConsent,
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
let records: RecordCollection<ClientConsents>;
let consents: RememberedConsents;

beforeEach(() => {
  clock = new ManualClock();
  store = new StoreSpy(new MemoryStore({ clock }));
  const ring = new SecretRing(['a-secret-of-this-spec-that-is-long-enough']);
  const all = new RecordStore(store, new Sealer(ring), clock, 'https://as.test');
  records = all.collection<ClientConsents>('consent', 2);
  consents = new RememberedConsents({
    consents: records,
    forgottenConsents: all.collection<ForgottenConsent>('forgotten-consent', 1),
    rememberedClients: all.collection<RememberedClients>('remembered-clients', 1),
    clock,
    lifetimeSeconds: 100,
  });
});

const by = (subject: string) => ({ subject, agreedAt: clock.now() });

describe('RememberedConsents', () => {
  it('cover what was agreed to, of anyone or of one subject', async () => {
    await consents.add('browser', asked, by('alice'));
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
    await consents.add('browser', asked, by('alice'));
    expect(await consents.cover('browser', { ...asked, ...changes })).toBe(covered);
  });

  it('keep each for its own time', async () => {
    await consents.add('browser', asked, by('alice'));
    clock.advance(60);
    await consents.add('browser', { ...asked, scopes: ['c'] }, by('alice'));
    clock.advance(40);
    expect(await consents.cover('browser', asked)).toBe(false);
    expect(await consents.cover('browser', { ...asked, scopes: ['c'] })).toBe(true);
  });

  it('hold the latest ten of a client, and one where the newer says all the older did', async () => {
    for (let i = 0; i < 12; i++) await consents.add('browser', asked, by('alice'));
    await consents.add('browser', { ...asked, scopes: ['x'] }, by('alice'));
    expect(await consents.cover('browser', asked)).toBe(true);
    for (let i = 0; i < 10; i++) await consents.add('browser', asked, by(`user-${i}`));
    expect(await consents.cover('browser', asked, 'user-0')).toBe(true);
    expect(await consents.cover('browser', asked, 'alice')).toBe(false);
  });

  it('hold the latest fifty clients of a browser', async () => {
    for (let i = 0; i < 53; i++) {
      await consents.add('browser', { ...asked, clientId: `client-${i}` }, by('alice'));
    }
    const kept = store.live().filter(({ key }) => key.startsWith('consent:'));
    expect(kept).toHaveLength(50);
    expect(await consents.cover('browser', { ...asked, clientId: 'client-2' })).toBe(false);
    expect(await consents.cover('browser', { ...asked, clientId: 'client-3' })).toBe(true);
  });

  it('forget one client for good, also while another is being remembered', async () => {
    await consents.add('browser', asked, by('alice'));
    const other = { ...asked, clientId: 'other' };
    const gate = store.hold('set', 'consent:');
    const adding = consents.add('browser', other, by('alice'));
    await gate.arrived(1);
    await consents.forget('browser', asked.clientId);
    gate.release();
    await adding;
    expect(await consents.cover('browser', asked)).toBe(false);
    expect(await consents.cover('browser', other)).toBe(true);
  });

  it('forget a client also while a consent to it is being added', async () => {
    for (const [operation, keys] of [
      ['get', 'consent:'],
      ['set', 'consent:'],
      ['get', 'forgotten-consent:'],
    ] as const) {
      clock.advance(1);
      await consents.add('browser', asked, by('alice'));
      expect(await consents.cover('browser', asked)).toBe(true);
      const gate = store.hold(operation, keys);
      const adding = consents.add('browser', { ...asked, scopes: ['c'] }, by('alice'));
      await gate.arrived(1);
      clock.advance(1);
      await consents.forget('browser', asked.clientId);
      gate.release();
      await adding;
      expect(await consents.cover('browser', asked)).toBe(false);
      expect(await consents.cover('browser', { ...asked, scopes: ['c'] })).toBe(false);
    }
  });

  it('forget what was agreed to before, however late it is added, and nothing after', async () => {
    const before = by('alice');
    clock.advance(1);
    await consents.forget('browser', asked.clientId);
    clock.advance(10);
    await consents.add('browser', asked, before);
    expect(await consents.cover('browser', asked)).toBe(false);
    await consents.add('browser', asked, by('alice'));
    expect(await consents.cover('browser', asked)).toBe(true);
  });

  it('end their time after the user agreed, not after the login did', async () => {
    const agreed = by('alice');
    clock.advance(9);
    await consents.add('browser', asked, agreed);
    clock.advance(90);
    expect(await consents.cover('browser', asked)).toBe(true);
    clock.advance(1);
    expect(await consents.cover('browser', asked)).toBe(false);
  });

  it('name nobody', async () => {
    const set = jest.spyOn(records, 'set');
    await consents.add('browser', asked, by('alice@example.com'));
    expect(set).toHaveBeenCalledTimes(1);
    expect(JSON.stringify(set.mock.calls)).not.toContain('alice');
    expect(await consents.cover('browser', asked, 'alice@example.com')).toBe(true);
  });
});
