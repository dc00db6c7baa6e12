import { UpstreamError } from '../../common/errors.js';
import type { MultiAuthEvents } from '../../common/events.js';
import type { Endpoint, EndpointRequest, EndpointResponse } from '../../http/endpoint.js';
import type { OAuthErrorCode } from '../../http/oauth-error.js';
import { Parameters } from '../../http/parameters.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { ClientRepository } from '../clients/client.repository.js';
import { matchesRedirectUri } from '../clients/redirect-uri.js';
import type { AuthorizationCodes } from '../tokens/authorization-codes.js';
import type { UpstreamRevocations } from '../tokens/upstream-revocations.js';
import type { BrowserBinding } from '../transactions/browser-binding.js';
import type { ClientRedirect } from '../transactions/client-redirect.js';
import type { UpstreamLogin } from '../transactions/transaction.js';
import type { Upstream, UpstreamGrant } from '../upstream/upstream.js';
import { expiredLogin, foreignBrowser, wrongRedirectUri } from './local-error.js';

export interface CallbackDependencies {
  readonly clients: ClientRepository;
  readonly logins: RecordCollection<UpstreamLogin>;
  readonly browsers: BrowserBinding;
  readonly redirects: ClientRedirect;
  readonly upstream: Upstream;
  readonly codes: AuthorizationCodes;
  readonly callbackUrl: string;
  readonly events: MultiAuthEvents;
  readonly revocations: UpstreamRevocations;
}

interface UpstreamAnswer {
  readonly state: string;
  readonly parameters: Parameters;
}

/** Where the upstream sends the browser back to. @see OAuth 2.1 §4.1.2, RFC 9207 §2.4 */
export class CallbackEndpoint implements Endpoint {
  constructor(private readonly its: CallbackDependencies) {}

  async handle(request: EndpointRequest): Promise<EndpointResponse> {
    const parameters = Parameters.fromQuery(request.rawQuery);
    const state = parameters.repeated.length > 0 ? undefined : parameters.get('state');
    if (state === undefined) return expiredLogin(request);
    const login = await this.its.logins.get(state);
    if (!login) return expiredLogin(request);
    const { clientId, redirectUri } = login.request;
    if (!this.its.browsers.matches(request, 'approved', login.approvedBrowser)) {
      this.its.events.emit('browser.mismatch', { clientId, step: 'callback' });
      return foreignBrowser(request);
    }
    const client = await this.its.clients.find(clientId);
    if (!client || !matchesRedirectUri(client.redirectUris, redirectUri)) {
      return wrongRedirectUri(request);
    }
    // Everything is checked; this is the one request that goes on with the login.
    if (!(await this.its.logins.take(state))) return expiredLogin(request);
    return this.#finish(request, login, { state, parameters });
  }

  async #finish(
    request: EndpointRequest,
    login: UpstreamLogin,
    answer: UpstreamAnswer,
  ): Promise<EndpointResponse> {
    const { redirectUri, state: clientState } = login.request;
    const to = {
      redirectUri,
      method: request.method,
      ...(clientState !== undefined && { state: clientState }),
    };
    let grant: UpstreamGrant;
    try {
      grant = await this.#exchange(login, answer);
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      this.its.events.emit('upstream.failed', { reason: error.message, kind: error.kind });
      const [code, description] = clientError(error);
      return this.its.redirects.withError(to, code, description);
    }
    return this.its.redirects.withCode(to, await this.#issueCode(login, grant));
  }

  #exchange(login: UpstreamLogin, { state, parameters }: UpstreamAnswer): Promise<UpstreamGrant> {
    const sent = parameters
      .names()
      .map((name): [string, string] => [name, parameters.get(name) ?? '']);
    return this.its.upstream.exchange({
      parameters: new URLSearchParams(sent),
      state,
      nonce: login.nonce,
      codeVerifier: login.codeVerifier,
      redirectUri: this.its.callbackUrl,
      scopes: login.request.scopes,
    });
  }

  async #issueCode(login: UpstreamLogin, grant: UpstreamGrant): Promise<string> {
    try {
      return await this.its.codes.issue(login.request, grant);
    } catch (error) {
      // Nobody will ever use these tokens.
      this.its.revocations.begin(grant.tokens);
      throw error;
    }
  }
}

/** What a client may know of a failed login: nothing that the upstream wrote. */
function clientError(error: UpstreamError): [OAuthErrorCode, string] {
  if (error.kind === 'transient') {
    return ['temporarily_unavailable', 'The identity provider cannot be used right now.'];
  }
  return error.denied
    ? ['access_denied', 'The login was refused or cancelled.']
    : ['server_error', 'The login at the identity provider failed.'];
}
