import type { EndpointRequest, ResponseCookie } from './endpoint.js';

const MAX_HEADER_LENGTH = 16 * 1024;

/**
 * The value of a request's cookie, or undefined when there is none that can be trusted to be ours:
 * sent twice with different values, as when a sibling subdomain planted one, or malformed.
 * @see RFC 6265 §4.2.1
 */
export function readCookie(request: EndpointRequest, name: string): string | undefined {
  const header = cookieHeader(request);
  if (header.length > MAX_HEADER_LENGTH) return undefined;
  const values = new Set<string>();
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    if (equals >= 0 && trimSpace(pair.slice(0, equals)) === name) {
      values.add(trimSpace(pair.slice(equals + 1)));
    }
  }
  const [value] = values;
  return values.size === 1 && value !== undefined && isCookieValue(value) ? value : undefined;
}

/**
 * Renders a `Set-Cookie` header: for the whole host and no other, out of reach of scripts.
 * @throws TypeError when a name, value or age is not allowed, or a prefix demands `secure`
 * @see RFC 6265bis §4.1
 */
export function renderCookie(cookie: ResponseCookie): string {
  const { name, value, maxAgeSeconds, secure, sameSite = 'Lax' } = cookie;
  if (!isCookieName(name)) throw new TypeError('The name of the cookie is not allowed.');
  if (!isCookieValue(value)) throw new TypeError('The value of the cookie is not allowed.');
  if (!Number.isSafeInteger(maxAgeSeconds) || maxAgeSeconds < 0) {
    throw new TypeError('The age of the cookie must be a whole number of seconds.');
  }
  if (!secure && /^__(?:host|secure)-/i.test(name)) {
    throw new TypeError('A cookie with this prefix must be secure.');
  }
  const attributes = `Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=${sameSite}`;
  return `${name}=${value}; ${attributes}${secure ? '; Secure' : ''}`;
}

function cookieHeader(request: EndpointRequest): string {
  const header = request.headers['cookie'] ?? '';
  return typeof header === 'string' ? header : header.join('; ');
}

/** Unlike `trim`, leaves U+00A0 and its like: ` __Host-x` with such a space is another cookie. */
function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function isCookieName(text: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text);
}

/** `*cookie-octet`: visible ASCII without `"`, `,`, `;` and `\`. */
function isCookieValue(text: string): boolean {
  return /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/.test(text);
}
