import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { directionOf, fallbacksOf, lookUpLanguage, readAcceptLanguage } from './accept-language.js';

const available = new Set(['de', 'de-at', 'fr', 'zh-hant', 'he']);

function chosen(header: string): string | undefined {
  return lookUpLanguage(readAcceptLanguage(header), available);
}

describe('readAcceptLanguage', () => {
  it('orders by weight, and what weighs the same as it was sent — RFC 9110 §12.5.4', () => {
    expect(readAcceptLanguage('da, en-GB;q=0.8 ,fr;q=0.9, de;q=0.8,it;q=0')).toEqual({
      wanted: ['da', 'fr', 'en-gb', 'de'],
      refused: ['it'],
    });
  });

  it.each([
    'de;q=2',
    'de;q=0.1234',
    'de;q=-1',
    'de;q',
    'de;x=1',
    'de;q=1;q=1',
    'toolonglang',
    'de-',
    '-de',
    'd\u00e9',
    '*',
    '',
    ';q=1',
  ])('leaves out what is no language range: %s', (element) => {
    expect(readAcceptLanguage(`${element},fr`).wanted).toEqual(['fr']);
    expect(readAcceptLanguage(element).refused).toEqual([]);
  });

  it('reads a bounded part of a header, however long it is', () => {
    const long = Array.from({ length: 50_000 }, (_, i) => `x${i % 1000}`).join(',');
    expect(readAcceptLanguage(long).wanted.length).toBeLessThanOrEqual(32);
    expect(readAcceptLanguage(`${'-a'.repeat(50_000)},de`).wanted).toEqual([]);
    expect(readAcceptLanguage(' '.repeat(900) + 'de').wanted).toEqual(['de']);
  });

  it('never throws, and yields nothing but ranges', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (header) => {
        for (const range of readAcceptLanguage(header).wanted) {
          expect(range).toMatch(/^[a-z0-9-]+$/);
        }
      }),
    );
  });
});

describe('lookUpLanguage', () => {
  it.each([
    ['de', 'de'],
    ['de-AT', 'de-at'],
    ['de-CH-1901', 'de'],
    ['zh-Hant-TW', 'zh-hant'],
    ['he-IL', 'he'],
    ['es, fr;q=0.5', 'fr'],
    ['fr;q=0.5, de;q=0.6', 'de'],
    ['de-CH, de;q=0, fr;q=0.1', 'fr'],
  ])('answers %s in %s — RFC 4647 §3.4', (header, language) => {
    expect(chosen(header)).toBe(language);
  });

  it.each(['', 'zh', 'es-MX', 'd', '*', 'de;q=0'])('has nothing for "%s"', (header) => {
    expect(chosen(header)).toBeUndefined();
  });
});

describe('fallbacksOf', () => {
  it('cuts from the end, and a single letter with what it began', () => {
    expect(fallbacksOf('zh-Hant-TW')).toEqual(['zh-hant-tw', 'zh-hant', 'zh']);
    expect(fallbacksOf('en-a-bbb')).toEqual(['en-a-bbb', 'en']);
  });
});

describe('directionOf', () => {
  it.each([
    ['ar', 'rtl'],
    ['he-IL', 'rtl'],
    ['fa', 'rtl'],
    ['ur', 'rtl'],
    ['az-Arab', 'rtl'],
    ['dv', 'rtl'],
    ['en', 'ltr'],
    ['az', 'ltr'],
    ['ja', 'ltr'],
  ])('%s is written %s', (tag, direction) => {
    expect(directionOf(tag)).toBe(direction);
  });
});
