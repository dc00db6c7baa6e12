import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { StoreSpy } from '../../../test/support/store-spy.js';
import { MultiAuthEvents } from '../../common/events.js';
import { randomToken } from '../../crypto/random.js';
import { Sealer } from '../../crypto/sealer.js';
import { SecretRing } from '../../crypto/secret-ring.js';
import { SigningKeys } from '../../crypto/signing-keys.js';
import { MemoryStore } from '../../storage/memory.store.js';
import { RecordStore } from '../../storage/record-collection.js';
import type { Client } from '../clients/client.js';
import { recordCollections } from '../record-collections.js';
import type { Upstream } from '../upstream/upstream.js';
import type { Grant } from './grant.js';
import { GrantAdministration } from './grant-administration.js';
import { GrantIndex } from './grant-index.js';
import { Grants, type NewGrant } from './grants.js';
import { resolveLifetimes } from './lifetimes.js';
import { OwnTokenVerifier } from './own-token.verifier.js';
import { RevocationMarks } from './revocation-marks.js';
import { TokenIssuer } from './token-issuer.js';
import { UpstreamRevocations } from './upstream-revocations.js';
import type { UpstreamSession } from './upstream-session.js';
import { UpstreamSessions } from './upstream-sessions.js';

const ring = new SecretRing(['the-secret-of-the-grants-under-test-2Ky7']);
const issuer = 'https://as.test';
const resource = 'https://as.test/mcp';
const day = 86_400;
const lifetimes = resolveLifetimes({ refreshTokenIdle: 10 * day, refreshTokenAbsolute: 40 * day });
const client = {
  id: 'app',
  grantTypes: ['authorization_code', 'refresh_token'],
} as unknown as Client;
/** Of an upstream whose tokens never end. */
const lasting: UpstreamSession = { accessToken: 'a', generation: 0, obtainedAt: 0 };

let clock: ManualClock;
let shared: MemoryStore;
let upstreamRevocations: string[];
let instances: Instance[];

beforeEach(() => {
  clock = new ManualClock(1_000_000);
  shared = new MemoryStore({ clock });
  upstreamRevocations = [];
  instances = [];
});

/** One of several instances on one store. */
class Instance {
  readonly store = new StoreSpy(shared);
  readonly seen: string[] = [];
  readonly records = recordCollections(
    new RecordStore(this.store, new Sealer(ring), clock, issuer),
  );
  readonly #events = this.#listening();
  readonly #upstream = {
    revoke: async ({ accessToken }: { accessToken: string }) => {
      upstreamRevocations.push(accessToken);
    },
  } as unknown as Upstream;
  readonly revocations = new UpstreamRevocations(this.#upstream, this.#events);
  readonly #common = { clock, events: this.#events, idleSeconds: lifetimes.refreshTokenIdle };
  readonly sessions = new UpstreamSessions({
    ...this.records,
    ...this.#common,
    upstream: this.#upstream,
    revocations: this.revocations,
    refreshMarginSeconds: 60,
  });
  readonly index = new GrantIndex(this.records.grantSlots);
  readonly marks = new RevocationMarks({ ...this.records, clock, seconds: 40 * day });
  readonly grants = new Grants({
    ...this.records,
    ...this.#common,
    index: this.index,
    marks: this.marks,
    sessions: this.sessions,
    revocations: this.revocations,
  });
  readonly #keys = SigningKeys.fromSecrets(ring);
  readonly tokens = new TokenIssuer({
    ...this.records,
    issuer,
    keys: this.#keys,
    clock,
    lifetimes,
  });
  readonly verifier = new OwnTokenVerifier({
    ...this.records,
    issuer,
    keys: this.#keys,
    clock,
    grants: this.grants,
    marks: this.marks,
    recheck: undefined,
  });
  readonly administration = new GrantAdministration({
    grants: this.grants,
    index: this.index,
    marks: this.marks,
    events: this.#events,
  });

  constructor() {
    instances.push(this);
  }

  #listening(): MultiAuthEvents {
    const events = new MultiAuthEvents();
    events.on('grant.revoked', ({ cause }) => this.seen.push(cause));
    return events;
  }

  /** A login that went well. */
  async granted(changes: Partial<Grant> = {}, session = lasting) {
    const id = randomToken();
    const created = await this.create(id, changes, session);
    expect(await this.grants.admit(id, created)).toBe(true);
    return { id, grant: created.grant, token: await this.issue(id, created.grant) };
  }

  create(id: string, changes: Partial<Grant> = {}, session = lasting): Promise<NewGrant> {
    const content = {
      clientId: 'app',
      redirectUri: 'https://app.test/cb',
      subject: 'alice',
      claims: {},
      scopes: ['x'],
      resource,
      issuedAt: clock.now(),
      expiresAt: clock.now() + lifetimes.refreshTokenAbsolute,
      ...changes,
    };
    return this.grants.create(id, content, session);
  }

  async issue(grantId: string, grant: Grant): Promise<string> {
    const issue = { grantId, grant, client, session: lasting, scopes: ['x'] };
    return (await this.tokens.issue(issue)).response.access_token;
  }

  async isAlive(token: string): Promise<boolean> {
    return typeof (await this.verifier.check(token, resource)) !== 'string';
  }
}

