import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { hasDuplicateMembers } from './duplicate-members.js';

describe('hasDuplicateMembers', () => {
  it.each([
    ['the same name twice', '{"alg":"RS256","alg":"none"}'],
    ['one of them escaped', '{"alg":"RS256","\\u0061lg":"none"}'],
    ['with spaces', '{ "alg" : "RS256" ,\n "alg" : "none" }'],
    ['with values between', '{"alg":"RS256","jwk":{"x":["}"]},"alg":"none"}'],
  ])('finds %s', (_what, json) => {
    expect(hasDuplicateMembers(json)).toBe(true);
  });

  it.each([
    ['different names', '{"alg":"RS256","kid":"alg"}'],
    ['the name as a value', '{"alg":"alg","kid":"alg"}'],
    ['the name one level down', '{"alg":"RS256","jwk":{"alg":"RS256"}}'],
    ['a value that looks like a member', '{"alg":"\\"alg\\":","kid":"a"}'],
    ['nothing', '{}'],
  ])('passes %s', (_what, json) => {
    expect(hasDuplicateMembers(json)).toBe(false);
  });

  it('passes whatever JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (record) => {
        expect(hasDuplicateMembers(JSON.stringify(record))).toBe(false);
      }),
    );
  });
});
