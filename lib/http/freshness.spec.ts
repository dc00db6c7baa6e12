import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { propertyRuns } from '../../test/support/property-runs.js';
import { conditionalHeaders, freshnessOf } from './freshness.js';

const now = Date.UTC(1994, 10, 6, 8, 49, 37) / 1000;
const limits = { minSeconds: 10, maxSeconds: 86_400, defaultSeconds: 3600 };
const at = (seconds: number): string => new Date((now + seconds) * 1000).toUTCString();

const freshness = (headers: Record<string, string>) =>
  freshnessOf(new Headers(headers), limits, now);
const kept = (seconds: number) => ({ store: true, seconds });
const DEFAULT = kept(limits.defaultSeconds);
const FOR_ONCE = { store: false, seconds: 0 };

describe('freshnessOf', () => {
  it.each([
    ['max-age=60', 60],
    ['MAX-AGE=60', 60],
    ['max-age="60"', 60],
    ['public, max-age=60, must-revalidate', 60],
    ['public,max-age=60', 60],
    ['max-age=60, s-maxage=120', 120],
    ['s-maxage=120, max-age=60', 120],
    ['s-maxage=soon, max-age=60', 60],
    ['max-age=60, max-age=120', 60],
    ['max-age=0060', 60],
    [',, max-age=60 ,', 60],
    ['extension="a, max-age=5", max-age=60', 60],
    ['extension="no-store", max-age=60', 60],
    ['x-max-age=5, max-age=60', 60],
  ])('keeps as long as Cache-Control says: %s', (cacheControl, seconds) => {
    expect(freshness({ 'cache-control': cacheControl })).toEqual(kept(seconds));
  });

  it.each([
    ['max-age=0', 10],
    ['max-age=9', 10],
    ['max-age=10', 10],
    ['max-age=86400', 86_400],
    ['max-age=86401', 86_400],
    ['max-age=999999999', 86_400],
    [`max-age=${'9'.repeat(400)}`, 86_400],
  ])('keeps within the limits: %s — CI-22', (cacheControl, seconds) => {
    expect(freshness({ 'cache-control': cacheControl })).toEqual(kept(seconds));
  });

  it.each([
    '',
    'public',
    'max-age',
    'max-age=',
    'max-age=soon',
    'max-age=-1',
    'max-age=1.5',
    'max-age=1e3',
    'max-age =60',
    'max-age= 60',
    'max-age=0x10',
    'max-age;60',
    '=60',
    '"max-age=60"',
    ';;;',
  ])('keeps for the default time when nothing is said that counts: %j — CI-22', (cacheControl) => {
    expect(freshness({ 'cache-control': cacheControl })).toEqual(DEFAULT);
    expect(freshness({})).toEqual(DEFAULT);
  });

  it('bounds the default too', () => {
    const wide = { minSeconds: 10, maxSeconds: 20, defaultSeconds: 3600 };
    expect(freshnessOf(new Headers(), wide, now)).toEqual(kept(20));
    expect(freshnessOf(new Headers(), { ...wide, defaultSeconds: 1 }, now)).toEqual(kept(10));
  });

  it.each([
    { 'cache-control': 'no-store' },
    { 'cache-control': 'max-age=60, No-Store' },
    { 'cache-control': 'private' },
    { 'cache-control': 'private="set-cookie", max-age=60' },
    { 'cache-control': 'no-cache, no-store' },
    { vary: '*' },
    { vary: 'accept, *', 'cache-control': 'max-age=60' },
  ])('does not keep %j — CI-22', (headers) => {
    expect(freshness(headers as Record<string, string>)).toEqual(FOR_ONCE);
  });

  it.each(['no-cache', 'no-cache, max-age=60', 'max-age=60, NO-CACHE="etag"'])(
    'keeps but asks each time: %s — CI-22',
    (cacheControl) => {
      expect(freshness({ 'cache-control': cacheControl })).toEqual(kept(0));
    },
  );

  it('keeps what varies by what is always sent alike', () => {
    expect(freshness({ vary: 'Accept-Encoding, Accept' })).toEqual(DEFAULT);
  });

  describe('Expires', () => {
    it.each<[string, Record<string, string>, number]>([
      ['from now on', { expires: at(60) }, 60],
      ['from the Date of the answer on', { date: at(-5), expires: at(60) }, 60],
      ['from a Date to come on', { date: at(30), expires: at(60) }, 30],
      ['from now on when the Date is malformed', { date: 'today', expires: at(60) }, 60],
      ['in the year 9999', { expires: 'Fri, 31 Dec 9999 23:59:59 GMT' }, 86_400],
      ['in the past', { expires: at(-60) }, 10],
      ['0, which is in the past', { expires: '0' }, 10],
      ['-1', { expires: '-1' }, 10],
      ['malformed', { expires: 'tomorrow' }, 10],
      ['in another form', { expires: 'Sunday, 06-Nov-94 09:49:37 GMT' }, 10],
      ['of no such day', { expires: 'Sun, 45 Nov 1994 08:49:37 GMT' }, 10],
      ['behind max-age', { expires: at(600), 'cache-control': 'max-age=60' }, 60],
      ['with a malformed max-age', { expires: at(600), 'cache-control': 'max-age=x' }, 600],
    ])('counts %s', (_what, headers, seconds) => {
      expect(freshness(headers)).toEqual(kept(seconds));
    });
  });

  describe('age', () => {
    it.each<[string, Record<string, string>, number]>([
      ['what a cache on the way says', { age: '20' }, 40],
      ['nothing malformed', { age: '-20' }, 60],
      ['the time since the Date of the answer', { date: at(-15) }, 45],
      ['the longer of the two', { date: at(-15), age: '5' }, 45],
      ['the longer of the two, again', { date: at(-5), age: '15' }, 45],
      ['no Date to come', { date: at(100) }, 60],
      ['more than the whole lifetime', { age: '100' }, 10],
      ['more than can be counted', { age: '9'.repeat(400) }, 10],
    ])('takes off %s', (_what, headers, seconds) => {
      expect(freshness({ 'cache-control': 'max-age=60', ...headers })).toEqual(kept(seconds));
    });

    it('is not taken off the default', () => {
      expect(freshness({ age: '20' })).toEqual(DEFAULT);
    });
  });

  it('stays within the limits whatever it is told', () => {
    const value = fc.oneof(
      fc.stringMatching(/^[\x20-\x7e]{0,40}$/),
      fc
        .tuple(fc.constantFrom('max-age', 's-maxage', 'no-cache', 'private'), fc.integer())
        .map(([name, seconds]) => `${name}=${seconds}`),
      fc.integer({ min: -1e9, max: 1e12 }).map(at),
      fc.nat().map(String),
    );
    const names = fc.constantFrom('cache-control', 'expires', 'date', 'age', 'vary');
    fc.assert(
      fc.property(fc.array(fc.tuple(names, value), { maxLength: 6 }), (lines) => {
        const headers = new Headers();
        for (const [name, text] of lines) headers.append(name, text);
        const { store, seconds } = freshnessOf(headers, limits, now);
        const isLifetime = seconds >= limits.minSeconds && seconds <= limits.maxSeconds;
        expect(store ? seconds === 0 || isLifetime : seconds === 0).toBe(true);
      }),
      { numRuns: propertyRuns() },
    );
  });
});

