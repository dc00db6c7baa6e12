const MAX_LENGTH = 1024;
const MAX_RANGES = 32;

/**
 * The language ranges of an `Accept-Language` header in lower case, the best first, and those that
 * are ruled out by `q=0`. What is malformed is left out; a very long header is read in part.
 * @see RFC 9110 §12.5.4, RFC 4647 §2.1
 */
export interface AcceptedLanguages {
  readonly wanted: readonly string[];
  readonly refused: readonly string[];
}

/** Reads an `Accept-Language` header, in a time that its length bounds. */
export function readAcceptLanguage(header: string): AcceptedLanguages {
  const ranges = header
    .slice(0, MAX_LENGTH)
    .split(',', MAX_RANGES)
    .flatMap((element) => rangeOf(element));
  return {
    wanted: ranges
      .filter(({ quality }) => quality > 0)
      .toSorted((a, b) => b.quality - a.quality)
      .map(({ range }) => range),
    refused: ranges.filter(({ quality }) => quality === 0).map(({ range }) => range),
  };
}

/**
 * The one language to answer in, of those available; undefined when the default has to do. Each
 * wanted range is tried in turn and cut short from its end until it fits (RFC 4647 §3.4).
 */
export function lookUpLanguage(
  { wanted, refused }: AcceptedLanguages,
  available: ReadonlySet<string>,
): string | undefined {
  for (const range of wanted) {
    const found = fallbacksOf(range).find((tag) => available.has(tag) && !refused.includes(tag));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A language tag in lower case and what it falls back to: `zh-hant-tw`, `zh-hant`, `zh`. */
export function fallbacksOf(tag: string): readonly string[] {
  const subtags = tag.toLowerCase().split('-');
  const tags: string[] = [];
  while (subtags.length > 0) {
    // A single letter begins an extension and says nothing without it.
    if (subtags.at(-1)?.length !== 1) tags.push(subtags.join('-'));
    subtags.pop();
  }
  return tags;
}

/** The direction in which the language is written. */
export function directionOf(tag: string): 'ltr' | 'rtl' {
  return rightToLeft.has(new Intl.Locale(tag).maximize().script ?? '') ? 'rtl' : 'ltr';
}

// ISO 15924, the scripts in modern use.
const rightToLeft = new Set([
  'Adlm',
  'Arab',
  'Hebr',
  'Mand',
  'Nkoo',
  'Rohg',
  'Samr',
  'Syrc',
  'Thaa',
]);

function rangeOf(element: string): { range: string; quality: number }[] {
  const [range = '', weight, ...more] = element.toLowerCase().split(';', 3);
  const tag = range.trim();
  if (more.length > 0 || !/^[a-z]{1,8}(?:-[a-z0-9]{1,8})*$/.test(tag)) return [];
  if (weight === undefined) return [{ range: tag, quality: 1 }];
  const quality = /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.exec(weight.trim())?.[1];
  return quality === undefined ? [] : [{ range: tag, quality: Number(quality) }];
}
