// AT of the security matrix: own tokens whose signature is good and whose records say no.
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SecretRing } from '../../lib/crypto/secret-ring.js';
import { JwtVerifier } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import {
  all,
  EverySource,
  type JwtSource,
  outcomesOf,
  signerOf,
  tokenForSecond,
} from '../support/every-source.js';
import { appSecret } from '../support/protected-app.js';
import { tokensOf } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const shared = 'https://shared.test';
let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)("the life of the proxy's own access tokens on %s", (platform) => {
  let every: EverySource;

  beforeAll(async () => {
    every = await EverySource.start({
      idp,
      platform,
      verifiers: (origin, clock, issuer) => [
        new JwtVerifier({
          name: 'of both resources',
          jwksUri: issuer.jwksUri,
          issuer: shared,
          audience: [`${origin}/mcp`, `${origin}/mcp2`, 'my-mcp-servers'],
          clock,
        }),
      ],
    });
    const apps = [every.main, every.signed];
    idp.setRedirectUris(apps.map(({ flow }) => `${flow.issuer}/auth/callback`));
  });

  afterAll(() => every.close());

  const own = (): readonly JwtSource[] => [every.own, every.ownEs256];

  it('with a jti or sid that names no record, or none, is over — AT-33', async () => {
    const unknown = 'AAAAAAAAAAAAAAAAAAAAAA';
    for (const change of [
      { jti: unknown },
      { jti: undefined },
      { jti: '' },
      { jti: 7 },
      { jti: ['x'] },
      { sid: unknown },
      { sid: undefined },
      { sid: null },
      { jti: unknown, sid: unknown },
      { scope: undefined },
      { jti: '__proto__', sid: '__proto__' },
    ]) {
      const outcomes = await outcomesOf(own(), ({ sign, header, claims }) =>
        sign(header, { ...claims, ...change }),
      );
      expect([change, outcomes]).toEqual([change, all(own(), 'B401i')]);
    }
  });

  it("with the jti of another client's grant, or its sid, is nobody's — AT-33", async () => {
    for (const { app, sign, header, claims, genuine } of own()) {
      const stranger = await app.flow.register();
      const tokens = await app.flow.tokensFor(stranger, { user: 'bob' });
      const [, payload = ''] = tokens.access_token.split('.');
      const { jti, sid } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
        jti: string;
        sid: string;
      };
      expect(await app.present(sign(header, { ...claims, jti }))).toBe('B401i');
      expect(await app.present(sign(header, { ...claims, sid }))).toBe('B401i');
      expect(await app.present(genuine)).toBe('accepted');
      expect(await app.present(tokens.access_token)).toBe('accepted');
      // The client is the grant's, whatever the token says of it.
      expect(await app.present(sign(header, { ...claims, client_id: stranger.id }))).toBe(
        'accepted',
      );
      expect(app.door.seen?.clientId).toBe(app.client.id);
    }
  });

  it('ends with its record, its grant, its time, each alone — AT-33', async () => {
    const { main, clock } = every;
    const { flow, client } = main;
    const [revoked, ended, expiring] = [
      await flow.tokensFor(client),
      await flow.tokensFor(client),
      await flow.tokensFor(client),
    ];
    await flow.revoke(revoked.access_token, client);
    await flow.revoke(ended.refresh_token, client);
    expect(await main.present(revoked.access_token)).toBe('B401i');
    expect(await main.present(ended.access_token)).toBe('B401i');
    expect(await main.present(expiring.access_token)).toBe('accepted');
    // A renewed expiry does not outlive the record.
    const { sign, header } = every.own;
    const [, payload = ''] = expiring.access_token.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
    const renewed = sign(header, { ...claims, exp: clock.now() + 86_400 });
    expect(await main.present(renewed)).toBe('accepted');
    clock.advance(expiring.expires_in + 1);
    try {
      expect(await main.present(expiring.access_token)).toBe('B401i');
      expect(await main.present(renewed)).toBe('B401i');
    } finally {
      clock.advance(-expiring.expires_in - 1);
    }
  });

  it('is no verdict when the store is down, and no handler runs — AT-33, U10', async () => {
    const { main, own: source } = every;
    main.flow.app.store.failNext('get');
    expect(await main.present(source.genuine)).toBe('503');
    expect(await main.present(source.genuine)).toBe('accepted');
  });

  it('signed with a key of the same secret for another purpose is refused', async () => {
    const ring = new SecretRing([appSecret]);
    const [signing] = ring.derive('token-signing');
    for (const purpose of ['consent-form', 'record-sealing'] as const) {
      const [{ key, kid }] = ring.derive(purpose);
      const sign = signerOf((text) => createHmac('sha256', key).update(text).digest());
      for (const named of [kid, signing.kid]) {
        const token = sign({ ...every.own.header, kid: named }, every.own.claims);
        expect(await every.main.present(token)).toBe('B401i');
      }
    }
    const secret = signerOf((text) => createHmac('sha256', appSecret).update(text).digest());
    expect(await every.main.present(secret(every.own.header, every.own.claims))).toBe('B401i');
  });

  it('and nothing else that the proxy hands out opens the door — AT-19', async () => {
    const { main } = every;
    const { flow } = main;
    const client = await flow.register({ token_endpoint_auth_method: 'client_secret_post' });
    const held = await flow.codeFor(client);
    const hops = held.browser.history;
    const states = hops
      .map(({ url }) => new URL(url).searchParams)
      .flatMap((params) =>
        ['txn', 'state', 'code', 'nonce'].flatMap((name) => params.getAll(name)),
      );
    const cookies = hops
      .flatMap(({ headers }) => headers['set-cookie'] ?? [])
      .map((cookie) => cookie.split(';')[0]?.split('=').slice(1).join('=') ?? '')
      .filter((value) => /^[\w-]+$/.test(value));
    expect(states.length).toBeGreaterThan(3);
    expect(cookies.length).toBeGreaterThan(1);
    const presented = [held.code, client.secret ?? '', ...states, ...cookies];
    for (const credential of presented) {
      if (!/^[A-Za-z0-9._~+/-]+=*$/.test(credential)) continue;
      expect([credential, await main.present(credential)]).toEqual([credential, 'B401i']);
    }
    // The client's id is no secret, and is logged.
    const authorization = `Bearer ${client.id}`;
    expect(await main.outcomeOf(() => main.call('/mcp', { authorization }))).toBe('B401i');
    const tokens = tokensOf(await flow.redeem(held));
    expect(await main.present(tokens.refresh_token)).toBe('B401i');
    expect(await main.present(tokens.access_token)).toBe('accepted');
  });

  it('is good at its own resource alone, both ways — AT-35', async () => {
    for (const { app, genuine } of own()) {
      const second = await tokenForSecond(app);
      expect(await app.present(genuine)).toBe('accepted');
      expect(await app.present(second, '/mcp2')).toBe('accepted');
      expect(await app.present(genuine, '/mcp2')).toBe('B401i');
      expect(await app.present(second)).toBe('B401i');
    }
    for (const { app, genuine, sign, header, claims } of every.foreign) {
      expect(await app.present(genuine, '/mcp2')).toBe('B401i');
      // Whatever the verifier of both says of the audience, it is not this resource's token.
      const second = `${app.flow.app.url}2`;
      const both = sign(header, { ...claims, aud: [second, app.flow.app.url] });
      expect(await app.present(both)).toBe('accepted');
    }
  });

  it('is good at its own resource alone, though one verifier knows both — AT-35', async () => {
    const { main } = every;
    const [first, second] = ['/mcp', '/mcp2'].map((path) => main.flow.app.origin + path);
    const token = (aud: unknown) => every.issuer.sign({ iss: shared, aud, scope: 'mcp:use' });
    const outcomes = async (aud: unknown) => [
      await main.present(await token(aud)),
      await main.present(await token(aud), '/mcp2'),
    ];
    expect(await outcomes(first)).toEqual(['accepted', 'B401i']);
    expect(await outcomes(second)).toEqual(['B401i', 'accepted']);
    expect(await outcomes([second, first])).toEqual(['accepted', 'accepted']);
    // What names no resource of this app is the verifier's own matter.
    expect(await outcomes('my-mcp-servers')).toEqual(['accepted', 'accepted']);
  });

  it('is good at its own app alone, though both know the same secret — AT-35', async () => {
    expect(await every.signed.present(every.own.genuine)).toBe('B401i');
    expect(await every.main.present(every.ownEs256.genuine)).toBe('B401i');
    // The key of one with the claims of the other: it is the kid and the algorithm that differ.
    const { header, claims } = every.ownEs256;
    const derived = every.own.header['kid'];
    expect(await every.signed.present(every.own.sign(header, claims))).toBe('B401i');
    const hs256 = { ...header, alg: 'HS256', kid: derived };
    expect(await every.signed.present(every.own.sign(hs256, claims))).toBe('B401i');
  });

  it('is verified by anyone with what /jwks shows, which is nothing secret', async () => {
    const answer = await every.signed.flow.send('/jwks');
    const { keys } = JSON.parse(answer.text) as { keys: Record<string, unknown>[] };
    expect(keys).toHaveLength(1);
    expect(
      Object.keys(keys[0] ?? {}).filter((name) => 'd p q dp dq qi k'.split(' ').includes(name)),
    ).toEqual([]);
    expect((await every.main.flow.send('/jwks')).status).toBe(404);
  });

  it('appears in no answer and no log line, accepted or not — AT-42', async () => {
    for (const { app, genuine, sign, header, claims } of every.jwts) {
      const tokens = [genuine, sign(header, { ...claims, exp: 1 }), `${genuine}A`];
      for (const token of tokens) {
        await app.present(token);
        const answer = await app.call('/mcp', { authorization: `Bearer ${token}` });
        const shown = JSON.stringify([answer.headers, answer.text, app.flow.log.lines]);
        for (const part of [token, ...token.split('.').slice(1)]) expect(shown).not.toContain(part);
      }
    }
  });
});
