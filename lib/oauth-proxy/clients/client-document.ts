import { OAuthError } from '../../http/oauth-error.js';
import { parseJsonObject } from '../../http/json-body.js';
import { hasDuplicateMembers } from '../../verifiers/duplicate-members.js';
import type { Client } from './client.js';
import { parseClientMetadata } from './client-metadata.js';

const error = 'invalid_client_metadata';
// A document is public: whoever can read it would know a secret in it.
const authenticationMethods: readonly unknown[] = [undefined, null, 'none', 'private_key_jwt'];

/** A document is gone, or says something that cannot be taken; the text is constant. */
export class BadDocument extends Error {}

/**
 * Reads a client's document. What a registration may say, it may say too; any member that would be
 * refused there spoils the whole document.
 *
 * @throws BadDocument
 * @see OAuth Client ID Metadata Document §4.1, RFC 7591 §2
 */
export function parseClientDocument(url: string, text: string, now: number): Client {
  try {
    const body = parseJsonObject(text, error);
    assertOwnDocument(url, text, body);
    const { name, ...metadata } = parseClientMetadata(body);
    if (name === undefined) throw new BadDocument('client_name is missing.');
    return { ...metadata, name, id: url, origin: 'metadata_document', issuedAt: now };
  } catch (problem) {
    if (problem instanceof OAuthError) throw new BadDocument(problem.description);
    throw problem;
  }
}

function assertOwnDocument(url: string, text: string, body: Record<string, unknown>): void {
  if (hasDuplicateMembers(text)) throw new BadDocument('A member is there twice.');
  if (body['client_id'] !== url) throw new BadDocument('client_id is not the URL.');
  if (Object.keys(body).some((name) => name.startsWith('client_secret'))) {
    throw new BadDocument('There is a client secret.');
  }
  if (!authenticationMethods.includes(body['token_endpoint_auth_method'])) {
    throw new BadDocument('token_endpoint_auth_method must be none or private_key_jwt.');
  }
  const { client_uri: uri } = body;
  if (typeof uri === 'string' && !uri.startsWith('https://')) {
    throw new BadDocument('client_uri must use https.');
  }
}
