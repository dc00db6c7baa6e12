// Security matrix RT-24, ST-20, AC-11: what an app may do with the grants of its users.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type GrantSummary,
  type KeyValueStore,
  MemoryStore,
  MultiAuthModule,
  MultiAuthService,
  StaticTokenVerifier,
} from '../../lib/index.js';
import { createApp, moduleOf, platforms } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectTokenError } from '../support/outcomes.js';
import { type ProxyFlow, startFlow, type TestClient, tokensOf } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('the grants of a user on %s', (platform) => {
  let clock: ManualClock;
  let flow: ProxyFlow;
  /** Another instance on the same store, which knows of nothing that the first one does. */
  let peer: ProxyFlow;
  /** A third one, whose calls of that store are not watched together with theirs. */
  let aside: ProxyFlow;
  let client: TestClient;
  let other: TestClient;

  beforeAll(async () => {
    clock = new ManualClock();
    const shared = new MemoryStore({ clock });
    flow = await startFlow({ idp, platform, clock, store: shared });
    const { origin, store } = flow.app;
    const instance = async (store: KeyValueStore): Promise<ProxyFlow> => {
      const port = await freePort();
      return startFlow({ idp, platform, clock, port, origin, store, logger: flow.log });
    };
    peer = await instance(store);
    aside = await instance(shared);
    client = await flow.register({ client_name: 'Notes' });
    other = await flow.register({ client_name: 'Mail' });
  });

  afterAll(async () => {
    await aside.app.app.close();
    await peer.app.app.close();
    await flow.close();
  });

  const service = (of: ProxyFlow = flow): MultiAuthService =>
    of.app.app.get(MultiAuthService, { strict: false });

  beforeEach(async () => {
    await service().revokeAll({ subject: 'alice' });
    await service().revokeAll({ subject: 'bob' });
    clock.advance(1);
  });

  const records = (...kinds: string[]): number[] =>
    kinds.map(
      (kind) => flow.app.store.live().filter(({ key }) => key.startsWith(`${kind}:`)).length,
    );

  const isOver = async (
    tokens: { access_token: string; refresh_token: string },
    of: TestClient = client,
  ): Promise<void> => {
    for (const instance of [peer, flow]) {
      expect(await instance.isAccepted(tokens.access_token)).toBe(false);
      const answer = await instance.refresh(tokens.refresh_token, of);
      expectTokenError(answer, instance, 'invalid_grant');
    }
  };

  const goesOn = async (
    tokens: { access_token: string; refresh_token: string },
    of: TestClient = client,
  ): Promise<void> => {
    for (const instance of [peer, flow]) {
      expect(await instance.isAccepted(tokens.access_token)).toBe(true);
    }
    expect((await peer.refresh(tokens.refresh_token, of)).status).toBe(200);
  };

  describe('are listed', () => {
    it('with what a person needs to know of them, the newest first', async () => {
      const since = clock.now();
      await flow.tokensFor(client);
      clock.advance(5);
      await flow.tokensFor(other);
      await flow.tokensFor(client, { user: 'bob' });
      const common = { scopes: ['notes:read', 'mcp:use'], resource: flow.app.url };
      const listed = await service(peer).grantsOf('alice');
      expect(listed).toEqual([
        {
          ...common,
          grantId: expect.stringMatching(/^[\w-]{43}$/),
          clientId: other.id,
          clientName: 'Mail',
          issuedAt: since + 5,
          expiresAt: since + 5 + 365 * 86_400,
        },
        {
          ...common,
          grantId: expect.any(String),
          clientId: client.id,
          clientName: 'Notes',
          issuedAt: since,
          expiresAt: since + 365 * 86_400,
        },
      ] satisfies object[]);
      expect(await service().grantsOf('bob')).toHaveLength(1);
      expect(await service().grantsOf('nobody')).toEqual([]);
      expect(await service().grantsOf('')).toEqual([]);
    });

    it('as long as they are there, refreshed or not', async () => {
      const ids = (grants: readonly GrantSummary[]) => grants.map(({ grantId }) => grantId);
      const tokens = await flow.tokensFor(client);
      const listed = ids(await service().grantsOf('alice'));
      clock.advance(86_400);
      await peer.refresh(tokens.refresh_token, client);
      expect(ids(await service().grantsOf('alice'))).toEqual(listed);
      await flow.revoke(tokens.refresh_token, client);
      expect(await service().grantsOf('alice')).toEqual([]);
    });

    it('by the id that the access tokens carry', async () => {
      const tokens = await flow.tokensFor(client);
      const [payload = ''] = tokens.access_token.split('.').slice(1);
      const { sid } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sid: string };
      expect((await service().grantsOf('alice')).map(({ grantId }) => grantId)).toEqual([sid]);
    });
  });

  it('end one by one, with their tokens and their login at the upstream', async () => {
    const [one, two] = [await flow.tokensFor(client), await flow.tokensFor(other)];
    const before = idp.requestsTo('revocation').length;
    const listed = await service().grantsOf('alice');
    const { grantId = '' } = listed.find(({ clientId }) => clientId === client.id) ?? {};
    expect(await service(peer).revokeGrant(grantId)).toBe(true);
    await isOver(one);
    await goesOn(two, other);
    await eventually(
      () => idp.requestsTo('revocation').slice(before)[0]?.status === 200,
      'the upstream ended the login',
    );
    expect(await service().revokeGrant(grantId)).toBe(false);
    expect(await service().revokeGrant('nothing')).toBe(false);
    expect(flow.log.matching('log', '"cause":"operator"')).not.toHaveLength(0);
  });

  describe('all end at once', () => {
    it('on every instance, and those of others go on — RT-24', async () => {
      const mine = [await flow.tokensFor(client), await flow.tokensFor(client)];
      const atOther = await peer.tokensFor(other);
      const bobs = await flow.tokensFor(client, { user: 'bob' });
      for (const { access_token } of [...mine, atOther, bobs]) {
        expect(await peer.isAccepted(access_token)).toBe(true);
      }
      await service().revokeAll({ subject: 'alice' });
      for (const tokens of mine) await isOver(tokens);
      await isOver(atOther, other);
      await goesOn(bobs);
      expect(await service().grantsOf('alice')).toEqual([]);
    });

    it('of a client: refreshes at once, access tokens within a second — RT-24', async () => {
      const alices = await flow.tokensFor(client);
      const bobs = await flow.tokensFor(client, { user: 'bob' });
      const spared = await flow.tokensFor(other);
      for (const { access_token } of [alices, bobs, spared]) {
        expect(await peer.isAccepted(access_token)).toBe(true);
      }
      await service().revokeAll({ clientId: client.id });
      const answer = await peer.refresh(alices.refresh_token, client);
      expectTokenError(answer, peer, 'invalid_grant');
      clock.advance(1);
      for (const tokens of [alices, bobs]) await isOver(tokens);
      await goesOn(spared, other);
    });

    it('of a client also end the logins at the upstream, as they turn up', async () => {
      const tokens = await flow.tokensFor(client);
      const before = idp.requestsTo('revocation').length;
      await service().revokeAll({ clientId: client.id });
      const left = records('grant', 'upstream-session');
      await flow.refresh(tokens.refresh_token, client);
      const [grants = 0, sessions = 0] = left;
      expect(records('grant', 'upstream-session')).toEqual([grants - 1, sessions - 1]);
      await eventually(
        () => idp.requestsTo('revocation').slice(before)[0]?.status === 200,
        'the upstream ended the login',
      );
    });

    it('of a user at one client, and nothing else of either — RT-24', async () => {
      const both = await flow.tokensFor(client);
      const atOther = await flow.tokensFor(other);
      const bobs = await flow.tokensFor(client, { user: 'bob' });
      await service().revokeAll({ subject: 'alice', clientId: client.id });
      await isOver(both);
      await goesOn(atOther, other);
      await goesOn(bobs);
    });

    it('with nothing of the user left but what names nobody — ST-20', async () => {
      const kinds = ['grant', 'grant-slot', 'upstream-session'];
      const before = records(...kinds);
      const revocations = idp.requestsTo('revocation').length;
      const tokens = await flow.tokensFor(client);
      await flow.refresh(tokens.refresh_token, client);
      await flow.tokensFor(other);
      const held = await flow.codeFor(client);
      expect(records(...kinds)).toEqual(before.map((n) => n + 2));
      await service().revokeAll({ subject: 'alice' });
      expect(records(...kinds)).toEqual(before);
      await eventually(
        () => idp.requestsTo('revocation').length === revocations + 2,
        'both logins ended at the upstream',
      );
      // The code holds the user's identity until it expires; nobody gets anything for it.
      expectTokenError(await peer.redeem(held), peer, 'invalid_grant');
      expect(records(...kinds)).toEqual(before);
      clock.advance(120);
      const codes = flow.app.store.live().filter(({ key }) => key.startsWith('code:'));
      const left = await Promise.all(codes.map(({ key }) => flow.app.store.get(key)));
      expect(left.filter((value) => value !== undefined)).toEqual([]);
    });

    it('and the user can log in again at once', async () => {
      await flow.tokensFor(client);
      await service().revokeAll({ subject: 'alice' });
      await service().revokeAll({ clientId: client.id });
      clock.advance(1);
      await goesOn(await flow.tokensFor(client));
    });
  });

  describe('are not made of what was revoked between login and redemption', () => {
    it.each([
      ['the user', () => ({ subject: 'alice' })],
      ['the client', () => ({ clientId: client.id })],
      ['the user at the client', () => ({ subject: 'alice', clientId: client.id })],
    ])('of %s — AC-11', async (_name, target) => {
      const held = await flow.codeFor(client);
      const before = records('grant', 'grant-slot', 'upstream-session', 'access-token');
      await service().revokeAll(target());
      clock.advance(1);
      expectTokenError(await peer.redeem(held), peer, 'invalid_grant');
      expectTokenError(await flow.redeem(held), flow, 'invalid_grant');
      expect(records('grant', 'grant-slot', 'upstream-session', 'access-token')).toEqual(before);
    });

    it('and are made for everybody else — AC-11', async () => {
      const held = await flow.codeFor(client);
      await service().revokeAll({ subject: 'bob' });
      await service().revokeAll({ clientId: other.id });
      await service().revokeAll({ subject: 'alice', clientId: other.id });
      await goesOn(tokensOf(await peer.redeem(held)));
    });
  });

  describe('while they are being made or used', () => {
    it.each([
      ['the code is about to be spent', 'take', 'code:'],
      ['the grant is about to be written', 'set', 'grant:'],
      ['the grant is about to be listed', 'add', 'grant-slot:'],
    ] as const)('end all the same: %s — RT-24, AC-11', async (_name, operation, kind) => {
      const held = await flow.codeFor(client);
      const gate = flow.app.store.hold(operation, kind);
      const redemption = flow.redeem(held);
      await gate.arrived(1);
      await service(peer).revokeAll({ subject: 'alice' });
      gate.release();
      expectTokenError(await redemption, flow, 'invalid_grant');
      expect(await service().grantsOf('alice')).toEqual([]);
    });

    it('end when the tokens are about to be let out — RT-24, AC-11', async () => {
      const held = await flow.codeFor(client);
      const gate = flow.app.store.hold('get', 'revocation-mark:');
      const redemption = flow.redeem(held);
      await gate.arrived(3);
      await service(aside).revokeAll({ clientId: client.id });
      gate.release();
      expectTokenError(await redemption, flow, 'invalid_grant');
      expect(await service().grantsOf('alice')).toEqual([]);
    });

    it.each([
      ['its time is about to be prolonged', 'set', 'grant:'],
      ['the refresh token is about to be rotated', 'add', 'rotated-refresh-token:'],
    ] as const)('end beside a refresh: %s — RT-24', async (_name, operation, kind) => {
      const before = records('grant', 'grant-slot', 'upstream-session');
      const tokens = await flow.tokensFor(client);
      clock.advance(86_400);
      const gate = flow.app.store.hold(operation, kind);
      const refresh = flow.refresh(tokens.refresh_token, client);
      await gate.arrived(1);
      await service(peer).revokeAll({ subject: 'alice' });
      gate.release();
      expectTokenError(await refresh, flow, 'invalid_grant');
      await isOver(tokens);
      expect(records('grant', 'grant-slot', 'upstream-session')).toEqual(before);
    });

    it('end right behind a refresh that has its tokens already — RT-24', async () => {
      const before = records('grant', 'grant-slot', 'upstream-session');
      const tokens = await flow.tokensFor(client);
      clock.advance(86_400);
      const gate = flow.app.store.hold('delete', 'refresh-token:');
      const refresh = flow.refresh(tokens.refresh_token, client);
      await gate.arrived(1);
      await service(peer).revokeAll({ subject: 'alice' });
      gate.release();
      await isOver(tokensOf(await refresh));
      await isOver(tokens);
      expect(records('grant', 'grant-slot', 'upstream-session')).toEqual(before);
    });

    it('go on when nothing is revoked, over the same steps', async () => {
      const tokens = await flow.tokensFor(client);
      clock.advance(86_400);
      const gate = flow.app.store.hold('set', 'grant:');
      const refresh = flow.refresh(tokens.refresh_token, client);
      await gate.arrived(1);
      gate.release();
      await goesOn(tokensOf(await refresh));
    });
  });

  it('stay over, though the instance that ended them lets none live for as long — RT-24', async () => {
    const { origin, store } = flow.app;
    const lifetimes = { refreshTokenIdle: 3600, refreshTokenAbsolute: 3600 };
    const port = await freePort();
    const brief = await startFlow({
      idp,
      platform,
      clock,
      port,
      origin,
      store,
      logger: flow.log,
      proxy: { lifetimes },
    });
    try {
      const [ended, kept] = [await flow.tokensFor(client), await flow.tokensFor(other)];
      await service(brief).revokeAll({ clientId: client.id });
      clock.advance(3601);
      await isOver(ended);
      expect((await peer.refresh(kept.refresh_token, other)).status).toBe(200);
    } finally {
      await brief.app.app.close();
    }
  });

  it('are not touched by a store that fails in the middle of it: it is said', async () => {
    const tokens = await flow.tokensFor(client);
    for (const [operation, kind] of [
      ['set', 'revocation-mark:'],
      ['set', 'latest-revocation-mark:'],
      ['get', 'grant-slot:'],
      ['take', 'grant:'],
      ['set', 'revoked-grant:'],
    ] as const) {
      flow.app.store.failNext(operation, undefined, kind);
      await expect(service().revokeAll({ subject: 'alice' })).rejects.toThrow('the store is down');
    }
    await service().revokeAll({ subject: 'alice' });
    await isOver(tokens);
  });
});

describe.each(platforms)('a module without an authorization server on %s', (platform) => {
  it('has no grants, and says so', async () => {
    const verifier = new StaticTokenVerifier({
      tokens: { 'a-static-token-of-a-robot': { clientId: 'robot', scopes: [] } },
    });
    const app = await createApp(
      moduleOf({ imports: [MultiAuthModule.forRoot({ verifiers: verifier })] }),
      platform,
    );
    try {
      const service = app.app.get(MultiAuthService, { strict: false });
      for (const call of [
        () => service.grantsOf('alice'),
        () => service.revokeAll({ subject: 'alice' }),
        () => service.revokeGrant('x'),
        () => service.reloadKeys(),
      ]) {
        await expect(call()).rejects.toThrow('server: is no OAuthProvider');
      }
    } finally {
      await app.close();
    }
  });
});
