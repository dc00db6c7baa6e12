import { describe, expect, it } from '@jest/globals';
import { readAcceptLanguage } from '../../http/accept-language.js';
import { MessageCatalogue } from '../pages/message-catalogue.js';
import { consentBody, shortName } from './consent-body.js';
import type { ConsentView } from './consent-view.js';

const messages = new MessageCatalogue({}).for(readAcceptLanguage(''));

const view: ConsentView = {
  language: 'en',
  direction: 'ltr',
  server: { name: 'Notes', resource: 'https://as.test/mcp' },
  client: { id: 'id', name: 'App', origin: 'registered' },
  redirect: { uri: 'https://app.test/cb', kind: 'web', name: 'app.test' },
  scopes: [{ scope: 'a', description: 'Do a' }, { scope: 'b' }],
  remembered: false,
  form: { txn: 't', csrf: 'c' },
};

function body(changes: Partial<ConsentView> = {}): string {
  return consentBody({ ...view, ...changes }, messages).toString();
}

describe('shortName', () => {
  it.each([
    ['App', 'App'],
    ['x'.repeat(60), 'x'.repeat(60)],
    ['x'.repeat(61), `${'x'.repeat(60)}…`],
    ['\u{1f600}'.repeat(61), `${'\u{1f600}'.repeat(60)}…`],
    [undefined, 'An application without a name'],
  ])('of %s is %s', (name, short) => {
    const { id, origin } = view.client;
    const client = { id, origin, ...(name !== undefined && { name }) };
    expect(shortName({ ...view, client }, messages)).toBe(short);
  });
});

describe('consentBody', () => {
  it('says of each kind of client what is known about it', () => {
    expect(body()).toContain('Unverified application.');
    const known = body({ client: { ...view.client, origin: 'configured' } });
    expect(known).toContain('Known application');
    expect(known).not.toContain('Unverified');
    const client = { ...view.client, origin: 'metadata_document' as const, publishedBy: 'a.test' };
    const published = body({ client });
    expect(published).toContain('Published by <bdi>a.test</bdi>');
    expect(published).not.toContain('Unverified');
    expect(published).not.toContain('claim to be');
  });

  it('warns of programs on the same machine and of apps, and of a borrowed name', () => {
    const redirect = {
      uri: 'http://127.0.0.1:1/cb',
      kind: 'loopback',
      name: '127.0.0.1:1',
    } as const;
    expect(body({ redirect })).toContain('A program on this computer');
    expect(body({ redirect })).not.toContain('claim to be');
    const client = { ...view.client, origin: 'metadata_document' as const, publishedBy: 'a.test' };
    expect(body({ redirect, client })).toContain(
      'Any program on this computer can claim to be the application of <bdi>a.test</bdi>',
    );
    const app = { uri: 'cursor://cb', kind: 'app', name: 'cursor:' } as const;
    expect(body({ redirect: app })).toContain('Links that an app on this device opens');
    expect(body()).not.toMatch(/cannot be checked/);
  });

  it('lists the scopes in words, or says what none of them means', () => {
    expect(body()).toContain('<li>Do a <code class="muted" dir="ltr">a</code></li>');
    expect(body()).toContain('<li><code dir="ltr">b</code></li>');
    expect(body({ scopes: [] })).toContain('Use <bdi>Notes</bdi> in your name.');
  });

  it('has a form that posts to its own page', () => {
    expect(body()).toContain('<form method="post">');
    expect(body()).toMatch(/name="txn" value="t"[^]*name="csrf" value="c"/);
    expect(body()).not.toContain('remembers');
    expect(body({ remembered: true })).toContain('remembers');
  });
});
