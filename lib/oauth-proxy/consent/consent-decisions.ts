import type { MultiAuthEvents } from '../../common/events.js';
import type { EndpointRequest, EndpointResponse } from '../../http/endpoint.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { LocalUser } from '../local/local-user.js';
import type { BrowserBinding } from '../transactions/browser-binding.js';
import type { ClientRedirect } from '../transactions/client-redirect.js';
import type { Decision, Transaction } from '../transactions/transaction.js';
import type { ConsentStage, Unasked, WaitingLogin } from './consent-stage.js';

export interface ConsentDecisionsDependencies {
  readonly transactions: RecordCollection<Transaction>;
  readonly decisions: RecordCollection<Decision>;
  readonly stage: ConsentStage;
  readonly browsers: BrowserBinding;
  readonly redirects: ClientRedirect;
  readonly events: MultiAuthEvents;
  now(): number;
}

/** An answer to what a client asks for. */
export interface Answered extends WaitingLogin {
  readonly action: Decision['action'];
  /** Whose it is, where that is known by now. */
  readonly user?: LocalUser | undefined;
  /** Why nobody was asked; absent when somebody was. */
  readonly unasked?: Unasked;
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
    { user, ...login }: Answered,
  ): Promise<EndpointResponse | undefined> {
    const { id, transaction } = login;
    const { redirectUri, state, clientId } = transaction.request;
    const { location } = this.its.redirects.withError(
      { redirectUri, method: request.method, ...(state !== undefined && { state }) },
      'access_denied',
      'The user did not agree.',
    );
    await this.its.stage.deny(request, login, user);
    const { decision, first } = await this.#commit(id, transaction, {
      action: 'deny',
      browser: transaction.browser,
      ...(user && { subject: user.subject }),
      location,
    });
    if (first) this.its.events.emit('consent.denied', { clientId });
    return isSame(decision, 'deny', user) ? this.answer(decision) : undefined;
  }

  async #approve(
    request: EndpointRequest,
    { user, unasked, ...login }: Answered,
  ): Promise<EndpointResponse | undefined> {
    const { id, transaction } = login;
    const { clientId, scopes } = transaction.request;
    const approval = await this.its.stage.approve(request, login, user);
    const { decision, first } = await this.#commit(id, transaction, {
      action: 'approve',
      browser: transaction.browser,
      ...(user && { subject: user.subject }),
      ...approval.decision,
    });
    if (!first) await approval.undo();
    else {
      if (!unasked) this.its.events.emit('consent.given', { clientId, scopes });
      else this.its.events.emit('consent.skipped', { clientId, scopes, because: unasked });
      await approval.conclude(unasked);
    }
    return isSame(decision, 'approve', user) ? this.answer(decision) : undefined;
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

/** Tells whether it is the same answer, of the same user. */
export function isSame(
  { action, subject }: Decision,
  wanted: string,
  user: LocalUser | undefined,
): boolean {
  return action === wanted && subject === user?.subject;
}
