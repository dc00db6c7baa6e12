import type { EndpointRequest } from './endpoint.js';
import { OAuthError } from './oauth-error.js';
import {
  assertBodyAnnounced,
  bodyTooLong,
  isRecord,
  MAX_BODY_BYTES,
  readBodyText,
} from './request-body.js';

const MAX_QUERY_LENGTH = 16 * 1024;
const MAX_PARAMETERS = 100;
const MAX_VALUE_BYTES = 8 * 1024;

/**
 * The parameters of an OAuth request. A parameter without a value counts as omitted, and one that
 * is sent more than once has no value at all.
 * @see RFC 6749 §3.1, §3.2
 */
export class Parameters {
  /** The names sent more than once, or in the list or object notation of a body parser. */
  readonly repeated: readonly string[];
  readonly #values: ReadonlyMap<string, string>;

  private constructor(entries: readonly (readonly [string, unknown])[]) {
    if (entries.length > MAX_PARAMETERS) throw invalid('There are too many parameters.');
    const values = new Map<string, string>();
    const repeated = new Set<string>();
    for (const [name, value] of entries) {
      if (values.has(name) || typeof value !== 'string') repeated.add(name);
      values.set(name, typeof value === 'string' ? limited(value) : '');
      const bracket = name.indexOf('[');
      // `a[]=` and `a[x]=`: one host's parser makes a list or an object of it, another's does not.
      if (bracket > 0) repeated.add(name.slice(0, bracket));
    }
    this.#values = values;
    this.repeated = [...repeated];
  }

  /**
   * Reads a query, without its `?`.
   * @throws OAuthError `invalid_request` when it is too long
   */
  static fromQuery(rawQuery: string): Parameters {
    if (rawQuery.length > MAX_QUERY_LENGTH) throw invalid('The query is too long.');
    return new Parameters(parseForm(rawQuery));
  }

  /**
   * Reads a form body, and never the query.
   * @throws OAuthError `invalid_request` when the body is no form, or too long (413)
   */
  static fromForm(request: EndpointRequest): Parameters {
    assertBodyAnnounced(request, 'application/x-www-form-urlencoded', 'invalid_request');
    if (request.body === undefined) return new Parameters([]);
    const text = readBodyText(request.body, 'invalid_request');
    if (text !== undefined) return new Parameters(parseForm(text));
    if (!isRecord(request.body)) throw invalid('The request body is not a form.');
    return new Parameters(formEntries(request.body));
  }

  /** The value of a parameter that was sent once and is not empty. */
  get(name: string): string | undefined {
    return this.repeated.includes(name) ? undefined : this.#values.get(name) || undefined;
  }

  /** Every name sent, with or without a value, in the order sent. */
  names(): string[] {
    return [...this.#values.keys()];
  }

  /**
   * Demands that none of these parameters, or none at all when no name is given, is repeated.
   * @throws OAuthError `invalid_request`
   */
  assertSingle(...names: readonly string[]): void {
    const repeats = names.length === 0 ? this.repeated.length > 0 : names.some(this.#isRepeated);
    if (repeats) throw invalid('A parameter was sent more than once.');
  }

  readonly #isRepeated = (name: string): boolean => this.repeated.includes(name);
}

function parseForm(text: string): [string, string][] {
  // `?a=b` as a form names the parameter `?a`; URLSearchParams alone would drop the `?`.
  return [...new URLSearchParams(text.startsWith('?') ? `&${text}` : text)];
}

function formEntries(body: Record<string, unknown>): [string, unknown][] {
  const entries = Object.entries(body);
  let bytes = 0;
  for (const [name, value] of entries) {
    bytes += Buffer.byteLength(name) + (typeof value === 'string' ? Buffer.byteLength(value) : 0);
  }
  // A chunked body has no content-length, and the host's own limit may be higher.
  if (bytes > MAX_BODY_BYTES) throw bodyTooLong('invalid_request');
  return entries;
}

function limited(value: string): string {
  if (Buffer.byteLength(value) > MAX_VALUE_BYTES) throw invalid('A parameter is too long.');
  return value;
}

function invalid(description: string): OAuthError {
  return new OAuthError('invalid_request', description);
}