/** How many records there are of each kind. */
async function count(...kinds: string[]): Promise<number[]> {
  const keys = [...new Set(instances.flatMap(({ store }) => store.dump().map(({ key }) => key)))];
  const values = await Promise.all(keys.map((key) => shared.get(key)));
  const living = keys.filter((_, i) => values[i] !== undefined);
  return kinds.map((kind) => living.filter((key) => key.startsWith(`${kind}:`)).length);
}

describe('a grant that is used', () => {
  it('is given more time, and its session and place with it', async () => {
    const one = new Instance();
    const { id, grant } = await one.granted();
    clock.advance(9 * day);
    const prolonged = await one.grants.prolong(id, grant, lasting);
    expect({ ...prolonged, term: grant.term }).toEqual(grant);
    expect(prolonged.term.id).not.toBe(grant.term.id);
    clock.advance(10 * day);
    expect(await one.grants.living(id)).toEqual(prolonged);
    expect(await one.sessions.find(id)).toEqual(lasting);
    expect(await one.administration.grantsOf('alice')).toHaveLength(1);
  });

  it('is over with everything when it was not used for as long as a refresh token', async () => {
    const one = new Instance();
    const { id } = await one.granted();
    clock.advance(11 * day);
    expect(await one.grants.find(id)).toBeUndefined();
    expect(await one.administration.grantsOf('alice')).toEqual([]);
    clock.advance(day);
    expect(await one.sessions.find(id)).toBeUndefined();
    expect(await count('grant', 'grant-slot', 'upstream-session')).toEqual([0, 0, 0]);
  });

  it('never outlives its login', async () => {
    const one = new Instance();
    const { id, grant } = await one.granted();
    let kept = grant;
    for (const _ of [1, 2, 3]) {
      clock.advance(10 * day);
      kept = await one.grants.prolong(id, kept, lasting);
    }
    clock.advance(10 * day - 1);
    expect(await one.grants.living(id)).toEqual(kept);
    clock.advance(1);
    expect(await one.grants.living(id)).toBeUndefined();
    expect(await count('grant', 'grant-slot', 'upstream-session')).toEqual([0, 0, 0]);
  });

  it('is not written anew at each use', async () => {
    const one = new Instance();
    const { id, grant } = await one.granted();
    clock.advance(day / 2 - 1);
    const before = one.store.total();
    expect(await one.grants.prolong(id, grant, lasting)).toBe(grant);
    expect(one.store.total()).toBe(before);
  });

  it('leaves a session that is refreshed by itself alone', async () => {
    const one = new Instance();
    const ending = { ...lasting, refreshToken: 'r', expiresAt: clock.now() + 100 * day };
    const { id, grant } = await one.granted({}, ending);
    clock.advance(day);
    const gate = one.store.hold('set', 'upstream-session:');
    await one.grants.prolong(id, grant, ending);
    gate.release();
    // It is kept for as long as it needs no refresh, and for an idle time after that.
    clock.advance(29 * day);
    expect(await one.sessions.find(id)).toEqual(ending);
  });

  it('is done all over when it was prolonged in part', async () => {
    const one = new Instance();
    const { id, grant } = await one.granted();
    clock.advance(9 * day);
    for (const [operation, kind] of [
      ['set', 'upstream-session:'],
      ['set', 'grant-slot:'],
      ['set', 'grant:'],
    ] as const) {
      one.store.failNext(operation, undefined, kind);
      await expect(one.grants.prolong(id, grant, lasting)).rejects.toThrow('the store is down');
      expect(await one.grants.find(id)).toEqual(grant);
    }
    await one.grants.prolong(id, grant, lasting);
    clock.advance(9 * day);
    expect(await one.sessions.find(id)).toEqual(lasting);
    expect(await one.administration.grantsOf('alice')).toHaveLength(1);
  });

  it('keeps the access tokens of its earlier terms alive', async () => {
    const one = new Instance();
    const { id, grant } = await one.granted();
    clock.advance(day);
    const early = await one.issue(id, grant);
    const later = await one.issue(id, await one.grants.prolong(id, grant, lasting));
    for (const token of [early, later]) expect(await one.isAlive(token)).toBe(true);
  });
});

