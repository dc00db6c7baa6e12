import { renderScope } from '../../common/scopes.js';
import type { MultiAuthEvents } from '../../common/events.js';
import type { Endpoint, EndpointRequest, EndpointResponse } from '../../http/endpoint.js';
import { readJsonObject } from '../../http/json-body.js';
import type { Client } from '../clients/client.js';
import { parseClientMetadata } from '../clients/client-metadata.js';
import type { ClientRepository } from '../clients/client.repository.js';
import type { InitialAccessTokens } from '../clients/initial-access-tokens.js';
import type { RequestLimit } from '../limits/request-limit.js';
import type { ScopePolicy } from '../scope-policy.js';

/** Dynamic client registration. @see RFC 7591 §3 */
export class RegisterEndpoint implements Endpoint {
  constructor(
    private readonly its: {
      readonly clients: ClientRepository;
      readonly scopes: ScopePolicy;
      readonly limit: RequestLimit;
      /** Absent when everyone may register. */
      readonly initialAccessTokens: InitialAccessTokens | undefined;
      readonly events: MultiAuthEvents;
    },
  ) {}

  async handle(request: EndpointRequest): Promise<EndpointResponse> {
    const { clients, scopes, limit, initialAccessTokens, events } = this.its;
    await initialAccessTokens?.assertPresent(request);
    const metadata = parseClientMetadata(readJsonObject(request, 'invalid_client_metadata'));
    await limit.assertCounted(request);
    const { client, secret } = await clients.register(
      { ...metadata, ...(metadata.scopes && { scopes: scopes.offered(metadata.scopes) }) },
      { vetted: initialAccessTokens !== undefined },
    );
    events.emit('client.registered', {
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
    jwks: client.jwks,
    jwks_uri: client.jwksUri,
    application_type: client.applicationType,
    // An empty one would be no scope (RFC 6749 §3.3).
    scope: client.scopes?.length ? renderScope(client.scopes) : undefined,
  };
}
