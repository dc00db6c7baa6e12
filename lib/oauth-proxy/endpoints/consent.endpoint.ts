import type { MultiAuthEvents } from '../../common/events.js';
import type { Endpoint, EndpointRequest, EndpointResponse } from '../../http/endpoint.js';
import { Parameters } from '../../http/parameters.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { ClientRepository } from '../clients/client.repository.js';
import { matchesRedirectUri } from '../clients/redirect-uri.js';
import { type ConsentDecisions, isSame } from '../consent/consent-decisions.js';
import type { ConsentForm } from '../consent/consent-form.js';
import type { ConsentPage } from '../consent/consent-page.js';
import type { ConsentStage, WaitingLogin } from '../consent/consent-stage.js';
import type { BrowserBinding } from '../transactions/browser-binding.js';
import { appendParameters } from '../transactions/client-redirect.js';
import type { Decision, Transaction } from '../transactions/transaction.js';
import type { LocalErrors } from './local-error.js';

export interface ConsentDependencies {
  readonly clients: ClientRepository;
  readonly transactions: RecordCollection<Transaction>;
  readonly decisions: ConsentDecisions;
  readonly browsers: BrowserBinding;
  readonly form: ConsentForm;
  readonly page: ConsentPage;
  readonly stage: ConsentStage;
  readonly errors: LocalErrors;
  readonly events: MultiAuthEvents;
  /** The only origin the form may be sent from. */
  readonly origin: string;
  /** The page's own URL. */
  readonly consentUrl: string;
}

type Found = { readonly login: WaitingLogin } | { readonly answer: EndpointResponse };

/** Shows what an application asks for. @see RFC 6819 §5.2.3.2; MCP "Confused Deputy" */
export class ConsentPageEndpoint implements Endpoint {
  constructor(private readonly its: ConsentDependencies) {}

  async handle(request: EndpointRequest): Promise<EndpointResponse> {
    const parameters = Parameters.fromQuery(request.rawQuery);
    const id = parameters.repeated.length > 0 ? undefined : parameters.get('txn');
    if (id === undefined) return this.its.errors.expiredLogin(request);
    const found = await find(this.its, request, id);
    if ('answer' in found) return found.answer;
    return this.#show(request, found.login);
  }

  async #show(request: EndpointRequest, login: WaitingLogin): Promise<EndpointResponse> {
    const { stage, decisions, errors, form, page } = this.its;
    const { id, transaction, client } = login;
    const user = await stage.user(request);
    const arrival = await stage.arrive(request, login, user);
    if ('answer' in arrival) return arrival.answer;
    if ('unasked' in arrival) {
      const { unasked } = arrival;
      const answer = await decisions.decide(request, {
        ...login,
        action: 'approve',
        user,
        unasked,
      });
      return answer ?? errors.expiredLogin(request);
    }
    const csrf = form.token({ id, browser: transaction.browser, subject: user?.subject });
    const { remembers: remembered, switchUrl } = arrival;
    return page.render(request, {
      client,
      request: transaction.request,
      remembered,
      form: { txn: id, csrf },
      ...(user && { user: { name: user.name ?? user.subject, switchUrl } }),
    });
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
    return 'answer' in found ? found.answer : this.#decide(request, found.login, { action, csrf });
  }

  async #decide(
    request: EndpointRequest,
    login: WaitingLogin,
    { action, csrf }: { action: Decision['action']; csrf: string },
  ): Promise<EndpointResponse> {
    const { stage, form, decisions, errors, events } = this.its;
    const { browser, request: asked } = login.transaction;
    const user = await stage.user(request);
    const arrival = await stage.arrive(request, login, user);
    if ('answer' in arrival) return arrival.answer;
    const origin = form.originOf(csrf, { id: login.id, browser, subject: user?.subject });
    if (origin === 'forged') return errors.badForm(request);
    if (origin === 'other_user') {
      events.emit('consent.subject_changed', { clientId: asked.clientId });
      return this.#askAgain(login.id);
    }
    const answer = await decisions.decide(request, { ...login, action, user });
    return answer ?? errors.expiredLogin(request);
  }

  /** Whoever is logged in now has not seen the page. */
  #askAgain(id: string): EndpointResponse {
    const location = appendParameters(this.its.consentUrl, { txn: id });
    return { kind: 'redirect', status: 303, location };
  }

  /** A second click or the back button: the same answer, never a second login. */
  async #repeat(
    request: EndpointRequest,
    earlier: Decision,
    sent: { id: string; action: string; csrf: string },
  ): Promise<EndpointResponse> {
    const { browsers, errors, stage, form, decisions } = this.its;
    const { browser, subject } = earlier;
    if (!browsers.matches(request, 'begun', browser)) return errors.foreignBrowser(request);
    const user = await stage.user(request);
    const origin = form.originOf(sent.csrf, { id: sent.id, browser, subject });
    if (origin !== 'genuine' || !isSame(earlier, sent.action, user)) {
      return errors.expiredLogin(request);
    }
    return decisions.answer(earlier);
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
  return { login: { id, transaction, client } };
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
