/**
 * Brings a resource URL into the one form that is published and compared: lower-case scheme and
 * host, no default port, no trailing slash. Null when it is no absolute http(s) URL, or has
 * credentials, a query or a fragment (RFC 8707 §2, RFC 9728 §1.2).
 */
export function canonicalResource(url: string): string | null {
  if (!URL.canParse(url) || /[#?]/.test(url)) return null;
  const parsed = new URL(url);
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:') return null;
  if (parsed.username || parsed.password) return null;
  return parsed.href.endsWith('/') ? parsed.href.slice(0, -1) : parsed.href;
}

/**
 * Tells whether what a client sent names the resource. Forgiven are one trailing slash and the
 * case of scheme and host, and nothing else: no dot segments, no escapes, no other port.
 */
export function sameResource(identifier: string, sent: string): boolean {
  if (sent === identifier) return true;
  const match = /^(https?):\/\/([^/?#\\@]+)(.*)$/i.exec(sent);
  if (!match) return false;
  const [, scheme = '', authority = '', rest = ''] = match;
  const lowered = `${scheme.toLowerCase()}://${authority.toLowerCase()}${rest}`;
  return lowered === identifier || lowered === `${identifier}/`;
}
