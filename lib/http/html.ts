/** What `html` accepts: text is escaped, `SafeHtml` is not, lists are joined, undefined is nothing. */
export type HtmlPart = string | number | undefined | SafeHtml | readonly HtmlPart[];

/** Markup in which every piece of foreign text is escaped. Only `html` makes it. */
export type SafeHtml = Markup;

class Markup {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** Tells markup made here from anything that merely looks like it. */
  static isMarkup(value: unknown): value is Markup {
    return typeof value === 'object' && value !== null && #text in value;
  }

  toString(): string {
    return this.#text;
  }
}

/** A template whose every interpolated text is escaped for element content and quoted attributes. */
export function html(template: TemplateStringsArray, ...parts: readonly HtmlPart[]): SafeHtml {
  let text = template[0] ?? '';
  for (const [i, part] of parts.entries()) text += renderPart(part) + (template[i + 1] ?? '');
  return new Markup(text);
}

/**
 * Escapes text for element content and quoted attributes. White space becomes plain spaces;
 * characters that are invisible or turn the reading direction become U+FFFD, so that no text can
 * pose as another.
 */
export function escapeHtml(text: string): string {
  return text
    .replace(/[\t\n\r]/g, ' ')
    .replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, '\uFFFD')
    .replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function renderPart(part: HtmlPart): string {
  if (part === undefined) return '';
  if (Markup.isMarkup(part)) return part.toString();
  if (typeof part === 'object') return part.map(renderPart).join('');
  return escapeHtml(String(part));
}
