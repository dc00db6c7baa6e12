import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { html } from './html.js';
import { PAGE_STYLE, PAGE_STYLE_SOURCE } from './page-style.js';
import { errorPage, renderPage } from './page.js';

const page = renderPage({
  title: '<Consent>',
  language: 'en"',
  body: html`<h1>${'Let & in?'}</h1>`,
});

describe('renderPage', () => {
  it('escapes the title and the language, and shows the body in the card', () => {
    expect(page.html).toContain('<!doctype html>\n<html lang="en&#34;" dir="ltr">');
    expect(page.html).toContain('<title>&#60;Consent&#62;</title>');
    expect(page.html).toContain('<main class="card">\n<h1>Let &#38; in?</h1>\n</main>');
    expect(page.html).toContain('<meta name="viewport"');
  });

  it('holds no script, and no style but the one the policy allows', () => {
    expect(page.html).not.toMatch(/<script|\son\w+=|style=|javascript:/i);
    const styles = [...page.html.matchAll(/<style>([^]*?)<\/style>/g)].map((m) => m[1] ?? '');
    expect(styles).toHaveLength(1);
    const hash = createHash('sha256')
      .update(styles[0] ?? '')
      .digest('base64');
    expect(PAGE_STYLE_SOURCE).toBe(`'sha256-${hash}'`);
    expect(page.headers['content-security-policy']).toContain(`style-src 'sha256-${hash}'`);
  });

  it('has every class that is promised, in light and dark, and loads nothing', () => {
    for (const selector of [
      '.card',
      '.actions',
      'button.primary',
      'button.secondary',
      '.notice.warning',
      'dl.facts',
      '.badge',
      '.brand',
      '.icon',
      '.muted',
      'code,.break',
      ':focus-visible',
      '(prefers-color-scheme:dark)',
    ]) {
      expect(PAGE_STYLE).toContain(selector);
    }
    expect(PAGE_STYLE).not.toMatch(/url\(|@import|</);
  });
});

describe('errorPage', () => {
  it('tells a person what went wrong and what to do', () => {
    const response = errorPage({
      status: 400,
      title: 'No <entry>',
      message: 'The link is too old.',
      hint: 'Start again.',
      headers: { 'retry-after': '5' },
    });
    expect(response).toMatchObject({ kind: 'page', status: 400, headers: { 'retry-after': '5' } });
    const text = response.kind === 'page' ? response.html : '';
    expect(text).toContain('<title>No &#60;entry&#62;</title>');
    expect(text).toContain('<h1>No &#60;entry&#62;</h1>');
    expect(text).toContain('<p>The link is too old.</p>');
    expect(text).toContain('<p class="muted">Start again.</p>');
  });

  it('shows no empty hint or detail', () => {
    const response = errorPage({ status: 400, title: 'a', message: 'b' });
    expect(response.kind === 'page' && response.html).not.toContain('class="muted"');
  });

  it('says in which language it is, and that a detail is in English', () => {
    const response = errorPage({
      status: 400,
      title: 'a',
      message: 'b',
      detail: '<c>',
      language: 'he',
      direction: 'rtl',
    });
    const text = response.kind === 'page' ? response.html : '';
    expect(text).toContain('<html lang="he" dir="rtl">');
    expect(text).toMatch(/<p class="muted" lang="en" dir="ltr">\s*<code>&#60;c&#62;<\/code>/);
  });
});
