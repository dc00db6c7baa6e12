import { describe, expect, it } from '@jest/globals';
import { assert, property, string, uniqueArray } from 'fast-check';
import {
  coversScopes,
  intersectScopes,
  isScopeToken,
  parseScope,
  renderScope,
  unionScopes,
} from './scopes.js';

describe('isScopeToken', () => {
  it.each(['a', 'mcp:use', 'api://client-id/read', '!', '~', '#', '[', ']'])(
    'accepts %p',
    (text) => {
      expect(isScopeToken(text)).toBe(true);
    },
  );

  it.each(['', ' ', 'a b', 'a"b', 'a\\b', 'a\tb', 'a\nb', 'ä', 'a\u007f', '\u0000', '💥'])(
    'refuses %p (RFC 6749 §3.3)',
    (text) => {
      expect(isScopeToken(text)).toBe(false);
    },
  );
});

describe('parseScope', () => {
  it('reads tokens between spaces, each once, in their order', () => {
    expect(parseScope('b a  b ')).toEqual(['b', 'a']);
    expect(parseScope('')).toEqual([]);
  });

  it('answers null when a token is malformed', () => {
    expect(parseScope('a "b"')).toBeNull();
    expect(parseScope('a\tb')).toBeNull();
  });

  it('reads back whatever was rendered', () => {
    const token = string({ minLength: 1 }).filter(isScopeToken);
    assert(
      property(uniqueArray(token), (scopes) => {
        expect(parseScope(renderScope(scopes))).toEqual(scopes);
      }),
    );
  });
});

describe('lists of scopes', () => {
  it('are joined without duplicates', () => {
    expect(unionScopes(['a', 'b'], [], ['b', 'c'])).toEqual(['a', 'b', 'c']);
  });

  it('are cut in the order of the first', () => {
    expect(intersectScopes(['c', 'a', 'x'], ['a', 'b', 'c'])).toEqual(['c', 'a']);
  });
});

describe('coversScopes', () => {
  const implied = { admin: ['write'], write: ['read'], read: ['admin'] };

  it('wants every scope', () => {
    expect(coversScopes(['a', 'b'], ['b', 'a'])).toBe(true);
    expect(coversScopes(['a'], ['a', 'b'])).toBe(false);
    expect(coversScopes([], [])).toBe(true);
  });

  it('follows what a scope implies, through others and around circles', () => {
    expect(coversScopes(['admin'], ['read'], implied)).toBe(true);
    expect(coversScopes(['admin'], ['delete'], implied)).toBe(false);
    expect(coversScopes(['write'], ['admin'], { admin: ['write'] })).toBe(false);
  });

  it.each(['__proto__', 'constructor', 'toString'])('is not fooled by a scope named %s', (name) => {
    expect(coversScopes([name], ['read'], {})).toBe(false);
    expect(coversScopes([name], [name], {})).toBe(true);
  });
});
