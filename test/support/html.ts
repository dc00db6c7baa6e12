export interface FormField {
  readonly name: string;
  readonly value: string;
  /** The input's type in lower case, `submit` for buttons. */
  readonly type: string;
}

export interface Form {
  /** Absolute. */
  readonly action: string;
  readonly method: 'GET' | 'POST';
  readonly fields: readonly FormField[];
  /** Submit buttons; those without a name are not among them. */
  readonly buttons: readonly FormField[];
}

interface Tag {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
}

/** The forms of a page, as far as login and consent pages need them. */
export function parseForms(html: string, pageUrl: string): readonly Form[] {
  const forms: Form[] = [];
  let open: { form: Omit<Form, 'fields' | 'buttons'>; fields: FormField[] } | undefined;
  for (const { name, attributes } of tagsOf(html)) {
    if (name === 'form') open = { form: formOf(attributes, pageUrl), fields: [] };
    else if (name === '/form' && open) {
      forms.push({
        ...open.form,
        fields: open.fields.filter((field) => field.type !== 'submit'),
        buttons: open.fields.filter((field) => field.type === 'submit' && field.name !== ''),
      });
      open = undefined;
    } else if (open && (name === 'input' || name === 'button')) {
      const field = fieldOf(name, attributes);
      if (field) open.fields.push(field);
    }
  }
  return forms;
}

/** The absolute targets of a page's links. */
export function parseLinks(html: string, pageUrl: string): readonly string[] {
  return tagsOf(html)
    .filter(({ name, attributes }) => name === 'a' && attributes.has('href'))
    .map(({ attributes }) => attributes.get('href') ?? '')
    .filter((href) => URL.canParse(href, pageUrl))
    .map((href) => new URL(href, pageUrl).href);
}

function formOf(
  attributes: ReadonlyMap<string, string>,
  pageUrl: string,
): Pick<Form, 'action' | 'method'> {
  return {
    action: new URL(attributes.get('action') || pageUrl, pageUrl).href,
    method: attributes.get('method')?.toUpperCase() === 'POST' ? 'POST' : 'GET',
  };
}

function fieldOf(tag: string, attributes: ReadonlyMap<string, string>): FormField | undefined {
  const type = (attributes.get('type') ?? (tag === 'button' ? 'submit' : 'text')).toLowerCase();
  const isBox = type === 'checkbox' || type === 'radio';
  if (isBox && !attributes.has('checked')) return undefined;
  return {
    type,
    name: attributes.get('name') ?? '',
    value: attributes.get('value') ?? (isBox ? 'on' : ''),
  };
}

/** Every tag outside comments, scripts and styles; closing tags are named with their slash. */
function tagsOf(html: string): readonly Tag[] {
  const tags: Tag[] = [];
  let at = html.indexOf('<');
  while (at >= 0) {
    let end = html.startsWith('<!--', at) ? html.indexOf('-->', at) + 2 : tagEnd(html, at);
    if (end < at) break;
    const tag = html.startsWith('<!', at) ? undefined : parseTag(html.slice(at + 1, end));
    if (tag) tags.push(tag);
    if (tag?.name === 'script' || tag?.name === 'style') {
      end = html.toLowerCase().indexOf(`</${tag.name}`, end);
      if (end < 0) break;
    }
    at = html.indexOf('<', end);
  }
  return tags;
}

function tagEnd(html: string, start: number): number {
  let quote = '';
  for (let i = start; i < html.length; i++) {
    const c = html[i] ?? '';
    if (quote) quote = c === quote ? '' : quote;
    else if (c === '"' || c === "'") quote = c;
    else if (c === '>') return i;
  }
  return -1;
}

function parseTag(text: string): Tag | undefined {
  const [, name, rest = ''] = /^(\/?[a-z][a-z0-9]*)([^]*)$/i.exec(text) ?? [];
  if (!name) return undefined;
  const attributes = new Map<string, string>();
  const pattern = /([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g;
  for (const [, key = '', double, single, bare] of rest.matchAll(pattern)) {
    const value = decodeEntities(double ?? single ?? bare ?? '');
    if (!attributes.has(key.toLowerCase())) attributes.set(key.toLowerCase(), value);
  }
  return { name: name.toLowerCase(), attributes };
}

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
};

function decodeEntities(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#([0-9]+)|([a-z]+));/gi, (whole, hex, decimal, name) => {
    if (hex) return String.fromCodePoint(Number.parseInt(String(hex), 16));
    if (decimal) return String.fromCodePoint(Number(decimal));
    return entities[String(name).toLowerCase()] ?? whole;
  });
}
