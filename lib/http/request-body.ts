import type { EndpointRequest } from './endpoint.js';
import type { OAuthErrorCode } from './oauth-error.js';
import { OAuthError } from './oauth-error.js';

/** The longest body an endpoint reads, in bytes. */
export const MAX_BODY_BYTES = 64 * 1024;

/**
 * Demands that the request announces a body of exactly this media type, in UTF-8, not encoded and
 * not too long.
 * @throws OAuthError with the given code, and status 413 when the body is too long
 */
export function assertBodyAnnounced(
  request: EndpointRequest,
  mediaType: string,
  error: OAuthErrorCode,
): void {
  if (!isMediaType(request.headers['content-type'], mediaType)) {
    throw new OAuthError(error, `The content type of the request must be ${mediaType}.`);
  }
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && !isText(encoding, 'identity')) {
    throw new OAuthError(error, 'The request body must not be encoded.');
  }
  const length = request.headers['content-length'];
  if (typeof length === 'string' && Number(length) > MAX_BODY_BYTES) throw bodyTooLong(error);
}

export function bodyTooLong(error: OAuthErrorCode): OAuthError {
  return new OAuthError(error, 'The request body is too long.', { status: 413 });
}

/**
 * The body as text when the host's parser left it as text or bytes; undefined for everything else.
 * @throws OAuthError when it is too long or no UTF-8
 */
export function readBodyText(body: unknown, error: OAuthErrorCode): string | undefined {
  if (typeof body !== 'string' && !ArrayBuffer.isView(body)) return undefined;
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
  if (length > MAX_BODY_BYTES) throw bodyTooLong(error);
  return typeof body === 'string' ? body : decodeUtf8(body, error);
}

/** Tells whether the value is an object with named members, whoever made it. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !ArrayBuffer.isView(value)
  );
}

function decodeUtf8(bytes: ArrayBufferView, error: OAuthErrorCode): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    );
  } catch {
    throw new OAuthError(error, 'The request body is not UTF-8.');
  }
}

function isMediaType(header: string | readonly string[] | undefined, mediaType: string): boolean {
  // RFC 9110 §8.3: of several media types each party could read another one, so there is but one.
  if (typeof header !== 'string') return false;
  const [type, ...parameters] = header.split(';');
  if (!isText(type ?? '', mediaType)) return false;
  const charsets = parameters.filter((p) => p.trim() !== '');
  return charsets.length <= 1 && charsets.every(isUtf8Charset);
}

function isUtf8Charset(parameter: string): boolean {
  return isText(parameter, 'charset=utf-8') || isText(parameter, 'charset="utf-8"');
}

function isText(header: string | readonly string[], expected: string): boolean {
  return typeof header === 'string' && header.trim().toLowerCase() === expected;
}
