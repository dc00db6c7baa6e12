// AT of the security matrix: tokens that the genuine key signed, in forms that must not pass.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import {
  all,
  base64url,
  EverySource,
  type JwtSource,
  outcomesOf,
  partsOf,
} from '../support/every-source.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('the form of an access token on %s', (platform) => {
  let every: EverySource;

  beforeAll(async () => {
    every = await EverySource.start({ idp, platform });
  });

  afterAll(() => every.close());

  const expectRefused = async (attack: (source: JwtSource) => string | undefined) => {
    const outcomes = await outcomesOf(every.jwts, attack);
    expect(outcomes).toEqual(
      Object.fromEntries(Object.keys(outcomes).map((name) => [name, 'B401i'])),
    );
    expect(Object.keys(outcomes)).not.toHaveLength(0);
  };

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
      ]) {
        expect([source.name, await source.app.present(token)]).toEqual([source.name, 'B401i']);
      }
    }
  });
});