describe('the place of a grant that is prolonged', () => {
  it('is another when a login took it meanwhile', async () => {
    const [one, two] = [new Instance(), new Instance()];
    const { id, grant } = await one.granted();
    clock.advance(day);
    const gate = one.store.hold('set', 'upstream-session:');
    const prolonging = one.grants.prolong(id, grant, lasting);
    await gate.arrived(1);
    await two.index.release('alice', { slot: grant.slot, grantId: id });
    await two.index.put('alice', { slot: grant.slot, grantId: 'a-later-login' }, day);
    gate.release();
    const prolonged = await prolonging;
    expect(prolonged.slot).not.toBe(grant.slot);
    expect(await two.index.list('alice')).toHaveLength(2);
    await one.grants.end(id);
    expect(await two.index.list('alice')).toEqual([{ slot: grant.slot, grantId: 'a-later-login' }]);
  });

  it('is taken anew when it was lost', async () => {
    const one = new Instance();
    const { id, grant } = await one.granted();
    clock.advance(day);
    await one.index.release('alice', { slot: grant.slot, grantId: id });
    expect((await one.grants.prolong(id, grant, lasting)).slot).toBe(grant.slot);
    expect(await one.administration.grantsOf('alice')).toHaveLength(1);
  });
});

describe('an access token that says more than its grant', () => {
  const other = 'https://as.test/other';

  it.each<[string, object, readonly string[], string]>([
    ['a scope', {}, ['x', 'admin'], resource],
    ['another resource', { resource: other }, ['x'], other],
  ])('by %s is refused', async (_name, changes, scopes, at) => {
    const one = new Instance();
    const { id, grant } = await one.granted({ scopes: ['x', 'y'] });
    const issued = async (beyond: object, asked: readonly string[]): Promise<string> => {
      const issue = { grantId: id, grant: { ...grant, ...beyond }, client, session: lasting };
      return (await one.tokens.issue({ ...issue, scopes: asked })).response.access_token;
    };
    const token = await issued(changes, scopes);
    for (const asked of [at, undefined]) {
      expect(await one.verifier.check(token, asked)).toBe('beyond_its_grant');
    }
    const narrower = await one.verifier.check(await issued({}, ['y']), resource);
    expect(narrower).toMatchObject({ scopes: ['y'], grant: { scopes: ['x', 'y'] } });
  });
});

describe('a request with an access token', () => {
  const readsFor = async (one: Instance, token: string): Promise<number> => {
    const before = one.store.counts.get;
    expect(await one.isAlive(token)).toBe(true);
    return one.store.counts.get - before;
  };

  it('costs two reads, and one a second for all together', async () => {
    const one = new Instance();
    const { token } = await one.granted();
    await one.isAlive(token);
    for (const _ of [1, 2]) expect(await readsFor(one, token)).toBe(2);
    clock.advance(1);
    expect(await readsFor(one, token)).toBe(3);
    expect(await readsFor(one, token)).toBe(2);
  });

  it('costs one more when the token is of an earlier term', async () => {
    const one = new Instance();
    const { id, grant } = await one.granted();
    clock.advance(day);
    const early = await one.issue(id, grant);
    const later = await one.issue(id, await one.grants.prolong(id, grant, lasting));
    await one.isAlive(later);
    expect(await readsFor(one, later)).toBe(2);
    expect(await readsFor(one, early)).toBe(3);
  });
});

