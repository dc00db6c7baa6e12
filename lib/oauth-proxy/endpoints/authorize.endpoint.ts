import type { Endpoint, EndpointRequest, EndpointResponse } from '../../http/endpoint.js';
import { OAuthError } from '../../http/oauth-error.js';
import { Parameters } from '../../http/parameters.js';
import type { ResourceRegistry } from '../../resources/resource-registry.js';
import type { Client } from '../clients/client.js';
import type { ClientRepository } from '../clients/client.repository.js';
import { matchesRedirectUri } from '../clients/redirect-uri.js';
import type { RequestLimit } from '../limits/request-limit.js';
import type { ScopePolicy } from '../scope-policy.js';
import { isPrintable, parseAuthorizationRequest } from '../transactions/authorization-request.js';
import type { ClientRedirect } from '../transactions/client-redirect.js';
import type { AuthorizationRequest, BegunLogin } from '../transactions/transaction.js';
import type { LocalErrors } from './local-error.js';

/** Where a login goes when nothing is wrong with it. */
export interface LoginGate {
  pass(request: EndpointRequest, client: Client, login: BegunLogin): Promise<EndpointResponse>;
}

export interface AuthorizeDependencies {
  readonly clients: ClientRepository;
  readonly resources: ResourceRegistry;
  readonly scopes: ScopePolicy;
  readonly redirects: ClientRedirect;
  readonly limit: RequestLimit;
  readonly gate: LoginGate;
  readonly errors: LocalErrors;
  /** The endpoint's own URL. */
  readonly authorizeUrl: string;
}

/** Where a login begins. @see OAuth 2.1 §4.1.1, RFC 9700 §2.1 */
export class AuthorizeEndpoint implements Endpoint {
  constructor(private readonly its: AuthorizeDependencies) {}

  async handle(request: EndpointRequest): Promise<EndpointResponse> {
    if (request.method === 'POST') return this.#asQuery(request);
    const parameters = Parameters.fromQuery(request.rawQuery);
    // Up to here, and until the redirect URI is known to be the client's, errors stay local.
    parameters.assertSingle('client_id', 'redirect_uri');
    const client = await this.#client(request, parameters);
    if (!client) return this.its.errors.unknownClient(request);
    const redirectUri = redirectUriOf(parameters, client);
    if (redirectUri === undefined) return this.its.errors.wrongRedirectUri(request);
    let asked: AuthorizationRequest;
    try {
      asked = parseAuthorizationRequest(parameters, client, redirectUri, this.its);
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      const state = parameters.get('state');
      const known = state !== undefined && isPrintable(state);
      const to = { redirectUri, method: request.method, ...(known && { state }) };
      return this.its.redirects.withError(to, error.error, error.description);
    }
    await this.its.limit.assertCounted(request);
    return this.its.gate.pass(request, client, {
      request: asked,
      ...(client.origin === 'metadata_document' && { client }),
    });
  }

  /**
   * A form that another site posts comes without this browser's cookies, and new ones would end the
   * logins of its other tabs. The request that follows brings them.
   */
  #asQuery(request: EndpointRequest): EndpointResponse {
    const query = queryOf(Parameters.fromForm(request));
    // What is too much for a query is said here already.
    Parameters.fromQuery(query);
    return { kind: 'redirect', status: 303, location: `${this.its.authorizeUrl}?${query}` };
  }

  async #client(request: EndpointRequest, parameters: Parameters): Promise<Client | undefined> {
    const id = parameters.get('client_id');
    return id === undefined ? undefined : this.its.clients.find(id, request);
  }
}

/** What was repeated stays so, without its values, and is refused as that. */
function queryOf(form: Parameters): string {
  const query = new URLSearchParams();
  for (const name of form.names()) {
    query.append(name, form.get(name) ?? '');
    if (form.repeated.includes(name)) query.append(name, '');
  }
  return query.toString();
}

/** RFC 6749 §3.1.2.3: the only registered URI may be left out; everything else must match. */
function redirectUriOf(parameters: Parameters, client: Client): string | undefined {
  const asked = parameters.get('redirect_uri');
  if (asked === undefined) {
    return client.redirectUris.length === 1 ? client.redirectUris[0] : undefined;
  }
  return matchesRedirectUri(client.redirectUris, asked) ? asked : undefined;
}
