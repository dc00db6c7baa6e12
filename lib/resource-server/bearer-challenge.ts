import { isScopeToken } from '../common/scopes.js';

/** What a `WWW-Authenticate: Bearer` challenge says. */
export interface BearerChallenge {
  /** The protection space; named only when nothing else is. */
  readonly realm: string;
  /** Absent for a request without credentials (RFC 6750 §3.1). */
  readonly error?: 'invalid_request' | 'invalid_token' | 'insufficient_scope';
  readonly errorDescription?: string;
  /** The scopes a client should ask for; those outside the grammar of RFC 6749 §3.3 are left out. */
  readonly scopes?: readonly string[];
  /** The URL of the resource's metadata (RFC 9728 §5.1). */
  readonly resourceMetadata?: string | undefined;
}

/**
 * Renders the value of a `WWW-Authenticate` header.
 * @see RFC 6750 §3, RFC 9728 §5.1
 */
export function renderBearerChallenge(challenge: BearerChallenge): string {
  const params: string[] = [];
  const { error, errorDescription, resourceMetadata } = challenge;
  const scopes = challenge.scopes?.filter(isScopeToken) ?? [];
  if (error !== undefined) params.push(`error="${error}"`);
  if (error !== undefined && errorDescription !== undefined) {
    params.push(`error_description="${plainDescription(errorDescription)}"`);
  }
  if (scopes.length > 0) params.push(`scope="${scopes.join(' ')}"`);
  if (resourceMetadata !== undefined) {
    params.push(`resource_metadata=${quotedString(resourceMetadata)}`);
  }
  // RFC 6750 §3: a challenge has at least one parameter.
  if (params.length === 0) params.push(`realm=${quotedString(challenge.realm)}`);
  return `Bearer ${params.join(', ')}`;
}

/**
 * RFC 6750 §3 allows printable ASCII without `"` and `\`. Without `=` it also cannot pass for a
 * parameter: clients look for `scope=`, `error=`, `resource_metadata=` anywhere in the header.
 */
function plainDescription(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]|["\\=]/g, ' ');
}

/** RFC 9110 §5.6.4; what is not printable ASCII is left out. */
function quotedString(text: string): string {
  return `"${text.replaceAll(/[^\x20-\x7e]/g, '').replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
