/** Header values as Node gives them: lower-case names; a value, several, or none. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What a request brings to say who is calling. */
export type BearerCredentials =
  | { readonly kind: 'none' }
  /** `header`: where the token came, when not in `Authorization`. */
  | { readonly kind: 'token'; readonly token: string; readonly header?: string }
  /** 400 for a malformed request, 401 for a token that no source could accept. */
  | { readonly kind: 'malformed'; readonly status: 400 | 401 };

const MAX_TOKEN_LENGTH = 16 * 1024;
const SCHEME = 'bearer';

const NONE: BearerCredentials = Object.freeze({ kind: 'none' });
/** A request that says it in no readable way, or in several. */
export const MALFORMED_REQUEST: BearerCredentials = Object.freeze({
  kind: 'malformed',
  status: 400,
});
const MALFORMED_TOKEN: BearerCredentials = Object.freeze({ kind: 'malformed', status: 401 });

/**
 * Reads the bearer token of a request from its one `Authorization` header, and from nowhere else.
 * `rawHeaders` (names and values in turn, as sent) shows a repeated header, which Node drops.
 * @see RFC 6750 §2.1
 */
export function parseBearerToken(
  headers: RequestHeaders | undefined,
  rawHeaders: readonly string[] = [],
): BearerCredentials {
  if (repeatsAuthorization(rawHeaders)) return MALFORMED_REQUEST;
  const header = headers?.['authorization'];
  const value = typeof header === 'string' ? header : header?.[0];
  if (value === undefined) return NONE;
  if (typeof header !== 'string' && header?.length !== 1) return MALFORMED_REQUEST;
  return parseCredentials(value);
}

function parseCredentials(value: string): BearerCredentials {
  // RFC 9110 §11.1: the scheme is case-insensitive.
  if (value.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return NONE;
  if (value.length === SCHEME.length || value.trimEnd().length === SCHEME.length) return NONE;
  if (value[SCHEME.length] !== ' ') {
    return isAlphanumeric(value.charCodeAt(SCHEME.length)) ? NONE : MALFORMED_REQUEST;
  }
  return parseToken(value.slice(SCHEME.length + 1));
}

/** Reads what should be a token and nothing else. */
export function parseToken(token: string): BearerCredentials {
  if (token.length > MAX_TOKEN_LENGTH) return MALFORMED_TOKEN;
  return isB64Token(token) ? { kind: 'token', token } : MALFORMED_REQUEST;
}

/** `b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="` (RFC 6750 §2.1). */
function isB64Token(text: string): boolean {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 0x3d) end--;
  for (let i = 0; i < end; i++) {
    const c = text.charCodeAt(i);
    if (!isAlphanumeric(c) && !isB64Mark(c)) return false;
  }
  return end > 0;
}

function isAlphanumeric(c: number): boolean {
  return (c >= 0x61 && c <= 0x7a) || (c >= 0x41 && c <= 0x5a) || (c >= 0x30 && c <= 0x39);
}

/** One of `-` `.` `/` `_` `~` `+`. */
function isB64Mark(c: number): boolean {
  return (c >= 0x2d && c <= 0x2f) || c === 0x5f || c === 0x7e || c === 0x2b;
}

function repeatsAuthorization(rawHeaders: readonly string[]): boolean {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    if (name?.length === 13 && name.toLowerCase() === 'authorization' && ++count > 1) return true;
  }
  return false;
}
