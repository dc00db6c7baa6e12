// AT of the security matrix: what an issuer publishes at its jwks_uri, and when it does not answer.
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { JwtVerifier } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { EverySource, signerOf } from '../support/every-source.js';
import { FakeIssuer, type FakeIssuerMode, fakeIssuerKey } from '../support/fake-issuer.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('the keys of an issuer on %s', (platform) => {
  let every: EverySource;
  let remote: FakeIssuer;
  /** One that is asked but never answers, and keeps who asked it waiting. */
  let hung: FakeIssuer;

  beforeAll(async () => {
    remote = await new FakeIssuer({ algorithm: 'ES256' }).start();
    hung = await new FakeIssuer().start();
    every = await EverySource.start({
      idp,
      platform,
      module: { sourceTimeoutSeconds: 0.5 },
      verifiers: (_origin, clock) => [
        new JwtVerifier({
          name: 'remote',
          jwksUri: remote.jwksUri,
          issuer: remote.issuer,
          audience: 'mcp',
          algorithms: ['RS256', 'ES256'],
          clock,
        }),
        new JwtVerifier({
          name: 'hung',
          jwksUri: hung.jwksUri,
          issuer: hung.issuer,
          audience: 'mcp',
          clock,
        }),
      ],
    });
  });

  afterAll(async () => {
    await every.close();
    await remote.stop();
    await hung.stop();
  });

  // Whatever was kept is too old to be used.
  beforeEach(async () => {
    remote.reset();
    await remote.rotate();
    every.clock.advance(3601);
  });

  const claims = () => {
    const now = every.clock.now();
    return { iss: remote.issuer, aud: 'mcp', scope: 'mcp:use', iat: now, exp: now + 3000 };
  };

  const token = (...[header, key]: [header?: object, key?: (typeof remote.keys)[number]]) =>
    remote.sign(claims(), { ...header }, key);

  it('without a kid are used when only one can be meant — AT-12', async () => {
    expect(await every.main.present(await token({ kid: undefined }))).toBe('accepted');
    await remote.addKey();
    every.clock.advance(601);
    expect(await every.main.present(await token({ kid: undefined }))).toBe('B401i');
    expect(await every.main.present(await token())).toBe('accepted');
  });

  it('that are bad are left out, and the good one among them works — AT-13', async () => {
    const [good] = remote.keys;
    const make = (kid: string) => fakeIssuerKey(kid, 'ES256');
    const [enc, ops, leaked, twin, twin2] = await Promise.all(
      ['enc', 'ops', 'leaked', 'twin', 'twin'].map(make),
    );
    if (!good || !enc || !ops || !leaked || !twin || !twin2) throw new Error('unreachable');
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const secret = 'a-secret-that-everyone-can-read-0123';
    remote.document = {
      keys: [
        null,
        'key',
        { ...enc.publicJwk, use: 'enc' },
        { ...ops.publicJwk, use: undefined, key_ops: ['encrypt'] },
        { ...leaked.publicJwk, d: 'AQAB' },
        { ...weak.publicKey.export({ format: 'jwk' }), kid: 'weak' },
        { ...every.jwks.publicKey?.export({ format: 'jwk' }), kid: 'e1', e: 'AQ' },
        { kty: 'oct', k: Buffer.from(secret).toString('base64url'), kid: 'oct', alg: 'HS256' },
        { kty: 'AKP', alg: 'ML-DSA-44', kid: 'exotic', pub: 'AAAA' },
        twin.publicJwk,
        twin2.publicJwk,
        good.publicJwk,
      ],
    };
    expect(await every.main.present(await token({}, good))).toBe('accepted');
    for (const key of [enc, ops, leaked, twin, twin2]) {
      expect([key.kid, await every.main.present(await token({}, key))]).toEqual([key.kid, 'B401i']);
    }
    const byWeak = signerOf((text) => sign('sha256', Buffer.from(text), weak.privateKey));
    const byOct = signerOf((text) => createHmac('sha256', secret).update(text).digest());
    const typ = 'at+jwt';
    expect(await every.main.present(byWeak({ alg: 'RS256', typ, kid: 'weak' }, claims()))).toBe(
      'B401i',
    );
    for (const alg of ['HS256', 'RS256', 'ES256']) {
      expect(await every.main.present(byOct({ alg, typ, kid: 'oct' }, claims()))).toBe('B401i');
    }
  });

  it.each<FakeIssuerMode>(['500', 'html', 'redirect', 'huge'])(
    'that cannot be had (%s) leave no verdict, and hurt no other source — AT-14',
    async (mode) => {
      remote.mode = mode;
      const good = await token();
      expect(await every.main.present(good)).toBe('503');
      expect(await every.main.present(good)).toBe('503');
      expect(await every.main.present('static-token-of-the-robot')).toBe('accepted');
      // Nor does a token that could not pass anyway ask for them.
      const asked = remote.requests;
      const wrong = await remote.sign({ ...claims(), aud: 'another' });
      expect(await every.main.present(wrong)).toBe('B401i');
      expect([remote.requests, remote.strayRequests]).toEqual([asked, 0]);
    },
  );

  it('that never come leave no verdict, in bounded time — AT-14', async () => {
    hung.mode = 'hang';
    const good = await hung.sign({ ...claims(), iss: hung.issuer });
    const both = await Promise.all([good, good].map((sent) => hungOutcome(sent)));
    expect(both).toEqual([503, 503]);
    expect(hung.requests).toBe(1);
    expect(await every.main.present('static-token-of-the-robot')).toBe('accepted');
  });

  const hungOutcome = async (sent: string) =>
    (await every.main.call('/mcp', { authorization: `Bearer ${sent}` })).status;

  it.each<FakeIssuerMode>(['500', 'html', 'redirect', 'huge'])(
    'that were had are used for an hour when they cannot be had again (%s) — AT-14',
    async (mode) => {
      const [key] = remote.keys;
      expect(await every.main.present(await token({}, key))).toBe('accepted');
      remote.mode = mode;
      every.clock.advance(3500);
      expect(await every.main.present(await token({}, key))).toBe('accepted');
      every.clock.advance(200);
      expect(await every.main.present(await token({}, key))).toBe('503');
      expect(remote.strayRequests).toBe(0);
      remote.mode = 'ok';
      every.clock.advance(6);
      expect(await every.main.present(await token({}, key))).toBe('accepted');
    },
  );

  it('that were withdrawn are used for ten minutes at most — AT-15', async () => {
    const [withdrawn] = remote.keys;
    expect(await every.main.present(await token({}, withdrawn))).toBe('accepted');
    const next = await remote.rotate();
    every.clock.advance(599);
    expect(await every.main.present(await token({}, withdrawn))).toBe('accepted');
    every.clock.advance(2);
    expect(await every.main.present(await token({}, withdrawn))).toBe('B401i');
    expect(await every.main.present(await token({}, next))).toBe('accepted');
  });

  it('are not fetched for each kid that someone makes up — VC-28', async () => {
    expect(await every.main.present(await token())).toBe('accepted');
    const asked = remote.requests;
    for (let i = 0; i < 20; i++) {
      expect(await every.main.present(await token({ kid: `made-up-${i}` }))).toBe('B401i');
    }
    expect(remote.requests).toBe(asked);
    every.clock.advance(31);
    for (let i = 0; i < 20; i++) await every.main.present(await token({ kid: `again-${i}` }));
    expect(remote.requests).toBe(asked + 1);
  });
});
