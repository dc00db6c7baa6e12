import {
  type AcceptedLanguages,
  directionOf,
  fallbacksOf,
  lookUpLanguage,
} from '../../http/accept-language.js';
import { html, type HtmlPart, type SafeHtml } from '../../http/html.js';
import { english } from './english.js';
import type { PageMessages } from './page-messages.js';

/** A text, or the same text in several languages by their tags (BCP 47). */
export type LocalizedText = string | Readonly<Record<string, string>>;

/** The texts of further languages, by their tags (BCP 47); what one lacks is said in English. */
export type MessageTranslations = Readonly<Record<string, Partial<PageMessages>>>;

type Names<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Names<Rest>
  : never;

/** What is filled into a message: exactly the names that the English text has. */
export type MessageParameters<Key extends keyof PageMessages, Value> = {
  readonly [Name in Names<(typeof english)[Key]>]: Value;
};

const placeholder = /\{([a-z]+)\}/i;

/** The languages the pages can be shown in. */
export class MessageCatalogue {
  readonly #languages = new Map<string, Messages>();
  readonly #english: Messages;

  /** The translations must be free of issues. */
  constructor(translations: MessageTranslations) {
    const given = new Map(Object.entries(translations).map(([t, m]) => [t.toLowerCase(), m]));
    for (const tag of ['en', ...given.keys()]) {
      // A regional variant needs to say only what differs.
      const parts = [...fallbacksOf(tag), 'en'].map((fallback) => given.get(fallback) ?? {});
      const texts = Object.assign({}, english, ...parts.toReversed()) as PageMessages;
      this.#languages.set(tag, new Messages(tag, texts));
    }
    this.#english = this.#languages.get('en') ?? new Messages('en', english);
  }

  /** The messages in the language that suits best, by lookup (RFC 4647 §3.4). */
  for(languages: AcceptedLanguages): Messages {
    const tag = lookUpLanguage(languages, new Set(this.#languages.keys()));
    return (tag === undefined ? undefined : this.#languages.get(tag)) ?? this.#english;
  }
}

/** The messages of one language. */
export class Messages {
  /** The language's tag in its canonical form. */
  readonly language: string;
  readonly direction: 'ltr' | 'rtl';
  readonly #texts: PageMessages;

  constructor(tag: string, texts: PageMessages) {
    [this.language = tag] = Intl.getCanonicalLocales(tag);
    this.direction = directionOf(tag);
    this.#texts = texts;
  }

  /** The message as plain text. */
  text<Key extends keyof PageMessages>(
    key: Key,
    ...[parameters]: [Names<(typeof english)[Key]>] extends [never]
      ? []
      : [MessageParameters<Key, string>]
  ): string {
    return split(this.#texts[key], parameters ?? {}).join('');
  }

  /** The message as markup; what is filled in cannot turn the direction of the words around it. */
  markup<Key extends keyof PageMessages>(
    key: Key,
    parameters: MessageParameters<Key, string>,
  ): SafeHtml {
    const isolated = Object.entries<string>(parameters).map(([name, value]): [string, HtmlPart] => [
      name,
      html`<bdi>${value}</bdi>`,
    ]);
    return html`${split<HtmlPart>(this.#texts[key], Object.fromEntries(isolated))}`;
  }

  /** The text in this language, else in English, else not at all. */
  localized(text: LocalizedText | undefined): string | undefined {
    if (text === undefined || typeof text === 'string') return text;
    const given = new Map(Object.entries(text).map(([tag, words]) => [tag.toLowerCase(), words]));
    const tag = [...fallbacksOf(this.language), 'en'].find((t) => given.has(t));
    return tag === undefined ? undefined : given.get(tag);
  }
}

/** The names in braces, such as `{client}`, that a text has. */
export function placeholdersOf(text: string): readonly string[] {
  return text.split(placeholder).filter((_part, i) => i % 2 === 1);
}

/** Filled in once: what a value itself has in braces stays as it is. */
function split<Part>(text: string, values: Readonly<Record<string, Part>>): (string | Part)[] {
  return text.split(placeholder).map((part, i) => {
    if (i % 2 === 0) return part;
    return Object.hasOwn(values, part) ? (values[part] as Part) : `{${part}}`;
  });
}
