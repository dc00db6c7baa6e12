import { describe, expect, it } from '@jest/globals';
import { PAGE_STYLE_SOURCE } from '../../http/page-style.js';
import { PAGE_HEADERS } from '../../http/security-headers.js';
import { pagePolicy, policyProblem } from './content-security-policy.js';

const safe = "default-src 'none'; frame-ancestors 'none'";

describe('pagePolicy', () => {
  it('is that of every page where nobody asks for another', () => {
    expect(pagePolicy(undefined, undefined)).toBe(PAGE_HEADERS['content-security-policy']);
    expect(pagePolicy(undefined, 'data:image/png;base64,AA==')).toContain('img-src data:;');
    expect(pagePolicy(undefined, '/i.png')).toContain("img-src 'self' data:;");
  });

  it('adds to a given one what it does not say, and changes nothing that it does', () => {
    expect(pagePolicy(` ${safe} ;`, undefined)).toBe(
      `${safe}; style-src ${PAGE_STYLE_SOURCE}; img-src data:; base-uri 'none'`,
    );
    const whole = `${safe}; STYLE-SRC 'self'; img-src *; base-uri 'self'`;
    expect(pagePolicy(whole, '/i.png')).toBe(whole);
  });
});

describe('policyProblem', () => {
  it.each([
    safe,
    "frame-ancestors 'none';script-src 'self'",
    "Frame-Ancestors 'NONE'; Default-Src https://a.test",
    "default-src 'none'; frame-ancestors 'none'; style-src 'unsafe-inline'",
    "default-src 'unsafe-inline'; script-src 'none'; frame-ancestors 'none'",
    "script-src-elem 'none'; script-src-attr 'none'; frame-ancestors 'none'",
    pagePolicy(undefined, '/i.png'),
  ])('finds nothing wrong with %s', (policy) => {
    expect(policyProblem(policy)).toBeNull();
  });

  it.each([
    undefined,
    '',
    ' ',
    7,
    "default-src 'none'",
    "default-src 'none'; frame-ancestors",
    "default-src 'none'; frame-ancestors 'self'",
    "default-src 'none'; frame-ancestors 'none' https://a.test",
    "default-src 'none'; frame-ancestors *; frame-ancestors 'none'",
    "default-src 'none'; frame-ancestorsx 'none'",
    "frame-ancestors 'none'",
    "frame-ancestors 'none'; script-src-elem 'none'",
    "frame-ancestors 'none'; style-src 'none'",
    `${safe}, default-src *`,
    `${safe}\r\nset-cookie: a=b`,
    `${safe}\u00e9`,
  ])('does not take %j', (policy) => {
    expect(policyProblem(policy)).toMatch(/^must /);
  });

  it.each([
    "'unsafe-inline'",
    "'unsafe-eval'",
    "'unsafe-hashes'",
    "'self' 'UNSAFE-INLINE'",
    '*',
    'https:',
    'data:',
  ])('does not let scripts in by %s, wherever it stands', (source) => {
    const frames = "frame-ancestors 'none'";
    for (const policy of [
      `default-src ${source}; ${frames}`,
      `script-src ${source}; ${frames}`,
      `default-src 'none'; script-src ${source}; ${frames}`,
      `default-src 'none'; script-src-elem ${source}; ${frames}`,
      `default-src 'none'; script-src-attr ${source}; ${frames}`,
      `script-src ${source}; script-src 'none'; ${frames}`,
    ]) {
      expect(policyProblem(policy)).toMatch(/for scripts$/);
    }
  });
});