describe('conditionalHeaders', () => {
  it.each<[Record<string, string>, Record<string, string>]>([
    [{}, {}],
    [{ etag: '"v1"' }, { 'if-none-match': '"v1"' }],
    [{ etag: 'W/"v1"' }, { 'if-none-match': 'W/"v1"' }],
    [{ etag: '""' }, { 'if-none-match': '""' }],
    [{ etag: `"${'x'.repeat(200)}"` }, { 'if-none-match': `"${'x'.repeat(200)}"` }],
    [{ 'last-modified': at(0) }, { 'if-modified-since': at(0) }],
    [
      { etag: '"v1"', 'last-modified': 'Sun, 06 Nov 1994 08:49:37 GMT' },
      { 'if-none-match': '"v1"', 'if-modified-since': 'Sun, 06 Nov 1994 08:49:37 GMT' },
    ],
  ])('asks by the validators of %j', (headers, expected) => {
    expect(conditionalHeaders(new Headers(headers))).toEqual(expected);
  });

  it.each<Record<string, string>>([
    { etag: 'v1' },
    { etag: '*' },
    { etag: 'w/"v1"' },
    { etag: '"v1", "v2"' },
    { etag: '"a"b"' },
    { etag: '"a b"' },
    { etag: '"\u00e9"' },
    { etag: `"${'x'.repeat(201)}"` },
    { 'last-modified': '0' },
    { 'last-modified': '1994-11-06T08:49:37Z' },
    { 'last-modified': 'Sun, 06 Nov 1994 08:49:37 GMT, x' },
    { 'last-modified': 'x, Sun, 06 Nov 1994 08:49:37 GMT' },
    { 'last-modified': 'Sun, 06 Nov 1994 08:49:37 +0000' },
  ])('leaves a malformed validator out: %j', (headers) => {
    expect(conditionalHeaders(new Headers(headers))).toEqual({});
  });
});
