import { renderScope } from '../../common/scopes.js';
import type { MultiAuthEvents } from '../../common/events.js';
import type { Endpoint, EndpointRequest, EndpointResponse } from '../../http/endpoint.js';
import { readJsonObject } from '../../http/json-body.js';
import type { Client } from '../clients/client.js';
import { parseClientMetadata } from '../clients/client-metadata.js';
import type { ClientRepository } from '../clients/client.repository.js';
import type { ScopePolicy } from '../scope-policy.js';

/** Dynamic client registration. @see RFC 7591 §3 */
export class RegisterEndpoint implements Endpoint {
  constructor(
    private readonly clients: ClientRepository,
    private readonly scopes: ScopePolicy,
    private readonly events: MultiAuthEvents,
  ) {}

  async handle(request: EndpointRequest): Promise<EndpointResponse> {
    const metadata = parseClientMetadata(readJsonObject(request, 'invalid_client_metadata'));
    const { client, secret } = await this.clients.register({
      ...metadata,
      ...(metadata.scopes && { scopes: this.scopes.offered(metadata.scopes) }),
    });
    this.events.emit('client.registered', {
      clientId: client.id,
      ...(client.name !== undefined && { clientName: client.name }),
    });
    return { kind: 'json', status: 201, body: registrationResponse(client, secret) };
  }
}

/** What is in force for the client, which may be less than it asked for (RFC 7591 §3.2.1). */
function registrationResponse(client: Client, secret: string | undefined): unknown {
  return {
    client_id: client.id,
    client_id_issued_at: client.issuedAt,
    client_secret: secret,
    // REQUIRED with a secret; 0: it does not expire before the registration does.
    client_secret_expires_at: secret === undefined ? undefined : 0,
    client_name: client.name,
    client_uri: client.uri,
    redirect_uris: client.redirectUris,
    grant_types: client.grantTypes,
    response_types: ['code'],
    token_endpoint_auth_method: client.authenticationMethod,
    application_type: client.applicationType,
    scope: client.scopes && renderScope(client.scopes),
  };
}
