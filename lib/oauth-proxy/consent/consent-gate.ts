import { describeError, UpstreamError } from '../../common/errors.js';
import type { MultiAuthEvents } from '../../common/events.js';
import type { EndpointRequest, EndpointResponse } from '../../http/endpoint.js';
import type { Client } from '../clients/client.js';
import { clientErrorOf } from '../transactions/client-error.js';
import type { ClientRedirect } from '../transactions/client-redirect.js';
import type { LoginTransactions } from '../transactions/login-transactions.js';
import type { BegunLogin, Consent } from '../transactions/transaction.js';
import type { UpstreamLogins } from '../transactions/upstream-logins.js';
import type { ConsentMemory } from './consent-memory.js';
import { type ConsentOptions, pagelessFor } from './consent-mode.js';

export interface ConsentGateDependencies {
  readonly options: ConsentOptions;
  /** Absent when no consent is remembered. */
  readonly memory: ConsentMemory | undefined;
  readonly loginTransactions: LoginTransactions;
  readonly upstreamLogins: UpstreamLogins;
  readonly redirects: ClientRedirect;
  readonly events: MultiAuthEvents;
  readonly transactionSeconds: number;
}

/** What stands in for the page. */
type Unasked = Exclude<Consent, { how: 'page' }>;

/** Where a login waits for the user's consent, unless the user need not be asked. */
export class ConsentGate {
  constructor(private readonly its: ConsentGateDependencies) {}

  async pass(
    request: EndpointRequest,
    client: Client,
    login: BegunLogin,
  ): Promise<EndpointResponse> {
    const consent = await this.#without(request, client, login);
    if (!consent) return this.its.loginTransactions.begin(request, login);
    try {
      return await this.#forward(request, login, consent);
    } catch (error) {
      return this.#refuse(request, login, error);
    }
  }

  async #forward(
    request: EndpointRequest,
    login: BegunLogin,
    consent: Unasked,
  ): Promise<EndpointResponse> {
    const { transactionSeconds, events } = this.its;
    const sent = await this.its.upstreamLogins.begin(request, login, consent, transactionSeconds);
    const { clientId, scopes } = login.request;
    events.emit('consent.skipped', { clientId, scopes, because: consent.how });
    return { kind: 'redirect', location: sent.location, cookies: [sent.cookie] };
  }

  /** The user saw no page of ours yet: it is the client that has to know. */
  #refuse({ method }: EndpointRequest, login: BegunLogin, error: unknown): EndpointResponse {
    const [code, description] = clientErrorOf(error);
    const { events, redirects } = this.its;
    if (error instanceof UpstreamError) {
      events.emit('upstream.failed', { reason: error.message, kind: error.kind });
    } else events.emit('endpoint.failed', { endpoint: 'authorize', reason: describeError(error) });
    const { redirectUri, state } = login.request;
    const to = { redirectUri, method, ...(state !== undefined && { state }) };
    return redirects.withError(to, code, description);
  }

  /** What stands in for the page; undefined when the page has to be shown. */
  async #without(
    request: EndpointRequest,
    client: Client,
    login: BegunLogin,
  ): Promise<Unasked | undefined> {
    const how = pagelessFor(client, this.its.options);
    if (how) return { how };
    const memory = await this.its.memory?.recall(request, client, login);
    return memory === undefined ? undefined : { how: 'remembered', memory };
  }
}
