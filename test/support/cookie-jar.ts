import { isIP } from 'node:net';

export interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly domain: string;
  /** Whether only the exact host gets it. */
  readonly hostOnly: boolean;
  readonly path: string;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly sameSite: 'strict' | 'lax' | 'none';
  /** In milliseconds since 1970; Infinity until the browser is closed. */
  readonly expiresAt: number;
}

export interface CookieContext {
  readonly method: string;
  /** Whether another site began the navigation. */
  readonly crossSite: boolean;
}

/** The cookies of one browser (RFC 6265bis); `Secure` ones are refused over http, as Safari does. */
export class CookieJar {
  readonly #cookies = new Map<string, Cookie>();
  readonly #now: () => number;

  /** Takes the time in milliseconds from the function. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Takes one `Set-Cookie` header; tells whether the cookie was accepted. */
  store(url: URL, setCookie: string): boolean {
    const cookie = parseSetCookie(url, setCookie, this.#now());
    if (!cookie || !isAcceptable(url, cookie)) return false;
    const key = [cookie.domain, cookie.path, cookie.name].join(';');
    if (cookie.expiresAt <= this.#now()) this.#cookies.delete(key);
    else this.#cookies.set(key, cookie);
    return true;
  }

  /** The `Cookie` header of a top-level navigation, or undefined when there is none. */
  header(url: URL, { method, crossSite }: CookieContext): string | undefined {
    const safe = method === 'GET' || method === 'HEAD';
    const sent = this.list(url).filter(({ sameSite }) => {
      if (!crossSite || sameSite === 'none') return true;
      return sameSite === 'lax' && safe;
    });
    return sent.length > 0 ? sent.map((c) => `${c.name}=${c.value}`).join('; ') : undefined;
  }

  /** The live cookies, of one URL or of all, the longest path first. */
  list(url?: URL): readonly Cookie[] {
    return [...this.#cookies.values()]
      .filter((c) => c.expiresAt > this.#now() && (!url || matches(url, c)))
      .sort((a, b) => b.path.length - a.path.length);
  }

  clear(): void {
    this.#cookies.clear();
  }
}

function parseSetCookie(url: URL, text: string, now: number): Cookie | undefined {
  const [pair = '', ...attributes] = text.split(';');
  const [name, value] = cut(pair);
  if (!name) return undefined;
  const given = new Map(
    attributes.map((attribute) => {
      const [key, value] = cut(attribute);
      return [key.toLowerCase(), value];
    }),
  );
  const domain = given.get('domain')?.replace(/^\./, '').toLowerCase();
  const path = given.get('path');
  const sameSite = given.get('samesite')?.toLowerCase();
  return {
    name,
    value,
    domain: domain || url.hostname,
    hostOnly: !domain,
    path: path?.startsWith('/') ? path : defaultPath(url.pathname),
    secure: given.has('secure'),
    httpOnly: given.has('httponly'),
    sameSite: sameSite === 'strict' || sameSite === 'none' ? sameSite : 'lax',
    expiresAt: expiryOf(given, now),
  };
}

function expiryOf(attributes: ReadonlyMap<string, string>, now: number): number {
  const maxAge = Number.parseInt(attributes.get('max-age') ?? '', 10);
  if (!Number.isNaN(maxAge)) return maxAge <= 0 ? 0 : now + maxAge * 1000;
  const expires = Date.parse(attributes.get('expires') ?? '');
  return Number.isNaN(expires) ? Infinity : expires;
}

function isAcceptable(url: URL, cookie: Cookie): boolean {
  const tls = url.protocol === 'https:';
  if (cookie.secure && !tls) return false;
  if (cookie.sameSite === 'none' && !cookie.secure) return false;
  if (cookie.name.length + cookie.value.length > 4096) return false;
  if (!cookie.hostOnly && !domainMatches(url.hostname, cookie.domain)) return false;
  const name = cookie.name.toLowerCase();
  if (name.startsWith('__secure-')) return cookie.secure;
  if (name.startsWith('__host-')) return cookie.secure && cookie.hostOnly && cookie.path === '/';
  return true;
}

function matches(url: URL, cookie: Cookie): boolean {
  if (cookie.secure && url.protocol !== 'https:') return false;
  const host = cookie.hostOnly
    ? url.hostname === cookie.domain
    : domainMatches(url.hostname, cookie.domain);
  return host && pathMatches(url.pathname, cookie.path);
}

function domainMatches(host: string, domain: string): boolean {
  if (host === domain) return true;
  return isIP(host) === 0 && domain.includes('.') && host.endsWith(`.${domain}`);
}

function pathMatches(path: string, cookiePath: string): boolean {
  if (path === cookiePath) return true;
  return path.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`);
}

function defaultPath(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')));
}

function cut(text: string): readonly [string, string] {
  const equals = text.indexOf('=');
  if (equals < 0) return [text.trim(), ''];
  return [text.slice(0, equals).trim(), text.slice(equals + 1).trim()];
}
