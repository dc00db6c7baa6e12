import type { Endpoint, EndpointRequest, EndpointResponse } from '../../http/endpoint.js';
import { OAuthError } from '../../http/oauth-error.js';
import { Parameters } from '../../http/parameters.js';
import { readUnverifiedJwt } from '../../verifiers/unverified-jwt.js';
import type { IntrospectionClients } from '../introspection-clients.js';
import type { LivingToken, OwnTokenVerifier } from '../tokens/own-token.verifier.js';

/**
 * Tells the resource servers that the operator named what an access token is worth. A refresh token
 * is inactive here: no resource server has any business with one.
 *
 * @see RFC 7662 §2
 */
export class IntrospectEndpoint implements Endpoint {
  constructor(
    private readonly its: {
      readonly clients: IntrospectionClients;
      readonly ownTokens: OwnTokenVerifier;
    },
  ) {}

  async handle(request: EndpointRequest): Promise<EndpointResponse> {
    const form = Parameters.fromForm(request);
    form.assertSingle();
    const resources = await this.its.clients.authenticate(request, form);
    const token = form.get('token');
    if (token === undefined) throw new OAuthError('invalid_request', 'token is missing.');
    const living = readUnverifiedJwt(token) ? await this.its.ownTokens.check(token) : 'malformed';
    const isTold = typeof living !== 'string' && resources.has(String(living.claims.aud));
    // Whatever the reason, the answer says nothing of it (RFC 7662 §2.2).
    const body = isTold ? introspectionResponse(living) : { active: false };
    return { kind: 'json', status: 200, headers: { Pragma: 'no-cache' }, body };
  }
}

/** What a resource server needs; what the token says of the user beyond that stays in the token. */
function introspectionResponse({ claims, grant }: LivingToken): unknown {
  const { scope, sub, aud, iss, exp, iat, jti, sid } = claims;
  const { clientId: client_id } = grant;
  return {
    active: true,
    scope,
    client_id,
    sub,
    aud,
    iss,
    exp,
    iat,
    jti,
    sid,
    token_type: 'Bearer',
  };
}
