import { describe, expect, it } from '@jest/globals';
import type { EndpointResponse } from './endpoint.js';
import { PAGE_HEADERS, securityHeaders } from './security-headers.js';

const ALWAYS = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

describe('securityHeaders', () => {
  it.each<EndpointResponse>([
    { kind: 'redirect', location: 'https://a.test/' },
    { kind: 'empty', status: 204 },
  ])('keeps a response of kind $kind out of caches and referrers', (response) => {
    expect(securityHeaders(response)).toEqual(ALWAYS);
  });

  it('tells old caches too about JSON — RFC 6749 §5.1', () => {
    expect(securityHeaders({ kind: 'json', status: 200, body: {} })).toEqual({
      ...ALWAYS,
      pragma: 'no-cache',
    });
  });

  it('lets a document be cached, without contradicting itself', () => {
    const headers = { 'Cache-Control': 'public, max-age=3600' };
    expect(securityHeaders({ kind: 'json', status: 200, body: {}, headers })).toEqual({
      ...ALWAYS,
      'cache-control': 'public, max-age=3600',
    });
  });

  it('lets no page be framed, scripted or given a base', () => {
    const headers = securityHeaders({ kind: 'page', status: 200, html: '' });
    expect(headers).toEqual(PAGE_HEADERS);
    expect(headers).toMatchObject({ ...ALWAYS, 'x-frame-options': 'DENY' });
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/=]{44}'; img-src data:; base-uri 'none'; frame-ancestors 'none'$/,
    );
  });

  it('breaks neither the redirects after a form nor clients that wait in a popup', () => {
    expect(PAGE_HEADERS['content-security-policy']).not.toContain('form-action');
    expect(PAGE_HEADERS).not.toHaveProperty('cross-origin-opener-policy');
  });
});
