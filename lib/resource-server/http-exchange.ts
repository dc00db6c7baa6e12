import type { RequestHeaders } from './bearer-token.js';
import type { SessionResponse } from './session-binding.js';

/** A request of Express or Fastify, as far as the guard reads it. */
export interface GuardedRequest {
  readonly method?: string;
  readonly headers?: RequestHeaders;
  readonly rawHeaders?: readonly string[];
  readonly body?: unknown;
  /** Fastify's raw request. */
  readonly raw?: { readonly rawHeaders?: readonly string[] };
}

/** A response of Express or Fastify, as far as the guard writes it. */
export interface GuardedResponse {
  readonly headersSent?: boolean;
  /** Fastify: the reply went out. */
  readonly sent?: boolean;
  readonly raw?: SessionResponse;
  header?(name: string, value: string): unknown;
  setHeader?(name: string, value: string): unknown;
}

const SESSION_ID = 'mcp-session-id';

export function rawHeadersOf(request: GuardedRequest): readonly string[] | undefined {
  return request.rawHeaders ?? request.raw?.rawHeaders;
}

/** Sets headers before anything is thrown, so that no exception filter can lose them. */
export function setHeaders(
  response: GuardedResponse,
  headers: Readonly<Record<string, string>>,
): void {
  if (response.headersSent === true || response.sent === true) return;
  for (const [name, value] of Object.entries(headers)) {
    if (typeof response.header === 'function') response.header(name, value);
    else response.setHeader?.(name, value);
  }
}

/** Tells whether a browser asks for permission (Fetch §3.3.2); such a request has no credentials. */
export function isPreflight({ method, headers }: GuardedRequest): boolean {
  return (
    method === 'OPTIONS' &&
    headers?.['origin'] !== undefined &&
    headers['access-control-request-method'] !== undefined
  );
}

/** The session a request belongs to; undefined when it names none. */
export function sessionIdOf({ headers }: GuardedRequest): string | undefined {
  const header = headers?.[SESSION_ID];
  return header === undefined ? undefined : String(header) || undefined;
}

/** Tells whether the answer may open a session; an unparsed body may hold anything. */
export function mayOpenSession({ method, body }: GuardedRequest): boolean {
  if (method !== 'POST') return false;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return true;
  return !('method' in body) || body.method === 'initialize';
}

/** The response on which a session id appears: Fastify's raw one, or Express's own. */
export function rawResponseOf(response: GuardedResponse): SessionResponse {
  return response.raw ?? (response as unknown as SessionResponse);
}
