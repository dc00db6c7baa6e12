import { createHmac, createPrivateKey, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { SignJWT, calculateJwkThumbprint, createLocalJWKSet, jwtVerify } from 'jose';
import type { JWK, JWTPayload } from 'jose';
import { ConfigurationError } from '../common/errors.js';
import type { KeyList } from './key-list.js';
import { randomToken } from './random.js';
import { SecretRing } from './secret-ring.js';
import { SigningKeys } from './signing-keys.js';

const NOW = 1_800_000_000;
const ISSUER = 'https://as.test';
const AUDIENCE = 'https://as.test/mcp';
const CLAIMS = { iss: ISSUER, aud: AUDIENCE, sub: 'user', exp: NOW + 60, iat: NOW };
const EXPECTED = { issuer: ISSUER, audience: AUDIENCE, typ: 'at+jwt', now: NOW };

const SECRET = randomToken();
const RING = new SecretRing([SECRET]);
const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
const ED = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
const RSA = rsaJwk(2048);

function rsaJwk(modulusLength: number, publicExponent = 65_537): JWK {
  const options = { modulusLength, publicExponent };
  return generateKeyPairSync('rsa', options).privateKey.export({ format: 'jwk' });
}

function base64url(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString(
    'base64url',
  );
}

/** A JWS of exactly this header and payload, made without jose. */
function handMade(header: unknown, payload: unknown, signer: (input: string) => Buffer): string {
  const input = `${base64url(header)}.${base64url(payload)}`;
  return `${input}.${signer(input).toString('base64url')}`;
}

const [DERIVED] = RING.derive('token-signing');
const hmac = (input: string) => createHmac('sha256', DERIVED.key).update(input).digest();
const HEADER = { alg: 'HS256', typ: 'at+jwt', kid: DERIVED.kid };

describe.each([
  ['HS256 from secrets', () => SigningKeys.fromSecrets(RING)],
  ['ES256', () => SigningKeys.fromJwks([EC])],
  ['RS256', () => SigningKeys.fromJwks([RSA])],
  ['EdDSA', () => SigningKeys.fromJwks([ED])],
])('SigningKeys with %s', (_, make) => {
  const keys = make();
  let token: string;
  beforeAll(async () => {
    token = await keys.sign(CLAIMS, 'at+jwt');
  });

  it('verifies what it signed, and gives the claims back', async () => {
    expect(await keys.verify(token, EXPECTED)).toEqual(CLAIMS);
  });

  it('refuses another typ, and none is like another — RFC 8725 §3.11', async () => {
    for (const typ of ['JWT', 'application/at+jwt', 'AT+JWT', 'at+jwt ', 'rt+jwt', '']) {
      const other = await keys.sign(CLAIMS, typ);
      expect([typ, await keys.verify(other, EXPECTED)]).toEqual([typ, null]);
      expect(await keys.verify(other, { ...EXPECTED, typ })).toEqual(CLAIMS);
    }
  });

  it('accepts a token until the second it expires, and not in it', async () => {
    expect(await keys.verify(token, { ...EXPECTED, now: CLAIMS.exp - 1 })).toEqual(CLAIMS);
    expect(await keys.verify(token, { ...EXPECTED, now: CLAIMS.exp })).toBeNull();
  });

  it('refuses a token without exp', async () => {
    const { exp: _exp, ...eternal } = CLAIMS;
    expect(await keys.verify(await keys.sign(eternal, 'at+jwt'), EXPECTED)).toBeNull();
  });

  it('refuses a token that is not valid yet', async () => {
    const early = await keys.sign({ ...CLAIMS, nbf: NOW + 10 }, 'at+jwt');
    expect(await keys.verify(early, EXPECTED)).toBeNull();
    expect(await keys.verify(early, { ...EXPECTED, now: NOW + 10 })).toMatchObject(CLAIMS);
  });

  it.each([
    ['issuer', { iss: 'https://as.test/' }],
    ['issuer of another type', { iss: [ISSUER] as unknown as string }],
    ['audience', { aud: 'https://as.test/mcp2' }],
    ['audience that only begins alike', { aud: `${AUDIENCE}/` }],
    ['empty audience', { aud: [] }],
    ['type of exp', { exp: `${NOW + 60}` as unknown as number }],
  ])('refuses another %s', async (_name, claims: JWTPayload) => {
    const other = await keys.sign({ ...CLAIMS, ...claims }, 'at+jwt');
    expect(await keys.verify(other, EXPECTED)).toBeNull();
  });

  it('refuses a token without issuer or audience', async () => {
    const bare = await keys.sign({ exp: CLAIMS.exp }, 'at+jwt');
    expect(await keys.verify(bare, EXPECTED)).toBeNull();
    const anyAudience = { issuer: ISSUER, typ: 'at+jwt', now: NOW };
    const { aud: _aud, ...rest } = CLAIMS;
    const noAudience = await keys.sign(rest, 'at+jwt');
    expect(await keys.verify(noAudience, EXPECTED)).toBeNull();
    expect(await keys.verify(noAudience, anyAudience)).toEqual(rest);
  });

  it('accepts one audience among several', async () => {
    const many = await keys.sign({ ...CLAIMS, aud: ['https://x.test', AUDIENCE] }, 'at+jwt');
    expect(await keys.verify(many, EXPECTED)).not.toBeNull();
  });

  it('refuses a token with any character changed', async () => {
    for (let i = 0; i < token.length; i++) {
      const forged = `${token.slice(0, i)}${token[i] === 'A' ? 'B' : 'A'}${token.slice(i + 1)}`;
      // The last character of a part may hold spare bits that decode to the same bytes.
      const same = forged
        .split('.')
        .every((part, n) =>
          Buffer.from(part, 'base64url').equals(Buffer.from(token.split('.')[n]!, 'base64url')),
        );
      if (!same) expect([i, await keys.verify(forged, EXPECTED)]).toEqual([i, null]);
    }
  });

  it('refuses the token of another ring', async () => {
    const other = SigningKeys.fromSecrets(new SecretRing([randomToken()]));
    expect(await keys.verify(await other.sign(CLAIMS, 'at+jwt'), EXPECTED)).toBeNull();
  });

  it('shows no key when it is printed', () => {
    const shown = inspect(keys, { showHidden: true, depth: null }) + JSON.stringify(keys);
    expect(shown).toBe('SigningKeys {}{}');
  });
});

describe('SigningKeys.verify, of a header', () => {
  const keys = SigningKeys.fromSecrets(RING);

  it('accepts the hand-made twin of a genuine token', async () => {
    expect(await keys.verify(handMade(HEADER, CLAIMS, hmac), EXPECTED)).toEqual(CLAIMS);
  });

  it.each([
    ['no kid', { kid: undefined }],
    ['an unknown kid', { kid: 'other' }],
    ['a kid of the prototype', { kid: '__proto__' }],
    ['a kid that is a list', { kid: [DERIVED.kid] }],
    ['a kid that is null', { kid: null }],
    ['a longer kid', { kid: `${DERIVED.kid}\0` }],
    ['no typ', { typ: undefined }],
    ['a typ that is a list', { typ: ['at+jwt'] }],
    ['another HMAC', { alg: 'HS512' }],
    ['alg none', { alg: 'none' }],
    ['alg ES256', { alg: 'ES256' }],
    ['no alg', { alg: undefined }],
    ['crit of an unknown extension', { crit: ['bork'], bork: 1 }],
    ['crit that is empty', { crit: [] }],
    ['crit of exp', { crit: ['exp'] }],
    ['crit of b64', { crit: ['b64'], b64: true }],
    ['b64 false', { b64: false }],
    ['b64 true', { b64: true }],
  ])('refuses %s — RFC 8725 §3.1, RFC 7515 §4.1.11', async (_, change) => {
    const token = handMade({ ...HEADER, ...change }, CLAIMS, hmac);
    expect(await keys.verify(token, EXPECTED)).toBeNull();
  });

  it('refuses an unsigned token', async () => {
    const unsigned = handMade({ ...HEADER, alg: 'none' }, CLAIMS, () => Buffer.alloc(0));
    expect(await keys.verify(unsigned, EXPECTED)).toBeNull();
  });

  it('pays no attention to a key that the token brings along', async () => {
    const jwk = { kty: 'oct', k: DERIVED.key.toString('base64url') };
    const token = handMade({ ...HEADER, jwk }, CLAIMS, (input) =>
      createHmac('sha256', 'mine').update(input).digest(),
    );
    expect(await keys.verify(token, EXPECTED)).toBeNull();
  });

  it('refuses an HMAC keyed with a public key — RFC 8725 §2.1', async () => {
    const asymmetric = SigningKeys.fromJwks([EC]);
    const [jwk] = asymmetric.publicJwks()!.keys;
    const pem = createPrivateKey({ key: EC, format: 'jwk' }).export({
      type: 'pkcs8',
      format: 'pem',
    });
    for (const secret of [JSON.stringify(jwk), String(pem), jwk!.x!]) {
      const token = handMade({ alg: 'HS256', typ: 'at+jwt', kid: jwk!.kid }, CLAIMS, (input) =>
        createHmac('sha256', secret).update(input).digest(),
      );
      expect(await asymmetric.verify(token, EXPECTED)).toBeNull();
    }
  });

  it("refuses one key's signature under another key's kid", async () => {
    const both = SigningKeys.fromJwks([EC, ED]);
    const [ecKid, edKid] = both.publicJwks()!.keys.map(({ kid }) => kid);
    const ed = createPrivateKey({ key: ED, format: 'jwk' });
    const sign = (input: string) => signBytes(null, Buffer.from(input), ed);
    const token = (kid: unknown) => handMade({ alg: 'EdDSA', typ: 'at+jwt', kid }, CLAIMS, sign);
    expect(await both.verify(token(edKid), EXPECTED)).toEqual(CLAIMS);
    expect(await both.verify(token(ecKid), EXPECTED)).toBeNull();
  });

  it('answers null for anything else, without throwing', async () => {
    const odd = ['', '.', '..', 'a.b.c', '....', 'null', `${base64url('null')}..`, '\0', 'é.é.é'];
    for (const token of odd) expect(await keys.verify(token, EXPECTED)).toBeNull();
    for (const payload of ['null', '[]', '"x"', '{', '', '\xff']) {
      expect(await keys.verify(handMade(HEADER, payload, hmac), EXPECTED)).toBeNull();
    }
    await fc.assert(
      fc.asyncProperty(fc.array(fc.base64String()), async (parts) => {
        expect(await keys.verify(parts.join('.'), EXPECTED)).toBeNull();
      }),
    );
  });
});

describe('SigningKeys rotation', () => {
  it('signs with the first secret and verifies with all', async () => {
    const next = randomToken();
    const rotated = SigningKeys.fromSecrets(new SecretRing([next, SECRET]));
    const old = SigningKeys.fromSecrets(RING);
    expect(await rotated.verify(await old.sign(CLAIMS, 'at+jwt'), EXPECTED)).toEqual(CLAIMS);
    expect(await old.verify(await rotated.sign(CLAIMS, 'at+jwt'), EXPECTED)).toBeNull();
  });

  it('signs with the first JWK and verifies with all', async () => {
    const rotated = SigningKeys.fromJwks([ED, EC]);
    const old = SigningKeys.fromJwks([EC]);
    expect(await rotated.verify(await old.sign(CLAIMS, 'at+jwt'), EXPECTED)).toEqual(CLAIMS);
    expect(await old.verify(await rotated.sign(CLAIMS, 'at+jwt'), EXPECTED)).toBeNull();
  });

  it('follows its keys while it is used', async () => {
    const list = { current: [EC] as JWK[] };
    const following = SigningKeys.fromJwks(list as unknown as KeyList<JWK>);
    const old = await following.sign(CLAIMS, 'at+jwt');
    list.current = [ED, EC];
    const kids = following.publicJwks()?.keys.map(({ kty }) => kty);
    expect(kids).toEqual(['OKP', 'EC']);
    const next = await following.sign(CLAIMS, 'at+jwt');
    for (const token of [old, next])
      expect(await following.verify(token, EXPECTED)).toEqual(CLAIMS);
    list.current = [ED];
    expect(await following.verify(old, EXPECTED)).toBeNull();
    expect(await following.verify(next, EXPECTED)).toEqual(CLAIMS);
    expect(following.publicJwks()?.keys).toHaveLength(1);
  });

  it('works for many at once from the first call', async () => {
    const keys = SigningKeys.fromJwks([RSA]);
    const tokens = await Promise.all(Array.from({ length: 10 }, () => keys.sign(CLAIMS, 'at+jwt')));
    const claims = await Promise.all(tokens.map((token) => keys.verify(token, EXPECTED)));
    expect(claims).toEqual(tokens.map(() => CLAIMS));
  });
});

describe('SigningKeys.publicJwks', () => {
  it('is undefined for symmetric keys', () => {
    expect(SigningKeys.fromSecrets(RING).publicJwks()).toBeUndefined();
  });

  it('holds what verifies the tokens, for any JOSE library', async () => {
    const all = SigningKeys.fromJwks([EC, RSA, ED]);
    const set = createLocalJWKSet(all.publicJwks()!);
    for (const jwk of [EC, RSA, ED]) {
      const token = await SigningKeys.fromJwks([jwk]).sign(CLAIMS, 'at+jwt');
      const { payload } = await jwtVerify(token, set, { currentDate: new Date(NOW * 1000) });
      expect(payload).toEqual(CLAIMS);
    }
  });

  it('never holds a private member', () => {
    const extra = { ...EC, key_ops: ['sign'], ext: true, use: 'sig', oth: [], k: 'secret', foo: 1 };
    const { keys } = SigningKeys.fromJwks([extra, RSA, ED]).publicJwks()!;
    expect(keys.map((jwk) => Object.keys(jwk).sort())).toEqual([
      ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'],
      ['alg', 'e', 'kid', 'kty', 'n', 'use'],
      ['alg', 'crv', 'kid', 'kty', 'use', 'x'],
    ]);
    expect(keys.map(({ alg, use }) => [alg, use])).toEqual([
      ['ES256', 'sig'],
      ['RS256', 'sig'],
      ['EdDSA', 'sig'],
    ]);
  });

  it('names a key by its thumbprint unless it has a kid — RFC 7638', async () => {
    const { keys } = SigningKeys.fromJwks([EC, RSA, ED, { ...ED, kid: 'mine' }]).publicJwks()!;
    const thumbprints = await Promise.all([EC, RSA, ED].map((jwk) => calculateJwkThumbprint(jwk)));
    expect(keys.map(({ kid }) => kid)).toEqual([...thumbprints, 'mine']);
  });

  it('is not changed by what a caller does to it', () => {
    const keys = SigningKeys.fromJwks([EC]);
    const kid = keys.publicJwks()!.keys[0]!.kid;
    keys.publicJwks()!.keys[0]!.kid = 'other';
    expect(keys.publicJwks()!.keys[0]!.kid).toBe(kid);
  });
});

describe('SigningKeys.issues', () => {
  it('accepts good keys', () => {
    const keys = [EC, RSA, ED, { ...EC, kid: 'x', alg: 'ES256', use: 'sig', key_ops: ['sign'] }];
    expect(SigningKeys.issues(keys, 'OAuthProxy.signingKeys')).toEqual([]);
  });

  const { d: _d, ...publicEc } = EC;
  const otherEc = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
  it.each([
    ['not an object', 'x', 'private JWK'],
    ['null', null, 'private JWK'],
    ['a public key', publicEc, 'member d is missing'],
    ['a shared secret', { kty: 'oct', k: randomToken(), alg: 'HS256' }, 'must be a JWK for'],
    ['another curve', p384.export({ format: 'jwk' }), 'must be a JWK for'],
    ['X25519', { ...ED, crv: 'X25519' }, 'must be a JWK for'],
    ['a short RSA key', rsaJwk(1024), 'at least 2048 bits'],
    ['an RSA key with exponent 3', rsaJwk(2048, 3), 'public exponent'],
    ['for another algorithm', { ...RSA, alg: 'PS256' }, 'alg must be RS256'],
    ['for encryption', { ...EC, use: 'enc' }, 'use must be sig'],
    ['for verification only', { ...EC, key_ops: ['verify'] }, 'key_ops'],
    ['with a number as kid', { ...EC, kid: 1 }, 'kid'],
    ['with an empty kid', { ...EC, kid: '' }, 'kid'],
    ['not a key', { ...EC, x: 'AAAA' }, 'not a valid key'],
    ['without x', { ...ED, x: undefined }, 'not a valid key'],
    [
      'two halves of different keys',
      { ...EC, d: otherEc.export({ format: 'jwk' }).d },
      /do not belong together|not a valid key/,
    ],
  ])('names a key that is %s, without its value', (_, key, problem) => {
    const issues = SigningKeys.issues([ED, key], 'OAuthProxy.signingKeys');
    const text =
      typeof problem === 'string'
        ? expect.stringContaining(problem)
        : expect.stringMatching(problem);
    expect(issues).toEqual([{ path: 'OAuthProxy.signingKeys[1]', problem: text }]);
    const secret = (key as JWK | null)?.d;
    if (secret) expect(JSON.stringify(issues)).not.toContain(secret);
    expect(() => SigningKeys.fromJwks([key as JWK])).toThrow(ConfigurationError);
  });

  it.each([
    ['the same key twice', [EC, ED, EC]],
    ['two keys with one kid', [{ ...EC, kid: 'a' }, ED, { ...RSA, kid: 'a' }]],
  ])('refuses %s', (_, keys) => {
    expect(SigningKeys.issues(keys, 'keys')).toEqual([
      { path: 'keys[2]', problem: 'has the same kid as keys[0]' },
    ]);
  });

  it.each([[[]], [undefined], [EC]])('refuses what is no list of keys', (keys) => {
    const problem = 'must be a list of at least one private JWK';
    expect(SigningKeys.issues(keys, 'keys')).toEqual([{ path: 'keys', problem }]);
  });
});

describe('a token of SigningKeys', () => {
  it('is what jose makes of the same claims', async () => {
    const token = await SigningKeys.fromSecrets(RING).sign(CLAIMS, 'at+jwt');
    const twin = await new SignJWT(CLAIMS).setProtectedHeader(HEADER).sign(DERIVED.key);
    expect(token).toBe(twin);
  });
});