describe('a revocation beside a refresh', () => {
  it('stays: what the refresh wrote since is worth nothing, wherever it stops', async () => {
    const [one, two] = [new Instance(), new Instance()];
    const { id, grant, token } = await one.granted();
    clock.advance(day);
    const held = await one.issue(id, grant);
    const gate = two.store.hold('set', 'grant:');
    const prolonging = two.grants.prolong(id, grant, lasting);
    await gate.arrived(1);
    await one.grants.revoke(id, 'app', 'client');
    gate.release();
    const prolonged = await prolonging;
    // Here the refreshing instance dies. What it wrote is there, and is not taken for a grant.
    expect(await one.grants.find(id)).toEqual(prolonged);
    for (const instance of [one, two]) {
      for (const known of [token, held]) expect(await instance.isAlive(known)).toBe(false);
      expect(await instance.grants.living(id)).toBeUndefined();
    }
    expect(await one.administration.grantsOf('alice')).toEqual([]);
    expect(await one.administration.revokeGrant(id)).toBe(false);
  });

  it('stays for longer than anything that was brought back can live', async () => {
    const [one, two] = [new Instance(), new Instance()];
    const { id, grant } = await one.granted();
    clock.advance(day);
    const gate = two.store.hold('set', 'grant:');
    const prolonging = two.grants.prolong(id, grant, lasting);
    await gate.arrived(1);
    await one.grants.revoke(id, 'app', 'client');
    clock.advance(2 * day);
    gate.release();
    await prolonging;
    clock.advance(9 * day - 1);
    expect(await one.grants.find(id)).toBeDefined();
    expect(await one.grants.living(id)).toBeUndefined();
    clock.advance(1);
    expect(await one.grants.find(id)).toBeUndefined();
  });

  it('leaves nothing behind when the refresh looks again, and ends its session too', async () => {
    const [one, two] = [new Instance(), new Instance()];
    const { id, grant } = await one.granted();
    clock.advance(day);
    const gate = two.store.hold('set', 'upstream-session:');
    const prolonging = two.grants.prolong(id, grant, lasting);
    await gate.arrived(1);
    await one.grants.revoke(id, 'app', 'client');
    gate.release();
    await prolonging;
    expect(await two.grants.living(id)).toBeUndefined();
    await two.grants.end(id);
    await two.revocations.settled();
    expect(await one.sessions.find(id)).toBeUndefined();
    expect(await one.grants.find(id)).toBeUndefined();
    expect(await one.index.list('alice')).toEqual([]);
    expect(upstreamRevocations).toEqual(['a', 'a']);
  });

  it('ends what the refresh wrote in the middle of it', async () => {
    const [one, two] = [new Instance(), new Instance()];
    const { id, grant, token } = await one.granted();
    clock.advance(day);
    const gate = one.store.hold('set', 'revoked-grant:');
    const revoking = one.grants.revoke(id, 'app', 'client');
    await gate.arrived(1);
    const prolonged = await two.grants.prolong(id, grant, lasting);
    expect(await two.grants.living(id)).toEqual(prolonged);
    const fresh = await two.issue(id, prolonged);
    gate.release();
    await revoking;
    for (const known of [token, fresh]) expect(await two.isAlive(known)).toBe(false);
    expect(await count('grant', 'grant-slot', 'upstream-session')).toEqual([0, 0, 0]);
  });

  it('is finished by whoever meets what was brought back', async () => {
    const [one, two] = [new Instance(), new Instance()];
    const { id, grant } = await one.granted();
    clock.advance(day);
    const gate = two.store.hold('set', 'upstream-session:');
    const prolonging = two.grants.prolong(id, grant, lasting);
    await gate.arrived(1);
    await one.grants.revoke(id, 'app', 'client');
    gate.release();
    await prolonging;
    expect(await one.grants.living(id)).toBeUndefined();
    expect(await count('grant', 'grant-slot', 'upstream-session')).toEqual([0, 0, 0]);
  });
});

