import { beforeAll, describe, expect, it } from '@jest/globals';
import { fakeIssuerKey } from '../../test/support/fake-issuer.js';
import type { FakeIssuerKey } from '../../test/support/fake-issuer.js';
import { parseJwks } from './jwks-document.js';

describe('parseJwks', () => {
  let a: FakeIssuerKey;
  let b: FakeIssuerKey;
  beforeAll(async () => {
    [a, b] = await Promise.all([fakeIssuerKey('a'), fakeIssuerKey('b')]);
  });

  const kidsOf = (keys: unknown[]) => parseJwks({ keys }).map((key) => key.kid);

  it('reads all that can be used and leaves the rest out — AT-13', () => {
    const bad = [
      null,
      'key',
      { ...a.publicJwk, kid: 'enc', use: 'enc' },
      { kty: 'oct', k: 'c2VjcmV0', kid: 'oct' },
      { kty: 'XYZ', kid: 'exotic' },
      { ...a.publicJwk, kid: 7 },
    ];
    expect(kidsOf([...bad, a.publicJwk, b.publicJwk])).toEqual(['a', 'b']);
    expect(kidsOf(bad)).toEqual([]);
    expect(kidsOf([])).toEqual([]);
  });

  it('leaves a key out whose private half is published — AT-13', () => {
    expect(kidsOf([{ ...a.publicJwk, d: 'AQAB' }, b.publicJwk])).toEqual(['b']);
  });

  it('uses neither of two keys that share a kid — AT-13', () => {
    expect(kidsOf([a.publicJwk, { ...b.publicJwk, kid: 'a' }])).toEqual([]);
    expect(kidsOf([a.publicJwk, { ...b.publicJwk, kid: 'a' }, b.publicJwk])).toEqual(['b']);
  });

  it('takes a key that is listed twice once', () => {
    expect(kidsOf([a.publicJwk, { ...a.publicJwk, x5t: 'x' }])).toEqual(['a']);
  });

  it('keeps a key that is listed for two algorithms', () => {
    expect(kidsOf([a.publicJwk, { ...a.publicJwk, alg: 'RS512' }])).toEqual(['a', 'a']);
  });

  it('keeps keys without a kid', () => {
    const { kid: _a, ...one } = a.publicJwk;
    const { kid: _b, ...two } = b.publicJwk;
    expect(kidsOf([one, two])).toEqual([undefined, undefined]);
  });

  it.each([null, undefined, 'keys', 7, {}, [], { keys: {} }, { keys: 'x' }])(
    'throws for %j, which is no JWK Set — AT-14',
    (document) => {
      expect(() => parseJwks(document)).toThrow(/JWK Set/);
    },
  );

  it('throws for more keys than any issuer has', () => {
    expect(() => parseJwks({ keys: Array.from({ length: 101 }, () => a.publicJwk) })).toThrow(
      /100/,
    );
    expect(parseJwks({ keys: Array.from({ length: 100 }, () => a.publicJwk) })).toHaveLength(1);
  });
});
