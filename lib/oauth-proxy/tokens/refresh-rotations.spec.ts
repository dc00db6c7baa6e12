import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { StoreSpy } from '../../../test/support/store-spy.js';
import { Sealer } from '../../crypto/sealer.js';
import { SecretRing } from '../../crypto/secret-ring.js';
import { MemoryStore } from '../../storage/memory.store.js';
import { RecordStore } from '../../storage/record-collection.js';
import { recordCollections } from '../record-collections.js';
import { resolveLifetimes } from './lifetimes.js';
import { RefreshRotations } from './refresh-rotations.js';

const ring = new SecretRing(['the-secret-of-the-rotations-under-test']);
const answer = { access_token: 'a', token_type: 'Bearer', expires_in: 60, scope: '' } as const;

describe('that a refresh token was used', () => {
  it.each([
    ['as long as tokens live', undefined, 100],
    ['as long as tokens live, when it had less left', 40, 100],
    ['as long as it could have lived, when tokens live shorter by now', 5000, 5000],
  ])('is known %s', async (_how, left, seconds) => {
    const clock = new ManualClock(1_000_000);
    const store = new StoreSpy(new MemoryStore({ clock }));
    const records = recordCollections(
      new RecordStore(store, new Sealer(ring), clock, 'https://as.test'),
    );
    const lifetimes = resolveLifetimes({ refreshTokenIdle: 100 });
    const rotations = new RefreshRotations({ ...records, clock, lifetimes });
    const expiresAt = left === undefined ? undefined : clock.now() + left;
    await rotations.claim('token', { grantId: 'g', clientId: 'c', expiresAt }, answer);
    clock.advance(seconds - 1);
    expect(await rotations.find('token')).toMatchObject({ grantId: 'g' });
    clock.advance(1);
    expect(await rotations.find('token')).toBeUndefined();
  });
});
