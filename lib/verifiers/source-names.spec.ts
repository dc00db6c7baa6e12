import { describe, expect, it } from '@jest/globals';
import { sourceNames } from './source-names.js';
import type { TokenVerifier } from './token-verifier.js';

class Introspection implements TokenVerifier {
  constructor(readonly name: string = '') {}
  verifyToken(): null {
    return null;
  }
}

describe('sourceNames', () => {
  it('takes the name, else the class', () => {
    expect(sourceNames([new Introspection('partners'), new Introspection()])).toEqual([
      'partners',
      'Introspection',
    ]);
  });

  it('numbers the names that repeat', () => {
    const sources = [new Introspection(), new Introspection(), new Introspection()];
    expect(sourceNames(sources)).toEqual(['Introspection', 'Introspection#2', 'Introspection#3']);
  });

  it('never gives a number that someone took as a name', () => {
    const sources = [new Introspection('a#2'), new Introspection('a'), new Introspection('a')];
    expect(sourceNames(sources)).toEqual(['a#2', 'a', 'a#3']);
  });

  it('names an object that has no class of its own', () => {
    expect(sourceNames([{ verifyToken: () => null }])).toEqual(['TokenVerifier']);
  });
});
