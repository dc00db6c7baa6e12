import { constantTimeEqual } from '../../crypto/constant-time.js';
import { hashSecret } from '../../crypto/hash.js';
import type { EndpointRequest } from '../../http/endpoint.js';
import type { Parameters } from '../../http/parameters.js';
import type { Client } from './client.js';
import { invalidClient, readClientCredentials } from './client-credentials.js';
import type { ClientRepository } from './client.repository.js';

// What an unknown client's secret is compared with, so that it costs what a known one's does.
const nobodysHash = hashSecret('nobody');

/** Finds out which client sends a request to the token or revocation endpoint. */
export class ClientAuthenticator {
  constructor(private readonly clients: ClientRepository) {}

  /**
   * @throws OAuthError `invalid_client` for whatever does not fit: an unknown client, another
   * method than the registered one, a wrong secret. Always the same text.
   * @see RFC 6749 §3.2.1, §5.2
   */
  async authenticate(request: EndpointRequest, form: Parameters): Promise<Client> {
    const { method, readings } = readClientCredentials(request, form);
    for (const { id, secret } of readings) {
      const client = await this.clients.find(id);
      const matches =
        secret === undefined ||
        constantTimeEqual(hashSecret(secret), client?.secretHash ?? nobodysHash);
      if (client && matches && client.authenticationMethod === method) {
        await this.clients.keep(client);
        return client;
      }
    }
    throw invalidClient(method === 'client_secret_basic' ? 'basic' : 'form');
  }
}
