import type { MultiAuthEvents } from '../../common/events.js';
import { codeChallengeOf } from '../../crypto/pkce.js';
import { randomToken } from '../../crypto/random.js';
import type { EndpointRequest, EndpointResponse } from '../../http/endpoint.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { BrowserBinding } from '../transactions/browser-binding.js';
import type { ClientRedirect } from '../transactions/client-redirect.js';
import type { Decision, Transaction, UpstreamLogin } from '../transactions/transaction.js';
import type { Upstream } from '../upstream/upstream.js';

export interface ConsentDecisionsDependencies {
  readonly transactions: RecordCollection<Transaction>;
  readonly decisions: RecordCollection<Decision>;
  readonly logins: RecordCollection<UpstreamLogin>;
  readonly browsers: BrowserBinding;
  readonly redirects: ClientRedirect;
  readonly upstream: Upstream;
  readonly callbackUrl: string;
  readonly events: MultiAuthEvents;
  now(): number;
}

interface Answered {
  readonly id: string;
  readonly action: Decision['action'];
  readonly transaction: Transaction;
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

  answer(decision: Decision): EndpointResponse {
    const cookies =
      decision.approvedBrowser === undefined
        ? []
        : [this.its.browsers.cookieWith('approved', decision.approvedBrowser)];
    return { kind: 'redirect', status: 303, location: decision.location, cookies };
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
    { id, transaction }: Answered,
  ): Promise<EndpointResponse | undefined> {
    const asked = transaction.request;
    const cookie = this.its.browsers.cookie(request, 'approved');
    // Made only now: nobody can know the upstream state before the user agreed.
    const state = randomToken();
    const login: UpstreamLogin = {
      request: asked,
      approvedBrowser: this.its.browsers.fingerprint(cookie),
      codeVerifier: randomToken(),
      nonce: randomToken(),
    };
    const location = await this.its.upstream.authorizationUrl({
      state,
      nonce: login.nonce,
      codeChallenge: codeChallengeOf(login.codeVerifier),
      redirectUri: this.its.callbackUrl,
      scopes: asked.scopes,
    });
    await this.its.logins.set(state, login, transaction.expiresAt - this.its.now());
    const { decision, first } = await this.#commit(id, transaction, {
      action: 'approve',
      browser: transaction.browser,
      location,
      approvedBrowser: cookie.value,
    });
    if (!first) await this.its.logins.delete(state);
    else {
      this.its.events.emit('consent.given', { clientId: asked.clientId, scopes: asked.scopes });
    }
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
