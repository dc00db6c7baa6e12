import type { EndpointRequest } from '../../http/endpoint.js';
import { OAuthError } from '../../http/oauth-error.js';
import type { Parameters } from '../../http/parameters.js';
import { readUnverifiedJwt } from '../../verifiers/unverified-jwt.js';
import type { ClientAuthenticationMethod } from './client.js';

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** Who a request says sends it, and what it offers as proof. */
export interface ClientClaim {
  readonly id: string;
  readonly secret?: string;
  /** A JWT (RFC 7523 §2.2). */
  readonly assertion?: string;
}

/** What a request says about who sends it: nothing of it is checked yet. */
export interface ClientCredentials {
  readonly method: ClientAuthenticationMethod;
  /** The possible readings: of the header there are two, as sent and form-decoded. */
  readonly readings: readonly ClientClaim[];
}

/**
 * Reads the client's credentials from the `Authorization` header or the form
 * (RFC 6749 §2.3.1, RFC 7523 §2.2), one method a request.
 *
 * @throws OAuthError `invalid_request` without or with two methods, `invalid_client` when malformed.
 */
export function readClientCredentials(
  request: EndpointRequest,
  form: Parameters,
): ClientCredentials {
  const header = request.headers['authorization'];
  const id = form.get('client_id');
  const secret = form.get('client_secret');
  const hasAssertion = [form.get('client_assertion'), form.get('client_assertion_type')].some(
    Boolean,
  );
  if ([header !== undefined, secret !== undefined, hasAssertion].filter(Boolean).length > 1) {
    throw new OAuthError('invalid_request', 'Use one way of client authentication only.');
  }
  if (header !== undefined) {
    const readings = readBasic(header).filter((r) => id === undefined || r.id === id);
    if (readings.length === 0) throw invalidClient('basic');
    return { method: 'client_secret_basic', readings };
  }
  if (hasAssertion) return { method: 'private_key_jwt', readings: [readAssertion(form, id)] };
  if (id === undefined) throw new OAuthError('invalid_request', 'client_id is missing.');
  return secret === undefined
    ? { method: 'none', readings: [{ id }] }
    : { method: 'client_secret_post', readings: [{ id, secret }] };
}

/** The one answer to every failed client authentication (RFC 6749 §5.2). */
export function invalidClient(attempt: 'basic' | 'form'): OAuthError {
  return new OAuthError('invalid_client', 'Client authentication failed.', {
    status: 401,
    ...(attempt === 'basic' && { headers: { 'WWW-Authenticate': 'Basic realm="token"' } }),
  });
}

// RFC 7521 §4.2: the client_id may be left out, as the assertion's subject is the client.
function readAssertion(form: Parameters, id: string | undefined): ClientClaim {
  const assertion = form.get('client_assertion');
  const subject = assertion && readUnverifiedJwt(assertion)?.claims['sub'];
  const claimed = id ?? subject;
  if (form.get('client_assertion_type') !== assertionType || !assertion)
    throw invalidClient('form');
  if (typeof claimed !== 'string' || claimed === '') throw invalidClient('form');
  return { id: claimed, assertion };
}

function readBasic(header: string | readonly string[]): { id: string; secret: string }[] {
  const match = typeof header === 'string' ? /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header) : null;
  const encoded = match?.[1] ?? '';
  const bytes = Buffer.from(encoded, 'base64');
  // Only the canonical encoding: a loose decoder would let one credential have many spellings.
  if (encoded.length > 8192 || bytes.toString('base64') !== encoded) throw invalidClient('basic');
  const decoded = bytes.toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon <= 0 || decoded.includes('\u0000') || decoded.includes('\ufffd')) {
    throw invalidClient('basic');
  }
  const raw = { id: decoded.slice(0, colon), secret: decoded.slice(colon + 1) };
  const form = formDecoded(raw);
  // RFC 6749 §2.3.1 wants both parts form-encoded; many clients send them as they are.
  return form && (form.id !== raw.id || form.secret !== raw.secret) ? [raw, form] : [raw];
}

function formDecoded(raw: { id: string; secret: string }): { id: string; secret: string } | null {
  try {
    const decode = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '));
    return { id: decode(raw.id), secret: decode(raw.secret) };
  } catch {
    return null; // malformed escapes: it was not form-encoded
  }
}
