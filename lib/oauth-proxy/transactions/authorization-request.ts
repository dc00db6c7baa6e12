import { parseScope, unionScopes } from '../../common/scopes.js';
import { isCodeChallenge } from '../../crypto/pkce.js';
import { OAuthError, type OAuthErrorCode } from '../../http/oauth-error.js';
import type { Parameters } from '../../http/parameters.js';
import type { ResourceRegistry } from '../../resources/resource-registry.js';
import type { Client } from '../clients/client.js';
import type { ScopePolicy } from '../scope-policy.js';
import type { AuthorizationRequest } from './transaction.js';

/**
 * Checks what a known client asks for at a validated redirect URI (OAuth 2.1 §4.1.1).
 *
 * @throws OAuthError with the code that goes to the client by redirect.
 */
export function parseAuthorizationRequest(
  parameters: Parameters,
  client: Client,
  redirectUri: string,
  policy: { resources: ResourceRegistry; scopes: ScopePolicy },
): AuthorizationRequest {
  refuseRepeated(parameters);
  refuseRequestObjects(parameters);
  demandCode(parameters);
  const codeChallenge = codeChallengeOf(parameters);
  const scopes = scopesOf(parameters, client, policy.scopes);
  const resource = resourceOf(parameters, policy.resources);
  const state = parameters.get('state');
  if (!isPrintable(state ?? '')) refuse('invalid_request', 'state has characters beyond ASCII.');
  return {
    clientId: client.id,
    redirectUri,
    codeChallenge,
    scopes,
    resource,
    ...(state !== undefined && { state }),
  };
}

/** RFC 6749 appendix A.5. Anything else could not be returned as it came. */
export function isPrintable(state: string): boolean {
  return /^[\x20-\x7e]*$/.test(state);
}

function refuseRepeated(parameters: Parameters): void {
  // RFC 8707 §2 allows several resources; a token of ours is for one.
  if (parameters.repeated.includes('resource')) refuse('invalid_target', 'Name one resource only.');
  parameters.assertSingle();
}

function refuseRequestObjects(parameters: Parameters): void {
  if (parameters.get('request')) refuse('request_not_supported', 'request is not supported.');
  if (parameters.get('request_uri')) {
    refuse('request_uri_not_supported', 'request_uri is not supported.');
  }
}

function demandCode(parameters: Parameters): void {
  const type = parameters.get('response_type');
  if (type === undefined) refuse('invalid_request', 'response_type is missing.');
  if (type !== 'code') refuse('unsupported_response_type', 'response_type must be code.');
  const mode = parameters.get('response_mode');
  if (mode !== undefined && mode !== 'query')
    refuse('invalid_request', 'response_mode must be query.');
}

function codeChallengeOf(parameters: Parameters): string {
  const challenge = parameters.get('code_challenge');
  if (challenge === undefined) refuse('invalid_request', 'code_challenge is missing (PKCE, S256).');
  // RFC 7636 §4.3: an omitted method means plain, which OAuth 2.1 does not allow.
  if (parameters.get('code_challenge_method') !== 'S256') {
    refuse('invalid_request', 'code_challenge_method must be S256.');
  }
  if (!isCodeChallenge(challenge)) refuse('invalid_request', 'code_challenge is malformed.');
  return challenge;
}

function scopesOf(parameters: Parameters, client: Client, policy: ScopePolicy): readonly string[] {
  const asked = parameters.get('scope');
  const scopes = asked === undefined ? (client.scopes ?? []) : parseScope(asked);
  if (!scopes || scopes.length > 100) return refuse('invalid_scope', 'scope is malformed.');
  return unionScopes(policy.offered(scopes), policy.defaults);
}

function resourceOf(parameters: Parameters, resources: ResourceRegistry): string {
  const asked = parameters.get('resource');
  // Clients of the 2025-03-26 protocol send none; a token is bound to a resource all the same.
  const resource = asked === undefined ? resources.default : resources.identifiedBy(asked);
  if (!resource) return refuse('invalid_target', 'The resource is not one of this server.');
  return resource.identifier;
}

function refuse(error: OAuthErrorCode, description: string): never {
  throw new OAuthError(error, description);
}
