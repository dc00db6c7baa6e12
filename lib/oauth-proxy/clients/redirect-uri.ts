// Schemes that a browser would run, render, or hand to something that is no OAuth client.
const forbiddenSchemes = new Set(
  (
    'about blob chrome content data feed file filesystem ftp googlechrome googlechromes intent ' +
    'itms-services jar javascript ldap livescript mailto microsoft-edge mocha resource search-ms ' +
    'shell smb sms ssh tel urn vbscript view-source ws wss wyciwyg'
  ).split(' '),
);
const responseParameters = ['code', 'error', 'error_description', 'error_uri', 'iss', 'state'];
const loopback = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(?::(\d{1,5}))?((?:[/?].*)?)$/;

/**
 * Says what is wrong with a redirect URI that a client wants to register, or null.
 * Works on the text as sent: a URL parser would repair what must be refused.
 */
export function redirectUriProblem(
  uri: unknown,
  applicationType?: 'native' | 'web',
): string | null {
  if (typeof uri !== 'string') return 'is not a string';
  if (uri.length > 2048) return 'is longer than 2048 characters';
  if (!/^[\x21-\x7e]+$/.test(uri) || /[\\#<>"`{}|^]/.test(uri)) {
    return 'has a fragment or a character that a URI cannot have';
  }
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1]?.toLowerCase();
  if (scheme === undefined) return 'is not an absolute URI';
  return (
    shapeProblem(uri, scheme) ??
    (hasDotSegment(uri) ? 'has a dot segment in its path' : null) ??
    (hasResponseParameter(uri) ? 'has a query parameter that the response sets' : null) ??
    (applicationType === 'web' && (scheme !== 'https' || isLoopbackUri(uri))
      ? 'is not allowed for application_type "web"'
      : null)
  );
}

/**
 * Tells whether the requested URI is one of the registered ones: the same bytes, or, for a
 * loopback interface, the same but for the port (RFC 8252 §7.3).
 */
export function matchesRedirectUri(registered: readonly string[], requested: string): boolean {
  if (registered.includes(requested)) return true;
  const asked = splitLoopback(requested);
  if (!asked) return false;
  return registered.some((uri) => {
    const known = splitLoopback(uri);
    return known?.host === asked.host && known.rest === asked.rest;
  });
}

export function isLoopbackUri(uri: string): boolean {
  return /^https?:\/\/(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\]|(?:[^/?#@]+\.)?localhost)(?:[:/?]|$)/i.test(
    uri,
  );
}

/** What to show a person as the place the answer goes to: a host, or a custom scheme. */
export function redirectTarget(uri: string): { kind: 'web' | 'loopback' | 'app'; name: string } {
  if (isLoopbackUri(uri)) return { kind: 'loopback', name: new URL(uri).host };
  if (/^https?:/i.test(uri)) return { kind: 'web', name: new URL(uri).host };
  return { kind: 'app', name: uri.slice(0, uri.indexOf(':') + 1) };
}

function shapeProblem(uri: string, scheme: string): string | null {
  if (scheme !== 'https' && scheme !== 'http') return customSchemeProblem(uri, scheme);
  const authority = /^https?:\/\/([^/?]+)/i.exec(uri)?.[1];
  if (authority === undefined || authority.includes('@') || !URL.canParse(uri)) {
    return 'has no plain host';
  }
  // A parser that reads another host than the one written (an encoded IP, an odd port) is a trap.
  const written = authority.toLowerCase().replace(scheme === 'https' ? /:443$/ : /:80$/, '');
  if (new URL(uri).host !== written) return 'has a host that is not written in its plain form';
  if (scheme === 'http' && !splitLoopback(uri)) return 'must use https unless it is on loopback';
  return null;
}

function customSchemeProblem(uri: string, scheme: string): string | null {
  if (forbiddenSchemes.has(scheme) || scheme.startsWith('ms-')) return 'has a forbidden scheme';
  if (uri[scheme.length + 1] !== '/') return 'has a custom scheme that no slash follows';
  return /^[^:]+:\/\/[^/?]*@/.test(uri) ? 'has user information' : null;
}

function hasDotSegment(uri: string): boolean {
  const path = uri.replace(/^[^:]+:(?:\/\/[^/?]*)?/, '').split('?', 1)[0] ?? '';
  return path
    .replace(/%2e/gi, '.')
    .replace(/%2f|%5c/gi, '/')
    .split('/')
    .some((s) => s === '.' || s === '..' || s === '..;');
}

function hasResponseParameter(uri: string): boolean {
  const start = uri.indexOf('?');
  if (start < 0) return false;
  const query = new URLSearchParams(uri.slice(start + 1));
  return responseParameters.some((name) => query.has(name));
}

function splitLoopback(uri: string): { host: string; rest: string } | null {
  const match = loopback.exec(uri);
  if (!match || Number(match[2] ?? 80) > 65_535) return null;
  return { host: match[1] ?? '', rest: match[3] ?? '' };
}
