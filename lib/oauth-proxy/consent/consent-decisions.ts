import type { MultiAuthEvents } from '../../common/events.js';
import type { EndpointRequest, EndpointResponse } from '../../http/endpoint.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { Client } from '../clients/client.js';
import type { BrowserBinding } from '../transactions/browser-binding.js';
import type { ClientRedirect } from '../transactions/client-redirect.js';
import type { Consent, Decision, Transaction } from '../transactions/transaction.js';
import type { UpstreamLogins } from '../transactions/upstream-logins.js';
import type { ConsentMemory } from './consent-memory.js';

export interface ConsentDecisionsDependencies {
  readonly transactions: RecordCollection<Transaction>;
  readonly decisions: RecordCollection<Decision>;
  readonly upstreamLogins: UpstreamLogins;
  readonly browsers: BrowserBinding;
  readonly redirects: ClientRedirect;
  /** Absent when no consent is remembered. */
  readonly memory: ConsentMemory | undefined;
  readonly events: MultiAuthEvents;
  now(): number;
}

interface Answered {
  readonly id: string;
  readonly action: Decision['action'];
  readonly transaction: Transaction;
  readonly client: Client;
}

/** Turns the user's answer into the next step, once: however often it is given. */
export class ConsentDecisions {
  constructor(private readonly its: ConsentDecisionsDependencies) {}

  made(id: string): Promise<Decision | undefined> {
    return this.its.decisions.get(id);
  }

  /** @returns undefined when the other answer was given first */
  async decide(
    request: EndpointRequest,
    answered: Answered,
  ): Promise<EndpointResponse | undefined> {
    return answered.action === 'approve'
      ? this.#approve(request, answered)
      : this.#deny(request, answered);
  }

  answer({ location, approvedBrowser, rememberedBrowser }: Decision): EndpointResponse {
    const { browsers } = this.its;
    const cookies = [
      ...(approvedBrowser === undefined ? [] : [browsers.cookieWith('approved', approvedBrowser)]),
      ...(rememberedBrowser === undefined
        ? []
        : [browsers.cookieWith('remembered', rememberedBrowser)]),
    ];
    return { kind: 'redirect', status: 303, location, cookies };
  }

  async #deny(
    request: EndpointRequest,
    { id, transaction }: Answered,
  ): Promise<EndpointResponse | undefined> {
    const { redirectUri, state, clientId } = transaction.request;
    const refusal = this.its.redirects.withError(
      { redirectUri, method: request.method, ...(state !== undefined && { state }) },
      'access_denied',
      'The user did not agree.',
    );
    const location = refusal.kind === 'redirect' ? refusal.location : redirectUri;
    await this.its.memory?.forget(request, clientId);
    const { decision, first } = await this.#commit(id, transaction, {
      action: 'deny',
      browser: transaction.browser,
      location,
    });
    if (first) this.its.events.emit('consent.denied', { clientId });
    return decision.action === 'deny' ? this.answer(decision) : undefined;
  }

  async #approve(
    request: EndpointRequest,
    { id, transaction, client }: Answered,
  ): Promise<EndpointResponse | undefined> {
    const { upstreamLogins, browsers, events } = this.its;
    const { clientId, scopes } = transaction.request;
    const remembered = this.its.memory?.cookie(request, client, transaction);
    const consent: Consent = {
      how: 'page',
      answeredAt: this.its.now(),
      ...(remembered && { memory: browsers.fingerprint(remembered) }),
    };
    const seconds = transaction.expiresAt - this.its.now();
    const sent = await upstreamLogins.begin(request, transaction, consent, seconds);
    const { decision, first } = await this.#commit(id, transaction, {
      action: 'approve',
      browser: transaction.browser,
      location: sent.location,
      approvedBrowser: sent.cookie.value,
      ...(remembered && { rememberedBrowser: remembered.value }),
    });
    if (first) events.emit('consent.given', { clientId, scopes });
    else await upstreamLogins.abandon(sent.state);
    return decision.action === 'approve' ? this.answer(decision) : undefined;
  }

  /** Of simultaneous answers the first counts, and all get what it got. */
  async #commit(
    id: string,
    transaction: Transaction,
    decision: Decision,
  ): Promise<{ decision: Decision; first: boolean }> {
    const { decisions, transactions } = this.its;
    const first = await decisions.add(id, decision, transaction.expiresAt - this.its.now());
    if (first) {
      await transactions.delete(id);
      return { decision, first };
    }
    return { decision: (await decisions.get(id)) ?? decision, first };
  }
}
