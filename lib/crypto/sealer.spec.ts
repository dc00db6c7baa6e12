import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { KeyList } from './key-list.js';
import { randomToken } from './random.js';
import { Sealer } from './sealer.js';
import { SecretRing } from './secret-ring.js';

const OLD = randomToken();
const NEW = randomToken();
const sealer = new Sealer(new SecretRing([NEW]));

describe('Sealer', () => {
  it('opens what it sealed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, data) => {
        expect(sealer.open(sealer.seal(text, data), data)).toBe(text);
      }),
    );
    expect(sealer.open(sealer.seal('', ''), '')).toBe('');
  });

  it('seals the same text differently every time', () => {
    const sealed = Array.from({ length: 1000 }, () => sealer.seal('text', 'data'));
    expect(new Set(sealed).size).toBe(1000);
    expect(new Set(sealed.map((text) => text.slice(12, 28))).size).toBe(1000);
  });

  it('hides the text', () => {
    const sealed = sealer.seal('a very private text', 'data');
    expect(Buffer.from(sealed, 'base64url').includes('private')).toBe(false);
    expect(sealed).not.toContain(Buffer.from('a very private text').toString('base64url'));
  });

  it('answers null under other associated data', () => {
    const sealed = sealer.seal('text', 'codes:1');
    expect(sealer.open(sealed, 'codes:1')).toBe('text');
    for (const other of ['codes:2', 'codes:', '', 'codes:1 ', 'codes:1\0']) {
      expect(sealer.open(sealed, other)).toBeNull();
    }
    expect(sealer.open(sealer.seal('text', '\ufffd'), '\ud800')).toBeNull();
  });

  it('answers null when any one bit of any byte was flipped', () => {
    const sealed = sealer.seal('text', 'data');
    const bytes = Buffer.from(sealed, 'base64url');
    for (let i = 0; i < bytes.length * 8; i++) {
      const forged = Buffer.from(bytes);
      forged[i >> 3] = (forged[i >> 3] ?? 0) ^ (1 << (i & 7));
      expect([i, sealer.open(forged.toString('base64url'), 'data')]).toEqual([i, null]);
    }
    expect(sealer.open(bytes.toString('base64url'), 'data')).toBe('text');
  });

  it('answers null when any one character was replaced', () => {
    const sealed = sealer.seal('text', 'data');
    for (let i = 0; i < sealed.length; i++) {
      for (const character of ['A', '_', '=', '+', ' ', 'é']) {
        if (sealed[i] === character) continue;
        const forged = sealed.slice(0, i) + character + sealed.slice(i + 1);
        expect([i, sealer.open(forged, 'data')]).toEqual([i, null]);
      }
    }
  });

  it('answers null when the text was cut or lengthened anywhere', () => {
    const sealed = sealer.seal('a longer text, to cut', 'data');
    for (let i = 0; i < sealed.length; i++) {
      expect(sealer.open(sealed.slice(0, i), 'data')).toBeNull();
      expect(sealer.open(sealed.slice(i + 1), 'data')).toBeNull();
    }
    for (const more of ['A', 'AAAA', '=', '\n', ' ', '.']) {
      expect(sealer.open(sealed + more, 'data')).toBeNull();
      expect(sealer.open(more + sealed, 'data')).toBeNull();
    }
  });

  it('answers null for another spelling of the same bytes', () => {
    // 1 + 8 + 12 + n + 16 bytes: one of these leaves spare bits in the last character.
    for (const text of ['', 'a', 'ab', 'abc']) {
      const sealed = sealer.seal(text, 'data');
      const bytes = Buffer.from(sealed, 'base64url');
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      const twins = alphabet
        .split('')
        .map((last) => sealed.slice(0, -1) + last)
        .filter((twin) => twin !== sealed && Buffer.from(twin, 'base64url').equals(bytes));
      expect(twins.length).toBe(bytes.length % 3 === 0 ? 0 : bytes.length % 3 === 1 ? 15 : 3);
      for (const twin of [...twins, bytes.toString('base64')]) {
        if (twin !== sealed) expect(sealer.open(twin, 'data')).toBeNull();
      }
    }
  });

  it('answers null for anything else, without throwing', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => {
        expect(sealer.open(text, 'data')).toBeNull();
      }),
    );
  });

  it('opens with an old secret and seals with the first', () => {
    const rotated = new Sealer(new SecretRing([NEW, OLD]));
    const old = new Sealer(new SecretRing([OLD]));
    expect(rotated.open(old.seal('text', 'data'), 'data')).toBe('text');
    expect(sealer.open(rotated.seal('text', 'data'), 'data')).toBe('text');
    expect(old.open(rotated.seal('text', 'data'), 'data')).toBeNull();
    expect(sealer.open(old.seal('text', 'data'), 'data')).toBeNull();
  });

  it('follows its ring', () => {
    const list = { current: [OLD] };
    const following = new Sealer(new SecretRing(list as unknown as KeyList<string>));
    const old = following.seal('text', 'data');
    list.current = [NEW, OLD];
    expect(sealer.open(following.seal('text', 'data'), 'data')).toBe('text');
    expect(following.open(old, 'data')).toBe('text');
    list.current = [NEW];
    expect(following.open(old, 'data')).toBeNull();
  });

  it('shows no key when it is printed', () => {
    const [{ key }] = new SecretRing([NEW]).derive('record-sealing');
    const shown = inspect(sealer, { showHidden: true, depth: null }) + JSON.stringify(sealer);
    expect(shown).toBe('Sealer {}{}');
    expect(shown).not.toContain(key.toString('hex'));
  });
});
