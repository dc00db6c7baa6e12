import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { HtmlPart } from './html.js';
import { escapeHtml, html } from './html.js';

describe('escapeHtml', () => {
  it('escapes what has a meaning in content and in quoted attributes', () => {
    expect(escapeHtml(`<a href="x" id='y'>&`)).toBe(
      '&#60;a href=&#34;x&#34; id=&#39;y&#39;&#62;&#38;',
    );
  });

  it('leaves every other text alone', () => {
    const text = 'Müller 日本語 👩‍💻 `a` {b} a=b/c\u00a0d';
    expect(escapeHtml(text)).toBe(text);
  });

  it.each([
    0x00, 0x08, 0x1b, 0x7f, 0x85, 0x9f, 0x061c, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202b,
    0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069, 0xd800, 0xdfff,
  ])('replaces the character %i', (code) => {
    expect(escapeHtml(`a${String.fromCharCode(code)}b`)).toBe('a\uFFFDb');
  });

  it('makes white space of one kind', () => {
    expect(escapeHtml('a\tb\r\nc')).toBe('a b  c');
  });
});

describe('html', () => {
  it('escapes texts and leaves markup', () => {
    const inner = html`<b>${'<i>'}</b>`;
    expect(html`<p title="${'"'}">${inner}${1}${undefined}</p>`.toString()).toBe(
      '<p title="&#34;"><b>&#60;i&#62;</b>1</p>',
    );
  });

  it('joins lists, nested ones too, each part by its own kind', () => {
    const items = ['<', [html`<li></li>`, '>'], undefined];
    expect(html`${items}`.toString()).toBe('&#60;<li></li>&#62;');
  });

  it('lets nothing pose as markup', () => {
    const forged = [{ toString: () => '<script>' }] as unknown as HtmlPart;
    expect(() => html`${forged}`.toString()).toThrow(TypeError);
    const array = Object.assign(['<script>'], { toString: () => '<script>' });
    expect(html`${array}`.toString()).toBe('&#60;script&#62;');
    const copy = Object.create(html`<b></b>`) as HtmlPart;
    expect(() => html`${copy}`.toString()).toThrow(TypeError);
  });
});

describe('html, for every text', () => {
  const decode = (text: string): string =>
    text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', '\u202e', '\ud800', 'a', '&lt;') }),
  );

  it('holds no character that could leave its place', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const safe = escapeHtml(text);
        expect(safe).not.toMatch(/[<>"'\p{Cc}\p{Cs}\p{Bidi_Control}]/u);
        expect(safe.replace(/&#(?:34|38|39|60|62);/g, '')).not.toContain('&');
      }),
      { numRuns: 1000 },
    );
  });

  it('shows the text that was meant', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(!/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/u.test(text));
        expect(decode(escapeHtml(text))).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });

  it('escapes each text once', () => {
    fc.assert(
      fc.property(fc.array(hostile), (texts) => {
        expect(html`${texts}`.toString()).toBe(texts.map(escapeHtml).join(''));
      }),
      { numRuns: 1000 },
    );
  });
});
