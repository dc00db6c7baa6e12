import { describeError, UpstreamError } from '../../common/errors.js';
import type { MultiAuthEvents } from '../../common/events.js';
import type { Endpoint, EndpointRequest, EndpointResponse } from '../../http/endpoint.js';
import { Parameters } from '../../http/parameters.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { ClientRepository } from '../clients/client.repository.js';
import { matchesRedirectUri } from '../clients/redirect-uri.js';
import type { RememberedConsents } from '../consent/remembered-consents.js';
import type { AuthorizationCodes } from '../tokens/authorization-codes.js';
import type { UpstreamRevocations } from '../tokens/upstream-revocations.js';
import type { BrowserBinding } from '../transactions/browser-binding.js';
import { clientErrorOf } from '../transactions/client-error.js';
import type { ClientRedirect, RedirectTo } from '../transactions/client-redirect.js';
import type { LoginTransactions } from '../transactions/login-transactions.js';
import type { UpstreamLogin } from '../transactions/transaction.js';
import type { Upstream, UpstreamGrant } from '../upstream/upstream.js';
import type { LocalErrors } from './local-error.js';

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
  readonly remembered: RememberedConsents;
  readonly loginTransactions: LoginTransactions;
  readonly errors: LocalErrors;
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
    if (state === undefined) return this.its.errors.expiredLogin(request);
    const login = await this.its.logins.get(state);
    if (!login) return this.its.errors.expiredLogin(request);
    const { clientId, redirectUri } = login.request;
    if (!this.its.browsers.matches(request, 'approved', login.approvedBrowser)) {
      this.its.events.emit('browser.mismatch', { clientId, step: 'callback' });
      return this.its.errors.foreignBrowser(request);
    }
    const client = await this.its.clients.findForLogin(login);
    if (!client || !matchesRedirectUri(client.redirectUris, redirectUri)) {
      return this.its.errors.wrongRedirectUri(request);
    }
    // Everything is checked; this is the one request that goes on with the login.
    if (!(await this.its.logins.take(state))) return this.its.errors.expiredLogin(request);
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
    try {
      const grant = await this.#exchange(login, answer);
      const code = await this.#issueCode(login, grant);
      if (code !== undefined) return this.its.redirects.withCode(to, code);
      this.its.events.emit('consent.subject_changed', { clientId: login.request.clientId });
      return await this.its.loginTransactions.begin(request, login);
    } catch (error) {
      return this.#refuse(to, error);
    }
  }

  /** The login is spent: a page that says to try again would be of no use, the client can begin anew. */
  #refuse(to: RedirectTo, error: unknown): EndpointResponse {
    const [code, description] = clientErrorOf(error);
    const { events, redirects } = this.its;
    if (error instanceof UpstreamError) {
      events.emit('upstream.failed', { reason: error.message, kind: error.kind });
    } else events.emit('endpoint.failed', { endpoint: 'callback', reason: describeError(error) });
    return redirects.withError(to, code, description);
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
      resource: login.request.resource,
    });
  }

  /** @returns undefined when another user logged in than the one whose consent was remembered */
  async #issueCode(login: UpstreamLogin, grant: UpstreamGrant): Promise<string | undefined> {
    let code: string | undefined;
    try {
      if (await this.#isAgreedTo(login, grant)) {
        code = await this.its.codes.make(login.request, grant.identity, grant.tokens);
        this.its.codes.announce(login.request, grant.identity.subject);
      }
      return code;
    } finally {
      // Nobody will ever use these tokens.
      if (code === undefined) this.its.revocations.begin(grant.tokens);
    }
  }

  /** Only now is it known whose consent it is: that of who logged in, or nobody's. */
  async #isAgreedTo(
    { consent, request }: UpstreamLogin,
    { identity: { subject } }: UpstreamGrant,
  ): Promise<boolean> {
    const { remembered, events } = this.its;
    if (consent.how === 'remembered') return remembered.cover(consent.memory, request, subject);
    if (consent.how === 'page' && consent.memory !== undefined) {
      await remembered.add(consent.memory, request, { subject, agreedAt: consent.answeredAt });
      events.emit('consent.remembered', { clientId: request.clientId, subject });
    }
    return true;
  }
}
