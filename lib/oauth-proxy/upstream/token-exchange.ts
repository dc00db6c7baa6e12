import type * as oauth from 'oauth4webapi';
import { renderScope } from '../../common/scopes.js';
import type { UpstreamExchangedToken, UpstreamTokenExchange } from './upstream.js';
import { scopesOf } from './upstream-scopes.js';

/** The `grant_type` of RFC 8693. */
export const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** The parameters of an exchange of an access token. @see RFC 8693 §2.1 */
export function exchangeParameters(
  accessToken: string,
  { audience, resource, scopes, requestedTokenType }: UpstreamTokenExchange,
): Record<string, string> {
  return {
    subject_token: accessToken,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    ...(audience !== undefined && { audience }),
    ...(resource !== undefined && { resource }),
    ...(scopes !== undefined && { scope: renderScope(scopes) }),
    ...(requestedTokenType !== undefined && { requested_token_type: requestedTokenType }),
  };
}

/** What an exchange yields. @see RFC 8693 §2.2.1 */
export function toExchangedToken(response: oauth.TokenEndpointResponse): UpstreamExchangedToken {
  const issued = response['issued_token_type'];
  return {
    accessToken: response.access_token,
    issuedTokenType: typeof issued === 'string' ? issued : undefined,
    expiresInSeconds: response.expires_in,
    scopes: scopesOf(response),
  };
}
