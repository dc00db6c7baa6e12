import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import {
  coversScopes,
  intersectScopes,
  isScopeToken,
  parseScope,
  renderScope,
  unionScopes,
} from '../../lib/common/scopes.js';
import { propertyRuns } from '../support/property-runs.js';

const options = { numRuns: propertyRuns() };

/** RFC 6749 §3.3 as it is written: `%x21 / %x23-5B / %x5D-7E`. */
const tokenCharacters = Array.from({ length: 128 }, (_, code) => code)
  .filter((c) => c === 0x21 || (c >= 0x23 && c <= 0x5b) || (c >= 0x5d && c <= 0x7e))
  .map((c) => String.fromCharCode(c));

/** Few names, so that lists overlap; and the names of what every object has. */
const name = fc.constantFrom('a', 'b', 'c', 'd', 'A', 'mcp:use', '__proto__', 'constructor');
const token = fc.oneof(
  name,
  fc.string({ unit: fc.constantFrom(...tokenCharacters), minLength: 1, maxLength: 8 }),
);
const scopes = fc.array(token, { maxLength: 6 });

const asSet = (list: readonly string[]): string[] => [...new Set(list)].toSorted();

describe('A scope', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(fc.oneof(token, fc.constantFrom(' ', '  ', '"', '\\', '\t', '\n', '\u00a0', 'é')))
      .map((parts) => parts.join('')),
  );

  it('is read exactly when every token is well-formed, each once and in order', () => {
    fc.assert(
      fc.property(text, (text) => {
        const isWellFormed = Array.from(text).every(
          (c) => c === ' ' || tokenCharacters.includes(c),
        );
        const tokens: readonly string[] = text.match(/[^ ]+/g) ?? [];
        const expected = isWellFormed ? tokens.filter((t, i) => tokens.indexOf(t) === i) : null;
        expect(parseScope(text)).toEqual(expected);
      }),
      options,
    );
  });

  it('is what was rendered when it is read, and the same when it is rendered again', () => {
    fc.assert(
      fc.property(scopes, (list) => {
        const read = parseScope(renderScope(list));
        expect(read).toEqual(unionScopes(list));
        expect(parseScope(renderScope(read ?? []))).toEqual(read);
      }),
      options,
    );
  });

  it('has no token but the ones the grammar has', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 4 }), (text) => {
        const isToken = text !== '' && Array.from(text).every((c) => tokenCharacters.includes(c));
        expect(isScopeToken(text)).toBe(isToken);
      }),
      options,
    );
  });
});

describe('The union and the intersection of scopes', () => {
  it('keep the laws of sets', () => {
    fc.assert(
      fc.property(scopes, scopes, scopes, (a, b, c) => {
        const [both, shared] = [unionScopes(a, b), intersectScopes(a, b)];
        expect(asSet(both)).toEqual(asSet(unionScopes(b, a)));
        expect(asSet(shared)).toEqual(asSet(intersectScopes(b, a)));
        expect(unionScopes(unionScopes(a, b), c)).toEqual(unionScopes(a, unionScopes(b, c)));
        expect(intersectScopes(intersectScopes(a, b), c)).toEqual(
          intersectScopes(a, intersectScopes(b, c)),
        );
        expect(asSet(intersectScopes(a, unionScopes(b, c)))).toEqual(
          asSet(unionScopes(shared, intersectScopes(a, c))),
        );
        expect(asSet(unionScopes(a, intersectScopes(a, b)))).toEqual(asSet(a));
        expect(intersectScopes(a, unionScopes(a, b))).toEqual(a);
        expect([unionScopes(), unionScopes(a, [])]).toEqual([[], unionScopes(a)]);
        expect([intersectScopes(a, []), intersectScopes([], a)]).toEqual([[], []]);
      }),
      options,
    );
  });

  it('have what the lists have, in the order of the lists', () => {
    fc.assert(
      fc.property(scopes, scopes, token, (a, b, one) => {
        const all = [...a, ...b];
        expect(unionScopes(a, b)).toEqual(all.filter((s, i) => all.indexOf(s) === i));
        expect(intersectScopes(a, b).includes(one)).toBe(a.includes(one) && b.includes(one));
        expect(intersectScopes(a, b)).toEqual(a.filter((s) => new Set(b).has(s)));
      }),
      options,
    );
  });
});

describe('Granted scopes', () => {
  const implied = fc
    .uniqueArray(fc.tuple(name, fc.array(name, { maxLength: 3 })), { selector: ([from]) => from })
    .map((entries) => ({ entries, implied: Object.fromEntries(entries) }));

  /** Everything within reach, step by step: a scope more each time round, until none is new. */
  function reach(granted: readonly string[], entries: readonly [string, string[]][]): string[] {
    const found = [...granted];
    for (let round = 0; round <= entries.length; round++) {
      for (const [from, to] of entries) if (found.includes(from)) found.push(...to);
    }
    return asSet(found);
  }

  it('cover what they imply, and nothing else', () => {
    fc.assert(
      fc.property(scopes, scopes, implied, (granted, required, { entries, implied }) => {
        const within = reach(granted, entries);
        const expected = required.every((s) => within.includes(s));
        expect(coversScopes(granted, required, implied)).toBe(expected);
        expect(coversScopes(granted, within, implied)).toBe(true);
      }),
      options,
    );
  });

  it('cover themselves and no more than before when one is taken away', () => {
    fc.assert(
      fc.property(scopes, scopes, scopes, implied, (a, b, c, { implied }) => {
        const covers = (x: readonly string[], y: readonly string[]): boolean =>
          coversScopes(x, y, implied);
        expect([covers(a, a), covers(a, []), covers(unionScopes(a, b), a)]).toEqual(
          Array.from({ length: 3 }, () => true),
        );
        if (covers(a, b)) expect(covers(unionScopes(a, c), b)).toBe(true);
        if (covers(a, b) && covers(b, c)) expect(covers(a, c)).toBe(true);
        expect(covers(a, unionScopes(b, c))).toBe(covers(a, b) && covers(a, c));
      }),
      options,
    );
  });
});
