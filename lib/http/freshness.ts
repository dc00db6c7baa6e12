import type { ConditionalHeaders } from './public-outbound.js';

const MAX_DELTA_SECONDS = 2 ** 31;
const DIRECTIVE = /([^\s,=]+)(?:=(?:"([^"]*)"|([^\s,"]*)))?/g;
const ENTITY_TAG = /^(?:W\/)?"[\x21\x23-\x7e]{0,200}"$/;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const HTTP_DATE = new RegExp(
  `^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \\d{2} (?:${MONTHS.join('|')}) \\d{4} \\d{2}:\\d{2}:\\d{2} GMT$`,
);

/** Within what an answer may choose, and what it gets when it chooses nothing. */
export interface FreshnessLimits {
  readonly minSeconds: number;
  readonly maxSeconds: number;
  readonly defaultSeconds: number;
}

/** Whether an answer may be kept, and for how long it needs no question. */
export interface Freshness {
  /** False: the answer is for this once. */
  readonly store: boolean;
  /** How long it may be used unasked, in seconds; 0: only after a conditional request. */
  readonly seconds: number;
}

/**
 * How long an answer that was just received may be used again, as a cache for several users has to
 * see it. What is malformed counts as absent, but for `Expires`, which is then in the past. The
 * limits bound a lifetime and never what must not be kept or must be asked about.
 * @param now in seconds since 1970
 * @see RFC 9111 §4.2, §5.2.2, §5.3
 */
export function freshnessOf(headers: Headers, limits: FreshnessLimits, now: number): Freshness {
  const directives = directivesOf(headers.get('cache-control') ?? '');
  const isForOnce =
    directives.has('no-store') || directives.has('private') || variesByAnything(headers);
  if (isForOnce) return { store: false, seconds: 0 };
  if (directives.has('no-cache')) return { store: true, seconds: 0 };
  const lifetime = lifetimeOf(headers, directives, now);
  const seconds = lifetime === undefined ? limits.defaultSeconds : lifetime - ageOf(headers, now);
  return {
    store: true,
    seconds: Math.max(limits.minSeconds, Math.min(limits.maxSeconds, seconds)),
  };
}

/** The headers that ask whether a kept answer still holds; empty when it named no validator. */
export function conditionalHeaders(headers: Headers): ConditionalHeaders {
  const etag = headers.get('etag') ?? '';
  const lastModified = headers.get('last-modified') ?? '';
  return {
    ...(ENTITY_TAG.test(etag) && { 'if-none-match': etag }),
    ...(HTTP_DATE.test(lastModified) && { 'if-modified-since': lastModified }),
  };
}

/** Of a directive that comes twice the first counts (RFC 9111 §4.2.1). */
function directivesOf(cacheControl: string): ReadonlyMap<string, string> {
  const directives = new Map<string, string>();
  for (const [, name = '', quoted, token] of cacheControl.matchAll(DIRECTIVE)) {
    const key = name.toLowerCase();
    if (!directives.has(key)) directives.set(key, quoted ?? token ?? '');
  }
  return directives;
}

function variesByAnything(headers: Headers): boolean {
  return (headers.get('vary') ?? '').split(',').some((name) => name.trim() === '*');
}

function lifetimeOf(
  headers: Headers,
  directives: ReadonlyMap<string, string>,
  now: number,
): number | undefined {
  const maxAge =
    deltaSeconds(directives.get('s-maxage')) ?? deltaSeconds(directives.get('max-age'));
  if (maxAge !== undefined) return maxAge;
  const expires = headers.get('expires');
  if (expires === null) return undefined;
  return (httpDate(expires) ?? 0) - (httpDate(headers.get('date')) ?? now);
}

function ageOf(headers: Headers, now: number): number {
  const age = deltaSeconds(headers.get('age') ?? undefined) ?? 0;
  return Math.max(age, now - (httpDate(headers.get('date')) ?? now));
}

function deltaSeconds(text = ''): number | undefined {
  return /^\d+$/.test(text) ? Math.min(Number(text), MAX_DELTA_SECONDS) : undefined;
}

function httpDate(text: string | null): number | undefined {
  if (text === null || !HTTP_DATE.test(text)) return undefined;
  const seconds = Date.parse(text) / 1000;
  return Number.isNaN(seconds) ? undefined : seconds;
}
