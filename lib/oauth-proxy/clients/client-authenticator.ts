import { constantTimeEqual } from '../../crypto/constant-time.js';
import { hashSecret } from '../../crypto/hash.js';
import { randomToken } from '../../crypto/random.js';
import type { EndpointRequest } from '../../http/endpoint.js';
import type { Parameters } from '../../http/parameters.js';
import type { ClientAssertions } from './client-assertions.js';
import { type ClientClaim, invalidClient, readClientCredentials } from './client-credentials.js';
import type { Client } from './client.js';
import type { ClientRepository } from './client.repository.js';

// What an unknown client's secret is compared with, so that it costs what a known one's does.
const nobodysHash = hashSecret(randomToken());

/** Keeps count of failed authentications, so that no secret can be found by trying. */
export interface AuthenticationFailures {
  /** @throws OAuthError with status 429 where there were too many. */
  assertAllowed(clientId: string, request: EndpointRequest): Promise<void>;
  record(clientId: string, request: EndpointRequest): Promise<void>;
}

/** Finds out which client sends a request to the token or revocation endpoint. */
export class ClientAuthenticator {
  constructor(
    private readonly its: {
      readonly clients: ClientRepository;
      readonly assertions: ClientAssertions;
      readonly failures?: AuthenticationFailures;
    },
  ) {}

  /**
   * @throws OAuthError `invalid_client` for whatever does not fit: an unknown client, another
   * method than the registered one, a wrong secret or assertion. Always the same text.
   * @throws VerifierUnavailableError, counted for nobody, when the client's keys cannot be had.
   * @see RFC 6749 §3.2.1, §5.2
   */
  async authenticate(request: EndpointRequest, form: Parameters): Promise<Client> {
    const { method, readings } = readClientCredentials(request, form);
    // Who offers nothing guesses at nothing.
    const failures = method === 'none' ? undefined : this.its.failures;
    const failed = new Set<string>();
    for (const reading of readings) {
      const client = await this.its.clients.findForTokens(reading.id, request);
      const matches = isSecretRight(client, reading);
      // Counted for clients that there are: a stranger's invented names are not worth a record each.
      if (!client) continue;
      await failures?.assertAllowed(client.id, request);
      const isOwnMethod = client.authenticationMethod === method;
      if (matches && isOwnMethod && (await this.#isAssertionRight(client, reading, request))) {
        return client;
      }
      if (client.authenticationMethod !== 'none') failed.add(client.id);
    }
    // Only now: what is wrong in one reading may be right in the other.
    for (const id of failed) await failures?.record(id, request);
    throw invalidClient(method === 'client_secret_basic' ? 'basic' : 'form');
  }

  #isAssertionRight(
    client: Client,
    { assertion }: ClientClaim,
    request: EndpointRequest,
  ): Promise<boolean> | true {
    if (assertion === undefined) return true;
    return this.its.assertions.proves(client, assertion, request);
  }
}

/** True also where no secret was offered: whether one had to be is the method's to say. */
function isSecretRight(client: Client | undefined, { secret }: ClientClaim): boolean {
  if (secret === undefined) return true;
  return constantTimeEqual(hashSecret(secret), client?.secretHash ?? nobodysHash);
}
