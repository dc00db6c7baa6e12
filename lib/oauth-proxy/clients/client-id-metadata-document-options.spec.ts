import { describe, expect, it } from '@jest/globals';
import {
  documentOptionIssues,
  resolveDocumentOptions,
  untrustedReason,
} from './client-id-metadata-document-options.js';

describe('documentOptionIssues', () => {
  it.each([
    [undefined],
    [true],
    [false],
    [{}],
    [{ allowedHosts: ['app.example.com', '*.example.com', 'localhost', 'xn--bcher-kva.test'] }],
    [{ allowedPorts: [1, 443, 65_535], maxAgeSeconds: 0, fetch }],
    [{ allowedPorts: undefined, maxAgeSeconds: 86_400 }],
  ])('finds nothing wrong with %j', (options) => {
    expect(documentOptionIssues(options, 'o')).toEqual([]);
  });

  it.each([
    ['o', null],
    ['o', 'true'],
    ['o', []],
    ['o.allowedHost', { allowedHost: ['a.test'] }],
    ['o.allowedHosts', { allowedHosts: undefined }],
    ['o.allowedHosts', { allowedHosts: [] }],
    ['o.allowedHosts', { allowedHosts: 'a.test' }],
    ['o.allowedHosts', { allowedHosts: [1] }],
    ['o.allowedHosts', { allowedHosts: ['*'] }],
    ['o.allowedHosts', { allowedHosts: ['*.com'] }],
    ['o.allowedHosts', { allowedHosts: ['a.*.test'] }],
    ['o.allowedHosts', { allowedHosts: ['a*.test'] }],
    ['o.allowedHosts', { allowedHosts: ['A.test'] }],
    ['o.allowedHosts', { allowedHosts: ['https://a.test'] }],
    ['o.allowedHosts', { allowedHosts: ['a.test:8443'] }],
    ['o.allowedHosts', { allowedHosts: ['a.test/c'] }],
    ['o.allowedHosts', { allowedHosts: ['a.test.'] }],
    ['o.allowedHosts', { allowedHosts: ['.a.test'] }],
    ['o.allowedHosts', { allowedHosts: ['0x7f.1'] }],
    ['o.allowedPorts', { allowedPorts: [] }],
    ['o.allowedPorts', { allowedPorts: 443 }],
    ['o.allowedPorts', { allowedPorts: [0] }],
    ['o.allowedPorts', { allowedPorts: [65_536] }],
    ['o.allowedPorts', { allowedPorts: ['443'] }],
    ['o.allowedPorts', { allowedPorts: [443.5] }],
    ['o.maxAgeSeconds', { maxAgeSeconds: -1 }],
    ['o.maxAgeSeconds', { maxAgeSeconds: 86_401 }],
    ['o.maxAgeSeconds', { maxAgeSeconds: 1.5 }],
    ['o.maxAgeSeconds', { maxAgeSeconds: '60' }],
    ['o.fetch', { fetch: 'proxy' }],
  ])('names %s in %j', (path, options) => {
    const issues = documentOptionIssues(options as never, 'o');
    expect(issues.map((issue) => issue.path)).toEqual([path]);
  });
});

describe('untrustedReason', () => {
  const reason = (url: string, options: Parameters<typeof resolveDocumentOptions>[0] = true) => {
    const resolved = resolveDocumentOptions(options);
    if (!resolved) throw new Error('switched off');
    return untrustedReason(new URL(url), resolved);
  };

  it('trusts every host on port 443', () => {
    expect(reason('https://a.test/c')).toBeNull();
    expect(reason('https://a.test/c', {})).toBeNull();
    expect(reason('https://a.test:8443/c')).toContain('port');
  });

  it('trusts the ports it is told to', () => {
    const options = { allowedPorts: [8443] };
    expect(reason('https://a.test:8443/c', options)).toBeNull();
    expect(reason('https://a.test/c', options)).toContain('port');
  });

  it.each([
    ['https://a.test/c', true],
    ['https://b.a.test/c', false],
    ['https://xa.test/c', false],
    ['https://a.test.evil.test/c', false],
    ['https://evil.test/a.test', false],
    ['https://evil.test/?a.test', false],
    ['https://x.b.test/c', true],
    ['https://y.x.b.test/c', true],
    ['https://b.test/c', false],
    ['https://xb.test/c', false],
    ['https://x.b.test.evil.test/c', false],
  ])('with hosts to trust, trusts %s: %s', (url, trusted) => {
    const result = reason(url, { allowedHosts: ['a.test', '*.b.test'] });
    expect(result === null).toBe(trusted);
  });

  it('is not asked when documents are switched off', () => {
    expect(resolveDocumentOptions(false)).toBeUndefined();
  });
});
