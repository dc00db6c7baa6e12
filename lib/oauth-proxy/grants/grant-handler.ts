import type { Parameters } from '../../http/parameters.js';
import { OAuthError } from '../../http/oauth-error.js';
import { sameResource } from '../../resources/resource-identifier.js';
import { parseScope } from '../../common/scopes.js';
import type { Client } from '../clients/client.js';
import type { TokenResponse } from '../tokens/grant.js';

/** One `grant_type` of the token endpoint; the client is authenticated. */
export interface GrantHandler {
  handle(form: Parameters, client: Client): Promise<TokenResponse>;
}

/** The one answer to every code or refresh token that is not good (RFC 6749 §5.2). */
export function invalidGrant(): OAuthError {
  return new OAuthError(
    'invalid_grant',
    'The grant is not valid, has expired, was used, or belongs to another client.',
  );
}

/** @throws OAuthError `invalid_target` unless `resource` is absent or the grant's (RFC 8707 §2.2). */
export function assertSameResource(form: Parameters, resource: string): void {
  const asked = form.get('resource');
  if (asked !== undefined && !sameResource(resource, asked)) {
    throw new OAuthError('invalid_target', 'The grant is for another resource.');
  }
}

/**
 * The scopes asked for at the token endpoint: the granted ones, or fewer.
 * @throws OAuthError `invalid_scope` for more (RFC 6749 §6).
 */
export function narrowedScopes(form: Parameters, granted: readonly string[]): readonly string[] {
  const asked = form.get('scope');
  if (asked === undefined) return granted;
  const scopes = parseScope(asked);
  if (!scopes?.every((s) => granted.includes(s))) {
    throw new OAuthError('invalid_scope', 'More scopes were asked for than were granted.');
  }
  return scopes;
}