describe('a revocation that fails', () => {
  it('at its first step ended nothing, and is done by asking again', async () => {
    const one = new Instance();
    const { id, token } = await one.granted();
    one.store.failNext('take', undefined, 'grant:');
    await expect(one.administration.revokeGrant(id)).rejects.toThrow('the store is down');
    expect(await one.grants.living(id)).toBeDefined();
    expect(one.seen).toEqual([]);
    expect(await one.administration.revokeGrant(id)).toBe(true);
    expect(await one.isAlive(token)).toBe(false);
    expect(one.seen).toEqual(['operator']);
  });

  it.each([
    ['set', 'revoked-grant:', []],
    ['get', 'grant-slot:', []],
    ['delete', 'grant-slot:', []],
    ['take', 'upstream-session:', ['a']],
  ] as const)('to %s %s ended all tokens, and ends the rest if asked again', async (...row) => {
    const [operation, kind, left] = row;
    const one = new Instance();
    const { id, token } = await one.granted();
    one.store.failNext(operation, undefined, kind);
    await expect(one.grants.revoke(id, 'app', 'client')).rejects.toThrow('the store is down');
    expect(await one.isAlive(token)).toBe(false);
    expect(await one.grants.living(id)).toBeUndefined();
    await one.revocations.settled();
    const before = upstreamRevocations.length;
    await one.grants.revoke(id, 'app', 'client');
    await one.revocations.settled();
    expect(upstreamRevocations.slice(before)).toEqual(left);
    // Twice when the first time nobody knew whether the session was found.
    expect(new Set(upstreamRevocations)).toEqual(new Set(['a']));
    expect(one.seen).toEqual(['client']);
    expect(await count('grant', 'upstream-session', 'revoked-grant')).toEqual([0, 0, 1]);
  });

  it('to end the session is finished by asking again, though the grant is gone', async () => {
    const one = new Instance();
    const { id } = await one.granted();
    one.store.failNext('take', undefined, 'upstream-session:');
    await expect(one.administration.revokeGrant(id)).rejects.toThrow('the store is down');
    expect(await one.administration.revokeGrant(id)).toBe(false);
    await one.revocations.settled();
    expect(new Set(upstreamRevocations)).toEqual(new Set(['a']));
    expect(await one.sessions.find(id)).toBeUndefined();
  });

  it('to end the session frees the place of the grant all the same', async () => {
    const one = new Instance();
    const { id } = await one.granted();
    one.store.failNext('take', undefined, 'upstream-session:');
    await expect(one.grants.revoke(id, 'app', 'client')).rejects.toThrow('the store is down');
    expect(await one.index.list('alice')).toEqual([]);
  });

  it.each([
    ['delete', 'b'],
    ['take', 'a'],
  ] as const)('to %s a later session revokes what it holds', async (operation, revoked) => {
    const one = new Instance();
    const { id } = await one.granted();
    const next = { ...lasting, accessToken: 'b', generation: 1 };
    await one.records.successors.add(`${id}:1`, next, 60);
    one.store.failNext(operation, undefined, 'upstream-successor:');
    await one.grants.revoke(id, 'app', 'client');
    await one.revocations.settled();
    expect(upstreamRevocations).toEqual([revoked]);
    expect(await one.index.list('alice')).toEqual([]);
  });
});

describe('a revocation beside a login', () => {
  it.each([
    ['subject', { subject: 'alice' }],
    ['client', { clientId: 'app' }],
  ])('of its %s does not let it in, though it is not yet listed', async (_name, target) => {
    const [one, two] = [new Instance(), new Instance()];
    const id = randomToken();
    const gate = one.store.hold('set', 'grant:');
    const creating = one.create(id);
    await gate.arrived(1);
    await two.administration.revokeAll(target);
    gate.release();
    expect(await one.grants.admit(id, await creating)).toBe(false);
    await one.revocations.settled();
    expect(upstreamRevocations).toEqual(['a']);
    expect(await count('grant', 'grant-slot', 'upstream-session')).toEqual([0, 0, 0]);
  });

  it('of others lets it in', async () => {
    const [one, two] = [new Instance(), new Instance()];
    const id = randomToken();
    const created = await one.create(id);
    await two.administration.revokeAll({ subject: 'alice', clientId: 'other' });
    await two.administration.revokeAll({ subject: 'bob' });
    expect(await one.grants.admit(id, created)).toBe(true);
  });
});

describe('a login that is not let in after all', () => {
  it('leaves nothing behind', async () => {
    const one = new Instance();
    const id = randomToken();
    await one.grants.discard(id, await one.create(id));
    await one.revocations.settled();
    expect(await count('grant', 'grant-slot', 'upstream-session')).toEqual([0, 0, 0]);
    // The upstream's tokens are those of the login that was let in.
    expect(upstreamRevocations).toEqual([]);
  });

  it.each(['upstream-session:', 'grant:'])('leaves nothing when %s fails', async (kind) => {
    const one = new Instance();
    one.store.failNext('set', undefined, kind);
    await expect(one.create(randomToken())).rejects.toThrow('the store is down');
    expect(await count('grant', 'grant-slot', 'upstream-session')).toEqual([0, 0, 0]);
  });
});

