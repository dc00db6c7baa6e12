import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { renderCookie } from './cookies.js';
import type { EndpointDispatcher } from './dispatcher.js';
import type { EndpointRequest, EndpointResponse, EndpointRoute } from './endpoint.js';
import { readRawBody } from './raw-body.js';
import { securityHeaders } from './security-headers.js';
import type { Wire } from './wire.js';
import { openWire } from './wire.js';

const BODY_TIMEOUT_SECONDS = 5;

/** Serves one request of Express or Fastify, from reading it to the last byte of the answer. */
export async function serveEndpoint(
  dispatcher: EndpointDispatcher,
  req: unknown,
  res: unknown,
): Promise<void> {
  const head = toEndpointRequest(req);
  try {
    const { response, cors } = await dispatcher.dispatch(await readEndpointRequest(req));
    writeResponse(res, response, cors, head);
  } catch (error) {
    const { response, cors } = dispatcher.answerFault(head.path, error, head);
    writeResponse(res, response, cors, head);
  }
}

/**
 * Reads a request of Express or Fastify, and its body itself where the host has no parser for it.
 * @throws OAuthError when the body is too long, too slow or breaks off
 */
async function readEndpointRequest(req: unknown): Promise<EndpointRequest> {
  const request = toEndpointRequest(req);
  if (request.body !== undefined || request.method !== 'POST') return request;
  return { ...request, body: await readRawBody(nodeRequest(req), BODY_TIMEOUT_SECONDS) };
}

/** The request as it came in, whatever prefix, mount point or rewriting the host applied. */
export function toEndpointRequest(req: unknown): EndpointRequest {
  const { method, url, originalUrl, headers, body, ip } = req as HostRequest;
  const target = originalUrl ?? url;
  const mark = target.indexOf('?');
  return {
    method,
    path: mark < 0 ? target : target.slice(0, mark),
    rawQuery: mark < 0 ? '' : target.slice(mark + 1),
    headers: { ...headers, ...repeatedHeaders(nodeRequest(req)) },
    body,
    remoteAddress: ip ?? nodeRequest(req).socket.remoteAddress,
    platformRequest: req as object,
  };
}

/**
 * Writes an endpoint's response through Express or Fastify; nothing when one was sent already.
 * @throws TypeError when a header, cookie or location would not be safe to send
 */
export function writeResponse(
  res: unknown,
  response: EndpointResponse,
  cors: EndpointRoute['cors'],
  request: EndpointRequest,
): void {
  const body = renderBody(response);
  const headers = { ...responseHeaders(response, body), ...(cors === 'any' ? CORS_ANY : {}) };
  assertSafe(headers);
  const cookies = (response.cookies ?? []).map(renderCookie);
  const wire = openWire(res);
  if (wire.isSent) return;
  removeHostHeaders(wire);
  for (const [name, value] of Object.entries(headers)) wire.set(name, value);
  if (cookies.length > 0) wire.set('set-cookie', [...hostCookies(wire), ...cookies]);
  wire.send(statusOf(response, request), request.method === 'HEAD' ? undefined : body);
}

interface HostRequest {
  readonly method: string;
  readonly url: string;
  readonly originalUrl?: string;
  readonly headers: IncomingHttpHeaders;
  readonly body?: unknown;
  /** Of both: the client's address, as far as the host trusts the proxies in between. */
  readonly ip?: string | undefined;
  /** Fastify's: the request of Node beneath. */
  readonly raw?: IncomingMessage;
}

const CORS_ANY = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'WWW-Authenticate, Retry-After',
} as const;

function nodeRequest(req: unknown): IncomingMessage {
  return (req as HostRequest).raw ?? (req as IncomingMessage);
}

/** Node keeps the first of these and drops the others, which would hide an ambiguous request. */
function repeatedHeaders(req: IncomingMessage): Record<string, string[]> {
  const distinct = req.headersDistinct as NodeJS.Dict<string[]> | undefined;
  const repeated: Record<string, string[]> = {};
  for (const name of ['authorization', 'content-type', 'content-encoding']) {
    const values = distinct?.[name];
    if (values && values.length > 1) repeated[name] = values;
  }
  return repeated;
}

function renderBody(response: EndpointResponse): string | undefined {
  if (response.kind === 'page') return response.html;
  if (response.kind !== 'json') return undefined;
  // The documents and answers of OAuth omit what has no value: `null` is no value to its readers.
  const omitNull = (_name: string, value: unknown): unknown => (value === null ? undefined : value);
  return JSON.stringify(response.body, omitNull) ?? '{}';
}

function responseHeaders(
  response: EndpointResponse,
  body: string | undefined,
): Record<string, string> {
  const headers = securityHeaders(response);
  if (response.kind === 'redirect') headers['location'] = response.location;
  if (body === undefined) return headers;
  const type = response.kind === 'page' ? 'text/html' : 'application/json';
  headers['content-type'] ??= `${type}; charset=utf-8`;
  headers['content-length'] = String(Buffer.byteLength(body));
  return headers;
}

function assertSafe(headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    const safe = name === 'location' ? /^[\x21-\x7e]+$/ : /^[\x20-\x7e]*$/;
    if (!safe.test(value)) throw new TypeError(`The header ${name} would not be safe to send.`);
  }
}

function removeHostHeaders(wire: Wire): void {
  // The host's opener policy would cut a client's callback page off from the window that opened it.
  const unwanted = /^(?:access-control-.*|cross-origin-opener-policy|etag)$/i;
  for (const name of wire.headerNames()) if (unwanted.test(name)) wire.remove(name);
}

function hostCookies(wire: Wire): string[] {
  const present = wire.header('set-cookie') ?? [];
  return (Array.isArray(present) ? present : [present]).map(String);
}

function statusOf(response: EndpointResponse, request: EndpointRequest): number {
  if (response.kind !== 'redirect') return response.status;
  // OAuth 2.1 §7.5.4: after a POST only 303 is sure not to repeat the form at the next host.
  return response.status ?? (request.method === 'POST' ? 303 : 302);
}
