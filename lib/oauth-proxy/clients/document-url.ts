const maxLength = 2048;

/** Tells whether a client id is meant as the URL of a document. No id that the server makes is one. */
export function looksLikeDocumentUrl(clientId: string): boolean {
  return /^https?:/i.test(clientId);
}

/**
 * Says what is wrong with the URL of a client's document, or null. Works on the text as sent: there
 * is one spelling of a client id, so whatever a URL parser would repair is refused.
 *
 * @see OAuth Client ID Metadata Document §3
 */
export function documentUrlProblem(url: string): string | null {
  if (url.length > maxLength) return `is longer than ${maxLength} characters`;
  if (!/^[\x21-\x7e]+$/.test(url) || /[\\"<>^`{|}]/.test(url)) {
    return 'has a character that a URL cannot have';
  }
  if (!url.startsWith('https://')) return 'does not begin with https://';
  if (url.includes('#')) return 'has a fragment';
  if (url.endsWith('?')) return 'has an empty query';
  // Also cases, encoded addresses, default ports, dot segments, and what has no host at all.
  if (!URL.canParse(url) || new URL(url).href !== url) return 'is not written in its plain form';
  const { username, password, hostname, pathname } = new URL(url);
  if (username || password) return 'has user information';
  if (hostname.endsWith('.')) return 'has a host that ends in a dot';
  return pathname === '/' ? 'has no path' : null;
}
