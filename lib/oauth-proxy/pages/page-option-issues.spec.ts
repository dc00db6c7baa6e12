import { describe, expect, it } from '@jest/globals';
import { pageOptionIssues } from './page-option-issues.js';

function paths(options: Parameters<typeof pageOptionIssues>[0]): readonly string[] {
  return pageOptionIssues(options, 'server').map((issue) => issue.path);
}

const png = (length: number): string => `data:image/png;base64,${'A'.repeat(length)}`;

describe('pageOptionIssues', () => {
  it('finds nothing wrong with what is meant', () => {
    expect(
      paths({
        serverName: 'Notes',
        icon: '/assets/icon-1.svg',
        contentSecurityPolicy: "default-src 'none'; frame-ancestors 'none'",
        consentPage: () => '',
        messages: { 'pt-BR': { consentTitle: '{server} {client}?', deny: 'Não' }, he: {} },
        scopeDescriptions: { a: 'A', b: { en: 'B', 'zh-Hant': '乙' } },
      }),
    ).toEqual([]);
    expect(paths({})).toEqual([]);
    expect(paths({ icon: undefined, messages: undefined, consentPage: undefined })).toEqual([]);
  });

  it.each([
    png(8),
    png(32_000),
    'data:image/svg+xml;base64,AAAA',
    'data:image/webp;base64,AA==',
    'data:image/jpeg;base64,AAA=',
    '/i.png',
    '/',
  ])('takes the icon %.40s', (icon) => {
    expect(paths({ icon })).toEqual([]);
  });

  it.each([
    png(33_000),
    '',
    7,
    'i.png',
    '//evil.test/i.png',
    '/\\evil.test/i.png',
    '/i.png"><script>',
    '/i.png?x',
    'https://a.test/i.png',
    'javascript:alert(1)',
    'data:text/html;base64,AAAA',
    'data:image/svg+xml,<svg/>',
    'data:image/gif;base64,AAAA',
    'data:image/png;base64,AA"A',
  ])('does not take the icon %.40s', (icon) => {
    expect(paths({ icon })).toEqual(['server.icon']);
  });

  it.each<[unknown, string]>([
    ['de', 'server.messages'],
    [{ de: 'x' }, 'server.messages.de'],
    [{ 'de-': {} }, 'server.messages.de-'],
    [{ de_AT: {} }, 'server.messages.de_AT'],
    [{ de: {}, DE: {} }, 'server.messages.DE'],
    [{ de: { toString: 'x' } }, 'server.messages.de.toString'],
    [{ de: { deny: '' } }, 'server.messages.de.deny'],
    [{ de: { deny: undefined } }, 'server.messages.de.deny'],
    [{ de: { deny: 'a\u202eb' } }, 'server.messages.de.deny'],
    [{ de: { deny: 'a\nb' } }, 'server.messages.de.deny'],
    [{ de: { deny: 'x'.repeat(1001) } }, 'server.messages.de.deny'],
    [{ de: { deny: '{client}' } }, 'server.messages.de.deny'],
  ])('names the message that cannot be meant: %j', (messages, path) => {
    expect(paths({ messages })).toEqual([path]);
  });

  it.each<[unknown, string]>([
    [[], 'server.scopeDescriptions'],
    [{ a: '' }, 'server.scopeDescriptions.a'],
    [{ a: { 'not a tag': 'x' } }, 'server.scopeDescriptions.a.not a tag'],
    [{ a: { de: 7 } }, 'server.scopeDescriptions.a.de'],
  ])('names the description that cannot be meant: %j', (scopeDescriptions, path) => {
    expect(paths({ scopeDescriptions })).toEqual([path]);
  });
});
