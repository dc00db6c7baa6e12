import type { MultiAuthEvents } from '../../common/events.js';
import type { EndpointRequest, EndpointResponse } from '../../http/endpoint.js';
import type { Client } from '../clients/client.js';
import type { LoginTransactions } from '../transactions/login-transactions.js';
import type { BegunLogin, Consent } from '../transactions/transaction.js';
import type { UpstreamLogins } from '../transactions/upstream-logins.js';
import type { ConsentMemory } from './consent-memory.js';
import { type ConsentMode, pagelessBecause } from './consent-mode.js';

export interface ConsentGateDependencies {
  readonly mode: ConsentMode | undefined;
  /** Absent when no consent is remembered. */
  readonly memory: ConsentMemory | undefined;
  readonly loginTransactions: LoginTransactions;
  readonly upstreamLogins: UpstreamLogins;
  readonly events: MultiAuthEvents;
  readonly transactionSeconds: number;
}

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
    const { transactionSeconds, events } = this.its;
    const sent = await this.its.upstreamLogins.begin(request, login, consent, transactionSeconds);
    const { clientId, scopes } = login.request;
    events.emit('consent.skipped', { clientId, scopes, because: consent.how });
    return {
      kind: 'redirect',
      status: request.method === 'POST' ? 303 : 302,
      location: sent.location,
      cookies: [sent.cookie],
    };
  }

  /** What stands in for the page; undefined when the page has to be shown. */
  async #without(
    request: EndpointRequest,
    client: Client,
    login: BegunLogin,
  ): Promise<Exclude<Consent, { how: 'page' }> | undefined> {
    const how = pagelessBecause(this.its.mode);
    if (how) return { how };
    const memory = await this.its.memory?.recall(request, client, login);
    return memory === undefined ? undefined : { how: 'remembered', memory };
  }
}
