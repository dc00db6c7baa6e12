import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { FormMac } from './form-mac.js';
import { randomToken } from './random.js';
import type { KeyList } from './key-list.js';
import { SecretRing } from './secret-ring.js';

const OLD = randomToken();
const NEW = randomToken();
const mac = new FormMac(new SecretRing([NEW]));

describe('FormMac', () => {
  it('verifies what it signed', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (parts) => mac.verify(mac.sign(...parts), ...parts)),
    );
  });

  it('gives different lists of parts different MACs', () => {
    const part = fc.string({ unit: fc.constantFrom('a', '1', '2', ':', '\0', '') });
    fc.assert(
      fc.property(fc.array(part), fc.array(part), (a, b) => {
        const same = a.length === b.length && a.every((text, i) => text === b[i]);
        expect(mac.verify(mac.sign(...a), ...b)).toBe(same);
      }),
    );
  });

  it.each([
    [
      ['ab', 'c'],
      ['a', 'bc'],
    ],
    [['ab'], ['a', 'b']],
    [['a', ''], ['a']],
    [[''], []],
    [
      ['a', 'b'],
      ['b', 'a'],
    ],
    [['1:a1:b'], ['a', 'b']],
    [['\ud800'], ['\ufffd']],
  ])('refuses %j as %j', (signed, presented) => {
    expect(mac.verify(mac.sign(...signed), ...signed)).toBe(true);
    expect(mac.verify(mac.sign(...signed), ...presented)).toBe(false);
    expect(mac.verify(mac.sign(...presented), ...signed)).toBe(false);
  });

  it('refuses every other MAC', () => {
    const genuine = mac.sign('part');
    const others = ['', 'x', `${genuine}=`, ` ${genuine}`, genuine.slice(1), 'A'.repeat(1_000_000)];
    for (const other of others) expect(mac.verify(other, 'part')).toBe(false);
    for (let i = 0; i < genuine.length; i++) {
      const forged = `${genuine.slice(0, i)}${genuine[i] === 'A' ? 'B' : 'A'}${genuine.slice(i + 1)}`;
      expect(mac.verify(forged, 'part')).toBe(false);
    }
  });

  it('verifies with an old secret and signs with the first', () => {
    const rotated = new FormMac(new SecretRing([NEW, OLD]));
    const old = new FormMac(new SecretRing([OLD]));
    expect(rotated.verify(old.sign('part'), 'part')).toBe(true);
    expect(mac.verify(rotated.sign('part'), 'part')).toBe(true);
    expect(old.verify(rotated.sign('part'), 'part')).toBe(false);
    expect(mac.verify(old.sign('part'), 'part')).toBe(false);
  });

  it('follows its ring', () => {
    const list = { current: [OLD] };
    const following = new FormMac(new SecretRing(list as unknown as KeyList<string>));
    const old = following.sign('form');
    list.current = [NEW, OLD];
    expect(following.sign('form')).toBe(mac.sign('form'));
    expect(following.verify(old, 'form')).toBe(true);
    list.current = [NEW];
    expect(following.verify(old, 'form')).toBe(false);
  });
});
