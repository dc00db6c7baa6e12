import { describe, expect, it } from '@jest/globals';
import { readAcceptLanguage } from '../../http/accept-language.js';
import { english } from './english.js';
import { MessageCatalogue, type MessageTranslations, placeholdersOf } from './message-catalogue.js';
import type { PageMessages } from './page-messages.js';

function messages(header: string, translations: MessageTranslations = {}) {
  return new MessageCatalogue(translations).for(readAcceptLanguage(header));
}

describe('MessageCatalogue', () => {
  it('is English without any translation', () => {
    const { language, direction } = messages('de, fr');
    expect({ language, direction }).toEqual({ language: 'en', direction: 'ltr' });
    for (const key of Object.keys(english) as (keyof PageMessages)[]) {
      if (placeholdersOf(english[key]).length > 0) continue;
      expect(messages('').text(key as 'approve')).toBe(english[key]);
    }
  });

  it('takes the closest of region, language and English', () => {
    const translations = { 'PT-br': { deny: 'a' }, pt: { deny: 'b', approve: 'c' } };
    const brazil = messages('pt-BR', translations);
    expect(brazil.language).toBe('pt-BR');
    expect([brazil.text('deny'), brazil.text('approve'), brazil.text('details')]).toEqual([
      'a',
      'c',
      english.details,
    ]);
    expect(messages('pt-PT', translations).text('deny')).toBe('b');
  });

  it("lets the operator's English stand in too", () => {
    const translations = { en: { deny: 'No, thanks' }, de: { approve: 'Ja' } };
    expect(messages('', translations).text('deny')).toBe('No, thanks');
    expect(messages('de', translations).text('deny')).toBe('No, thanks');
    expect(messages('de', translations).text('approve')).toBe('Ja');
  });
});

describe('Messages', () => {
  const names = { client: '{server}', server: '<b>$&' };

  it('fills in each name once, as it is', () => {
    expect(messages('').text('consentTitle', names)).toBe('Connect {server} to <b>$&?');
    const twice = { de: { consentTitle: '{server}: {client}, {client}; {other}' } };
    expect(messages('de', twice).text('consentTitle', names)).toBe(
      '<b>$&: {server}, {server}; {other}',
    );
  });

  it('isolates and escapes what it fills in', () => {
    const translations = { he: { consentTitle: '<i>{client}</i>' } };
    expect(messages('he', translations).markup('consentTitle', names).toString()).toBe(
      '&#60;i&#62;<bdi>{server}</bdi>&#60;/i&#62;',
    );
    expect(messages('').markup('consentTitle', names).toString()).toBe(
      'Connect <bdi>{server}</bdi> to <bdi>&#60;b&#62;$&#38;</bdi>?',
    );
  });

  it('finds a text of the operator in its language', () => {
    const text = { EN: 'a', 'de-CH': 'b' };
    const translations = { de: {}, 'de-CH': {} };
    expect(messages('de-CH', translations).localized(text)).toBe('b');
    expect(messages('de', translations).localized(text)).toBe('a');
    expect(messages('', translations).localized('c')).toBe('c');
    expect(messages('', translations).localized({ fr: 'd' })).toBeUndefined();
    expect(messages('', translations).localized(undefined)).toBeUndefined();
  });
});
