// AT of the security matrix: forgeries by someone who knows a genuine token and every public key.
import { constants, createHmac, generateKeyPairSync, KeyObject, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import {
  all,
  base64url,
  compact,
  EverySource,
  type JwtSource,
  outcomesOf,
  partsOf,
  signerOf,
} from '../support/every-source.js';
import { FakeIssuer } from '../support/fake-issuer.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;
let evil: FakeIssuer;
const attacker = generateKeyPairSync('rsa', { modulusLength: 2048 });
const asAttacker = signerOf((text) => sign('sha256', Buffer.from(text), attacker.privateKey));
const hmac = (key: string | Buffer, hash = 'sha256') =>
  signerOf((text) => createHmac(hash, key).update(text).digest());

beforeAll(async () => {
  idp = await UpstreamIdp.start();
  evil = await new FakeIssuer().start();
});

afterAll(async () => {
  await evil.stop();
  await idp.stop();
});

describe.each(platforms)('a forged access token on %s', (platform) => {
  let every: EverySource;

  beforeAll(async () => {
    every = await EverySource.start({ idp, platform });
    // The keys are fetched, so that whatever is fetched later would be the attack's work.
    await every.main.present(every.jwks.genuine);
  });

  afterAll(() => every.close());

  const expectRefused = async (attack: (source: JwtSource) => string | undefined) => {
    const outcomes = await outcomesOf(every.jwts, attack);
    expect(outcomes).toEqual(
      Object.fromEntries(Object.keys(outcomes).map((name) => [name, 'B401i'])),
    );
    expect(Object.keys(outcomes)).not.toHaveLength(0);
  };

  it('is told from a genuine one, made the same way', async () => {
    const made = await outcomesOf(every.jwts, ({ sign: genuinely, header, claims }) =>
      genuinely(header, claims),
    );
    expect(made).toEqual(all(every.jwts, 'accepted'));
    await expectRefused(({ header, claims }) => asAttacker({ ...header, alg: 'RS256' }, claims));
  });

  it.each(['none', 'None', 'NONE', 'nOnE', 'HS256', 'RS256', 'ES256'])(
    'with alg %s and no signature — AT-06',
    async (alg) => {
      await expectRefused(({ header, claims }) => compact({ ...header, alg }, claims));
      await expectRefused(({ header, claims }) => compact({ alg, typ: header['typ'] }, claims));
    },
  );

  it('without alg, with one that is no text, or with its signature cut off — AT-06', async () => {
    await expectRefused(({ sign: genuinely, header: { alg: _, ...header }, claims }) =>
      genuinely(header, claims),
    );
    for (const alg of [null, 1, ['RS256'], { alg: 'RS256' }, '', '__proto__']) {
      await expectRefused(({ sign: genuinely, header, claims }) =>
        genuinely({ ...header, alg }, claims),
      );
    }
    await expectRefused(({ genuine }) => genuine.slice(0, genuine.lastIndexOf('.') + 1));
    await expectRefused(({ genuine }) => genuine.slice(0, genuine.lastIndexOf('.')));
    await expectRefused(({ genuine }) => genuine.slice(0, -4));
  });

  it('with the signature of other content', async () => {
    await expectRefused(({ genuine, claims }) => {
      const [header, , signature] = partsOf(genuine);
      return `${header}.${base64url(JSON.stringify({ ...claims, scope: 'admin' }))}.${signature}`;
    });
    await expectRefused(({ genuine }) => `${genuine.slice(0, -8)}AAAAAAAA`);
  });

  const secretsOf = (key: KeyObject): readonly (string | Buffer)[] => {
    const pem = key.export({ type: 'spki', format: 'pem' }).toString();
    const jwk = key.export({ format: 'jwk' });
    const texts = [pem, pem.trimEnd(), `\n${pem}`, ` ${pem}`, `\uFEFF${pem}`, JSON.stringify(jwk)];
    return [
      ...texts,
      pem.replaceAll('\n', '\r\n'),
      key.export({ type: 'spki', format: 'der' }),
      ...(jwk.n ? [jwk.n, Buffer.from(jwk.n, 'base64url')] : []),
    ];
  };

  it.each([
    ['HS256', 'sha256'],
    ['HS384', 'sha384'],
    ['HS512', 'sha512'],
  ])('with the public key as the secret of %s — AT-07', async (alg, hash) => {
    for (const source of every.jwts) {
      if (!source.publicKey) continue;
      for (const secret of secretsOf(source.publicKey)) {
        await expectRefused((other) =>
          other === source
            ? hmac(secret, hash)({ ...source.header, alg }, source.claims)
            : undefined,
        );
      }
    }
  });

  it.each(['PS256', 'PS384', 'RS384', 'RS512', 'ES256K', 'ES384', 'EdDSA', 'RS1', 'RSA-OAEP'])(
    'with the algorithm %s of its own choice, though the key could do it — AT-08',
    async (alg) => {
      const rsa = KeyObject.from(every.issuer.keys[0]?.privateKey as never);
      const hash = `sha${/256|384|512/.exec(alg)?.[0] ?? '256'}`;
      const { RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST } = constants;
      const signature = (text: string) =>
        sign(hash, Buffer.from(text), {
          key: rsa,
          ...(alg.startsWith('PS') && {
            padding: RSA_PKCS1_PSS_PADDING,
            saltLength: RSA_PSS_SALTLEN_DIGEST,
          }),
        });
      await expectRefused(({ name, header, claims, sign: genuinely }) =>
        (name === 'jwks' ? signerOf(signature) : genuinely)({ ...header, alg }, claims),
      );
    },
  );

  it('with a key that it brings or points to; nothing is fetched — AT-09', async () => {
    const [evilKey] = evil.keys;
    if (!evilKey) throw new Error('unreachable');
    const byEvil = signerOf((text) =>
      sign('sha256', Buffer.from(text), KeyObject.from(evilKey.privateKey)),
    );
    const certificate = evilKey.publicJwk.n ?? '';
    const fetched = every.issuer.requests;
    for (const extra of [
      { jwk: evilKey.publicJwk },
      { jku: evil.jwksUri },
      { x5u: evil.strayUri },
      { x5c: [certificate], x5t: 'x' },
      { jwk: evilKey.publicJwk, jku: evil.jwksUri, x5u: evil.strayUri, kid: evilKey.kid },
      { iss: evil.issuer },
    ]) {
      await expectRefused(({ header, claims }) =>
        byEvil({ ...header, ...extra, alg: 'RS256' }, claims),
      );
    }
    const jwk = { kty: 'oct', k: base64url('the-secret-of-the-attacker-0123456789') };
    await expectRefused(({ header, claims }) =>
      hmac(Buffer.from(jwk.k, 'base64url'))({ ...header, alg: 'HS256', jwk }, claims),
    );
    expect([evil.requests, evil.strayRequests]).toEqual([0, 0]);
    expect(every.issuer.requests).toBe(fetched);
    // Beside a genuine signature such members are not even looked at.
    const beside = { jku: evil.jwksUri, x5u: evil.strayUri, jwk: evilKey.publicJwk };
    await outcomesOf(every.foreign, ({ header, claims, sign: genuinely }) =>
      genuinely({ ...header, ...beside }, claims),
    );
    expect([evil.requests, evil.strayRequests]).toEqual([0, 0]);
  });

  it.each<[string, unknown]>([
    ['a path', '../../../dev/null'],
    ['SQL', "' OR 1=1 --"],
    ['a URL', 'http://evil.test/'],
    ['__proto__', '__proto__'],
    ['constructor', 'constructor'],
    ['toString', 'toString'],
    ['a NUL', 'key\u0000'],
    ['nothing', ''],
    ['6000 characters', 'k'.repeat(6000)],
    ['0', 0],
    ['1', 1],
    ['null', null],
    ['true', true],
    ['a list', ['key-1']],
    ['an object', { kid: 'key-1' }],
  ])('with a kid that is %s — AT-10', async (_what, kid) => {
    // As an empty file, or no key at all, would sign.
    await expectRefused(({ header, claims }) => hmac('')({ ...header, alg: 'HS256', kid }, claims));
    await expectRefused(({ header, claims }) =>
      asAttacker({ ...header, alg: 'RS256', kid }, claims),
    );
    // A single configured key has no name, and so nothing to be confused with.
    await expectRefused(({ name, header, claims, sign: genuinely }) =>
      name === 'pem' && typeof kid === 'string' && kid.length < 256
        ? undefined
        : genuinely({ ...header, kid }, claims),
    );
    const said = every.main.flow.log.lines.map(({ text }) => text).join('\n');
    if (typeof kid === 'string' && kid.length > 9) expect(said).not.toContain(kid);
  });
});
