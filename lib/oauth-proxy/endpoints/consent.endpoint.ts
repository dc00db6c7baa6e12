import type { FormMac } from '../../crypto/form-mac.js';
import type { MultiAuthEvents } from '../../common/events.js';
import type { Endpoint, EndpointRequest, EndpointResponse } from '../../http/endpoint.js';
import { Parameters } from '../../http/parameters.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { Client } from '../clients/client.js';
import type { ClientRepository } from '../clients/client.repository.js';
import { matchesRedirectUri } from '../clients/redirect-uri.js';
import type { ConsentDecisions } from '../consent/consent-decisions.js';
import type { ConsentMemory } from '../consent/consent-memory.js';
import type { ConsentPage } from '../consent/consent-page.js';
import type { BrowserBinding } from '../transactions/browser-binding.js';
import type { Decision, Transaction } from '../transactions/transaction.js';
import type { LocalErrors } from './local-error.js';

export interface ConsentDependencies {
  readonly clients: ClientRepository;
  readonly transactions: RecordCollection<Transaction>;
  readonly decisions: ConsentDecisions;
  readonly browsers: BrowserBinding;
  readonly mac: FormMac;
  readonly page: ConsentPage;
  /** Absent when no consent is remembered. */
  readonly memory: ConsentMemory | undefined;
  readonly errors: LocalErrors;
  readonly events: MultiAuthEvents;
  /** The only origin the form may be sent from. */
  readonly origin: string;
}

type Found =
  | { readonly transaction: Transaction; readonly client: Client }
  | { readonly answer: EndpointResponse };

/** Shows what an application asks for. @see RFC 6819 §5.2.3.2; MCP "Confused Deputy" */
export class ConsentPageEndpoint implements Endpoint {
  constructor(private readonly its: ConsentDependencies) {}

  async handle(request: EndpointRequest): Promise<EndpointResponse> {
    const parameters = Parameters.fromQuery(request.rawQuery);
    const id = parameters.repeated.length > 0 ? undefined : parameters.get('txn');
    if (id === undefined) return this.its.errors.expiredLogin(request);
    const found = await find(this.its, request, id);
    if ('answer' in found) return found.answer;
    // Not a random value: every page shown for this login, in every tab, can be answered.
    const csrf = this.its.mac.sign(id, found.transaction.browser);
    const { client, transaction } = found;
    const remembered = this.its.memory?.cookie(request, client, transaction) !== undefined;
    const form = { txn: id, csrf };
    const question = { client, request: transaction.request, remembered, form };
    return this.its.page.render(request, question);
  }
}

/** Takes the user's answer. Only the browser that was shown the page can give it. */
export class ConsentDecisionEndpoint implements Endpoint {
  constructor(private readonly its: ConsentDependencies) {}

  async handle(request: EndpointRequest): Promise<EndpointResponse> {
    if (!isSameOrigin(request, this.its.origin)) return this.its.errors.foreignBrowser(request);
    const form = Parameters.fromForm(request);
    form.assertSingle();
    const id = form.get('txn');
    const action = form.get('action');
    const csrf = form.get('csrf') ?? '';
    if (id === undefined || !isAction(action)) return this.its.errors.badForm(request);
    const found = await find(this.its, request, id);
    const earlier = await this.its.decisions.made(id);
    if (earlier) return this.#repeat(request, earlier, { id, action, csrf });
    if ('answer' in found) return found.answer;
    if (!this.its.mac.verify(csrf, id, found.transaction.browser))
      return this.its.errors.badForm(request);
    const answer = await this.its.decisions.decide(request, { id, action, ...found });
    return answer ?? this.its.errors.expiredLogin(request);
  }

  /** A second click or the back button: the same answer, never a second login. */
  #repeat(
    request: EndpointRequest,
    earlier: Decision,
    form: { id: string; action: string; csrf: string },
  ): EndpointResponse {
    if (!this.its.browsers.matches(request, 'begun', earlier.browser)) {
      return this.its.errors.foreignBrowser(request);
    }
    const genuine = this.its.mac.verify(form.csrf, form.id, earlier.browser);
    if (!genuine || earlier.action !== form.action) return this.its.errors.expiredLogin(request);
    return this.its.decisions.answer(earlier);
  }
}

async function find(
  its: ConsentDependencies,
  request: EndpointRequest,
  id: string,
): Promise<Found> {
  const transaction = await its.transactions.get(id);
  if (!transaction) return { answer: its.errors.expiredLogin(request) };
  const { clientId, redirectUri } = transaction.request;
  if (!its.browsers.matches(request, 'begun', transaction.browser)) {
    its.events.emit('browser.mismatch', { clientId, step: 'consent' });
    return { answer: its.errors.foreignBrowser(request) };
  }
  const client = await its.clients.findForLogin(transaction);
  // The client may have been removed, or changed, since the login began.
  if (!client || !matchesRedirectUri(client.redirectUris, redirectUri)) {
    return { answer: its.errors.wrongRedirectUri(request) };
  }
  return { transaction, client };
}

function isAction(action: string | undefined): action is Decision['action'] {
  return action === 'approve' || action === 'deny';
}

function isSameOrigin(request: EndpointRequest, origin: string): boolean {
  const sent = request.headers['origin'];
  if (sent !== undefined && sent !== 'null') return sent === origin;
  // A page without a referrer, as ours is, posts with an opaque origin (Fetch §3.1); what the
  // browser itself says of the sender then decides.
  const site = request.headers['sec-fetch-site'];
  return site === 'same-origin' || (site === undefined && sent === undefined);
}
