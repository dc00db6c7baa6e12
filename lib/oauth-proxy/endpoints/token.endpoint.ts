import type { Endpoint, EndpointRequest, EndpointResponse } from '../../http/endpoint.js';
import { OAuthError } from '../../http/oauth-error.js';
import { Parameters } from '../../http/parameters.js';
import type { ClientAuthenticator } from '../clients/client-authenticator.js';
import type { ClientRepository } from '../clients/client.repository.js';
import type { GrantType } from '../clients/client.js';
import type { GrantHandler } from '../grants/grant-handler.js';

/** The token endpoint. @see OAuth 2.1 §3.2 */
export class TokenEndpoint implements Endpoint {
  constructor(
    private readonly clients: ClientAuthenticator,
    private readonly grants: ReadonlyMap<string, GrantHandler>,
    private readonly known: Pick<ClientRepository, 'wasGivenTokens'>,
  ) {}

  async handle(request: EndpointRequest): Promise<EndpointResponse> {
    const form = Parameters.fromForm(request);
    form.assertSingle();
    const client = await this.clients.authenticate(request, form);
    const grantType = form.get('grant_type');
    if (grantType === undefined) throw new OAuthError('invalid_request', 'grant_type is missing.');
    const grant = this.grants.get(grantType);
    if (!grant) {
      throw new OAuthError('unsupported_grant_type', 'The grant type is not offered here.');
    }
    if (!client.grantTypes.includes(grantType as GrantType)) {
      throw new OAuthError('unauthorized_client', 'The client may not use this grant type.');
    }
    const body = await grant.handle(form, client);
    await this.known.wasGivenTokens(client);
    return { kind: 'json', status: 200, headers: { Pragma: 'no-cache' }, body };
  }
}
