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

  it.each<[string, object]>([
    ['crit of an unknown extension', { crit: ['bork'], bork: true }],
    ['an empty crit', { crit: [] }],
    ['crit of a registered name', { crit: ['exp'], exp: 9e9 }],
    ['crit that is no list', { crit: 'b64' }],
    ['crit null', { crit: null }],
    ['b64 false', { b64: false }],
    ['b64 false and critical', { b64: false, crit: ['b64'] }],
    ['b64 true and critical', { b64: true, crit: ['b64'] }],
  ])('with %s, though genuinely signed — AT-25', async (_what, extra) => {
    await expectRefused(({ sign: genuinely, header, claims }) =>
      genuinely({ ...header, ...extra }, claims),
    );
  });

  it('with its content outside, as b64 false has it — AT-25', async () => {
    await expectRefused(({ sign: genuinely, header, claims }) => {
      const [head, , signature] = partsOf(
        genuinely({ ...header, b64: false, crit: ['b64'] }, claims),
      );
      return `${head}..${signature}`;
    });
  });

  it.each<[string, object]>([
    ['dir', { alg: 'dir', enc: 'A256GCM' }],
    ['RSA-OAEP', { alg: 'RSA-OAEP-256', enc: 'A256GCM' }],
    ['a compression bomb', { alg: 'dir', enc: 'A256GCM', zip: 'DEF' }],
    [
      'PBES2 with 2^31 rounds',
      { alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 2 ** 31, p2s: 'c2FsdHNhbHQ' },
    ],
    ['a nested JWT', { alg: 'dir', enc: 'A256GCM', cty: 'JWT' }],
  ])('that is a JWE: %s — AT-26', async (_what, jwe) => {
    await expectRefused(({ header, claims }) => {
      const [iv, text, tag] = ['000000000000', JSON.stringify(claims), '0'.repeat(16)].map(
        base64url,
      );
      return `${base64url(JSON.stringify({ ...header, ...jwe }))}.${iv}.${iv}.${text}.${tag}`;
    });
    await expectRefused(({ sign: genuinely, header, claims }) =>
      genuinely({ ...header, ...jwe }, claims),
    );
  });

  it('in JSON serialisation, with more parts or fewer — AT-27', async () => {
    // JSON itself is outside the grammar of a bearer token; in base64url it is no JWT.
    await expectRefused(({ genuine }) => {
      const [head, payload, signature] = partsOf(genuine);
      return base64url(JSON.stringify({ protected: head, payload, signature }));
    });
    await expectRefused(({ genuine }) => {
      const [head, payload, signature] = partsOf(genuine);
      const signatures = [
        { protected: head, signature },
        { protected: head, signature: 'AA' },
      ];
      return base64url(JSON.stringify({ payload, signatures }));
    });
    const others: readonly ((genuine: string) => string)[] = [
      (genuine) => `${genuine}.`,
      (genuine) => `.${genuine}`,
      (genuine) => `${genuine}.${partsOf(genuine)[2]}`,
      (genuine) => `${genuine}.${genuine}`,
      (genuine) => genuine.replace('.', '..'),
      (genuine) => partsOf(genuine).toReversed().join('.'),
      (genuine) => partsOf(genuine)[1],
    ];
    for (const change of others) await expectRefused(({ genuine }) => change(genuine));
    const raw = JSON.stringify({ payload: 'x', signatures: [] });
    expect(await every.main.present(raw)).toBe('B400');
  });

  it.each([
    ['alg twice, the false one first', (h: string) => h.replace('{', '{"alg":"none",')],
    ['alg twice, the false one last', (h: string) => h.replace(/}$/, ',"alg":"none"}')],
    [
      'alg twice, the same',
      (h: string) => h.replace('{', `{"alg":${/"alg":("\w+")/.exec(h)?.[1]},`),
    ],
    ['typ twice', (h: string) => h.replace('{', '{"typ":"JWT",')],
    ['kid twice', (h: string) => h.replace('{', '{"kid":"other",')],
    ['an escaped twin', (h: string) => h.replace('{', '{"\\u0061lg":"none",')],
  ])('with a header that has %s, though genuinely signed — AT-28', async (what, change) => {
    await expectRefused(({ name, sign: genuinely, header, claims }) =>
      name === 'pem' && what === 'kid twice'
        ? undefined // its header has none
        : genuinely(change(JSON.stringify(header)), claims),
    );
  });

  it('may have a claim twice, as only the signer can write it: the last counts — AT-28', async () => {
    const twice = (first: string, last: string) =>
      outcomesOf(every.jwts, ({ sign: genuinely, header, claims }) => {
        const text = JSON.stringify(claims).replace(/"exp":\d+/, `"exp":${first}`);
        return genuinely(header, `${text.slice(0, -1)},"exp":${last}}`);
      });
    const later = String(every.clock.now() + 300);
    expect(await twice('1', later)).toEqual(all(every.jwts, 'accepted'));
    expect(await twice(later, '1')).toEqual(all(every.jwts, 'B401i'));
  });

  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  /** Other texts that a lenient decoder reads as the same bytes. */
  const spellings = (part: string): string[] => {
    const spare = [0, 0, 4, 2][part.length % 4] ?? 0;
    const last = alphabet.indexOf(part.at(-1) ?? '');
    const free = Array.from({ length: spare === 4 ? 15 : spare === 2 ? 3 : 0 }, (_, i) => i + 1);
    const twins = free.map((bits) => part.slice(0, -1) + alphabet[last ^ bits]);
    const classic = part.replaceAll('-', '+').replaceAll('_', '/');
    const padded = [`${part}=`, `${part}==`];
    return [...twins, ...padded, ...(classic === part ? [] : [classic])];
  };

  it('in another spelling of the same bytes — AT-38, VC-15', async () => {
    for (const position of [0, 1, 2] as const) {
      for (const source of every.jwts) {
        const parts = partsOf(source.genuine);
        for (const spelling of spellings(parts[position])) {
          const token = parts.map((part, i) => (i === position ? spelling : part)).join('.');
          // Padding is within the bearer grammar only at the end.
          const refused = spelling.endsWith('=') && position < 2 ? 'B400' : 'B401i';
          expect([source.name, position, await source.app.present(token)]).toEqual([
            source.name,
            position,
            refused,
          ]);
        }
      }
    }
  });

  it('that shares its kid, jti, claims or beginning with one just accepted — AT-38', async () => {
    for (const source of every.jwts) {
      expect(await source.app.present(source.genuine)).toBe('accepted');
      const [head, payload, signature] = partsOf(source.genuine);
      const flipped = signature.startsWith('A')
        ? `B${signature.slice(1)}`
        : `A${signature.slice(1)}`;
      for (const token of [
        `${head}.${payload}.${flipped}`,
        `${head}.${payload}.${signature.toUpperCase()}`,
        `${head}.${payload}.${signature.toLowerCase()}`,
        `${source.genuine}A`,
        asAttacker(source.header, source.claims),
      ]) {
        expect([source.name, await source.app.present(token)]).toEqual([source.name, 'B401i']);
      }
    }
  });
});