describe('the hundred-and-first login of a subject', () => {
  const full = async (one: Instance) => {
    const all = [];
    for (let i = 0; i < 100; i++) {
      clock.advance(1);
      all.push(await one.granted());
    }
    return all;
  };

  it('ends the oldest one', async () => {
    const one = new Instance();
    const all = await full(one);
    const { id, token } = await one.granted();
    const ids = (await one.administration.grantsOf('alice')).map(({ grantId }) => grantId);
    expect(new Set(ids)).toEqual(new Set([...all.slice(1).map((g) => g.id), id]));
    expect(await one.isAlive(all[0]?.token ?? '')).toBe(false);
    expect(await one.isAlive(all[1]?.token ?? '')).toBe(true);
    expect(await one.isAlive(token)).toBe(true);
    expect(one.seen).toEqual(['limit']);
  });

  it('ends one that is forgotten before one that is older and in use', async () => {
    const one = new Instance();
    const used = await one.granted();
    clock.advance(1);
    const forgotten = await one.granted({ clientId: 'forgotten' });
    clock.advance(1);
    for (let i = 0; i < 98; i++) await one.granted();
    clock.advance(day);
    const prolonged = await one.grants.prolong(used.id, used.grant, lasting);
    await one.granted();
    expect(await one.grants.living(used.id)).toEqual(prolonged);
    expect(await one.grants.living(forgotten.id)).toBeUndefined();
    expect(one.seen).toEqual(['limit']);
  });

  it('ends the older login of two that were last used together', async () => {
    const one = new Instance();
    const younger = await one.granted();
    const older = await one.granted({ issuedAt: clock.now() - 100 });
    for (let i = 0; i < 98; i++) await one.granted();
    await one.granted();
    expect(await one.grants.living(younger.id)).toBeDefined();
    expect(await one.grants.living(older.id)).toBeUndefined();
  });

  it('ends nothing until it is let in', async () => {
    const one = new Instance();
    const all = await full(one);
    const id = randomToken();
    await one.grants.discard(id, await one.create(id));
    expect(one.seen).toEqual([]);
    expect(await one.administration.grantsOf('alice')).toHaveLength(100);
    for (const { token } of all) expect(await one.isAlive(token)).toBe(true);
  });

  it('takes the place of what is there no more before it ends any', async () => {
    const one = new Instance();
    const all = await full(one);
    await one.records.grants.delete(all[50]?.id ?? '');
    const { id } = await one.granted();
    const listed = await one.administration.grantsOf('alice');
    expect(listed).toHaveLength(100);
    expect(listed.map(({ grantId }) => grantId)).toContain(id);
    expect(one.seen).toEqual([]);
  });

  it('is good although it could not be listed', async () => {
    const one = new Instance();
    await full(one);
    const id = randomToken();
    const created = await one.create(id);
    one.store.failNext('set', undefined, 'grant-slot:');
    expect(await one.grants.admit(id, created)).toBe(true);
    expect(await one.isAlive(await one.issue(id, created.grant))).toBe(true);
    // And revokeAll ends it all the same.
    await one.administration.revokeAll({ subject: 'alice' });
    expect(await one.grants.living(id)).toBeUndefined();
  });
});

describe('revokeAll', () => {
  it.each<[string, object]>([
    ['nobody', {}],
    ['an empty subject', { subject: '' }],
    ['a subject that is missing', { subject: undefined }],
    ['a client that is missing beside a subject', { subject: 'alice', clientId: undefined }],
    ['a client that is no text', { subject: 'alice', clientId: 5 }],
    ['something else', { user: 'alice' }],
    ['something else beside a subject', { subject: 'alice', clientID: 'app' }],
  ])('of %s ends nothing, and says what is missing', async (_name, target) => {
    const one = new Instance();
    const { token } = await one.granted();
    await expect(one.administration.revokeAll(target)).rejects.toThrow('needs a subject');
    expect(await one.isAlive(token)).toBe(true);
  });
});
