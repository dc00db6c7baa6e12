import type { EndpointRequest } from './endpoint.js';
import type { OAuthErrorCode } from './oauth-error.js';
import { OAuthError } from './oauth-error.js';
import {
  assertBodyAnnounced,
  bodyTooLong,
  isRecord,
  MAX_BODY_BYTES,
  readBodyText,
} from './request-body.js';

const MAX_DEPTH = 20;

/**
 * Reads a JSON object from the body.
 * @throws OAuthError with the given code when it is no JSON object, nests more than 20 deep, has a
 * member called `__proto__`, or is too long (413)
 */
export function readJsonObject(
  request: EndpointRequest,
  error: OAuthErrorCode,
): Record<string, unknown> {
  assertBodyAnnounced(request, 'application/json', error);
  const text = readBodyText(request.body, error);
  return boundedObject(text === undefined ? request.body : parseJson(text, error), error);
}

/**
 * Reads a JSON object from text, by the same rules.
 * @throws OAuthError with the given code, as `readJsonObject`
 */
export function parseJsonObject(text: string, error: OAuthErrorCode): Record<string, unknown> {
  return boundedObject(parseJson(text, error), error);
}

function boundedObject(value: unknown, error: OAuthErrorCode): Record<string, unknown> {
  if (!isRecord(value)) throw new OAuthError(error, 'The body is not a JSON object.');
  assertBounded(value, error);
  return value;
}

function parseJson(text: string, error: OAuthErrorCode): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new OAuthError(error, 'The body is not JSON.');
  }
}

/** Walks with a list of its own: a deep document must not exhaust the call stack. */
function assertBounded(root: object, error: OAuthErrorCode): void {
  const pending: { value: object; depth: number }[] = [{ value: root, depth: 1 }];
  let bytes = 0;
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (next.depth > MAX_DEPTH) throw new OAuthError(error, 'The body nests too deep.');
    for (const [name, value] of Object.entries(next.value) as [string, unknown][]) {
      if (name === '__proto__') throw new OAuthError(error, 'A member has a name in reserve.');
      bytes += 1 + (Array.isArray(next.value) ? 0 : Buffer.byteLength(name)) + textBytes(value);
      if (bytes > MAX_BODY_BYTES) throw bodyTooLong(error);
      if (typeof value === 'object' && value !== null) {
        pending.push({ value, depth: next.depth + 1 });
      }
    }
  }
}

function textBytes(value: unknown): number {
  return typeof value === 'string' ? Buffer.byteLength(value) : 0;
}
