import {
  type BearerCredentials,
  MALFORMED_REQUEST,
  parseBearerToken,
  parseToken,
  type RequestHeaders,
} from './bearer-token.js';

/**
 * Reads the one token of a request: from `Authorization: Bearer`, or from one of the headers that
 * sources named for their own. A request with several credentials is refused, whichever are good.
 * @see RFC 6750 §3.1 (`invalid_request`)
 */
export function parseCredentials(
  headers: RequestHeaders | undefined,
  rawHeaders: readonly string[] | undefined,
  tokenHeaders: readonly string[],
): BearerCredentials {
  const bearer = parseBearerToken(headers, rawHeaders);
  if (tokenHeaders.length === 0 || bearer.kind === 'malformed') return bearer;
  const [header, another] = tokenHeaders.filter((name) => isPresent(headers?.[name]));
  if (header === undefined) return bearer;
  // Also beside another scheme: who reads which of the two is then nobody's to guess.
  if (another !== undefined || isPresent(headers?.['authorization'])) return MALFORMED_REQUEST;
  const value = headers?.[header];
  // Node joins what comes several times with a comma, which no token has.
  const read = typeof value === 'string' ? parseToken(value) : MALFORMED_REQUEST;
  return read.kind === 'token' ? { ...read, header } : read;
}

function isPresent(value: string | readonly string[] | undefined): boolean {
  return value !== undefined && value.length > 0;
}
