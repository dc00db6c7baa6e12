import type { MultiAuthEvents } from '../../common/events.js';
import type { EndpointRequest, EndpointResponse } from '../../http/endpoint.js';
import type { Client } from '../clients/client.js';
import { isBegunByUser, isMemorable } from '../consent/consent-memory.js';
import { type ConsentOptions, pagelessFor } from '../consent/consent-mode.js';
import type {
  Approval,
  Arrival,
  ConsentStage,
  Unasked,
  WaitingLogin,
} from '../consent/consent-stage.js';
import type { RememberedConsents } from '../consent/remembered-consents.js';
import type { LoginGate } from '../endpoints/authorize.endpoint.js';
import type { AuthorizationCodes } from '../tokens/authorization-codes.js';
import type { ClientRedirect } from '../transactions/client-redirect.js';
import type { LoginTransactions } from '../transactions/login-transactions.js';
import type { AuthorizationRequest, BegunLogin, Transaction } from '../transactions/transaction.js';
import type { LocalUser } from './local-user.js';
import type { LocalUsers } from './local-users.js';
import type { ReturnUrls } from './return-urls.js';

export interface LocalConsentDependencies {
  readonly options: ConsentOptions;
  readonly users: LocalUsers;
  readonly returnUrls: ReturnUrls;
  readonly loginTransactions: LoginTransactions;
  readonly remembered: RememberedConsents;
  readonly codes: AuthorizationCodes;
  readonly redirects: ClientRedirect;
  readonly events: MultiAuthEvents;
  now(): number;
}

/**
 * The user logs in at the app first, and agrees then: the code is for who was shown the page, and is
 * made when the page is answered. At each step it is the app's session that says who that is.
 */
export class LocalConsent implements ConsentStage, LoginGate {
  constructor(private readonly its: LocalConsentDependencies) {}

  /** Every login waits at the consent page, until it is known whose it is. */
  pass(request: EndpointRequest, client: Client, login: BegunLogin): Promise<EndpointResponse> {
    const recalls = this.#remembers(client, login.request) && isBegunByUser(request);
    return this.its.loginTransactions.begin(request, login, recalls);
  }

  user(request: EndpointRequest): Promise<LocalUser | undefined> {
    return this.its.users.at(request);
  }

  async arrive(
    _request: EndpointRequest,
    { id, client, transaction }: WaitingLogin,
    user: LocalUser | undefined,
  ): Promise<Arrival> {
    const loginUrl = this.its.returnUrls.loginUrl(id);
    if (!user) return { answer: { kind: 'redirect', location: loginUrl } };
    const unasked = await this.#unasked(client, transaction, user);
    if (unasked) return { unasked };
    return { remembers: this.#remembers(client, transaction.request), switchUrl: loginUrl };
  }

  async approve(
    { method }: EndpointRequest,
    { client, transaction: { request } }: WaitingLogin,
    user: LocalUser | undefined,
  ): Promise<Approval> {
    const { codes, redirects } = this.its;
    const agreedAt = this.its.now();
    const { subject, claims = {} } = known(user);
    const code = await codes.make(request, { subject, claims });
    const { redirectUri, state } = request;
    const to = { redirectUri, method, ...(state !== undefined && { state }) };
    return {
      decision: { location: redirects.withCode(to, code).location },
      conclude: async (unasked) => {
        codes.announce(request, subject);
        if (unasked || !this.#remembers(client, request)) return;
        await this.#remember(request, { subject, agreedAt });
      },
      undo: async () => void (await codes.claim(code)),
    };
  }

  /** A refusal ends an earlier consent; it is not remembered itself. */
  async deny(
    _request: EndpointRequest,
    { transaction }: WaitingLogin,
    user: LocalUser | undefined,
  ): Promise<void> {
    const { options, remembered } = this.its;
    if (options.consent !== 'remember') return;
    await remembered.forget(memoryOf(known(user).subject), transaction.request.clientId);
  }

  async #unasked(
    client: Client,
    { request, recalls }: Transaction,
    { subject }: LocalUser,
  ): Promise<Unasked | undefined> {
    const because = pagelessFor(client, this.its.options);
    if (because || recalls !== true) return because;
    const isCovered = await this.its.remembered.cover(memoryOf(subject), request, subject);
    return isCovered ? 'remembered' : undefined;
  }

  async #remember(
    request: AuthorizationRequest,
    agreed: { readonly subject: string; readonly agreedAt: number },
  ): Promise<void> {
    const { subject } = agreed;
    await this.its.remembered.add(memoryOf(subject), request, agreed);
    this.its.events.emit('consent.remembered', { clientId: request.clientId, subject });
  }

  #remembers(client: Client, { redirectUri }: AuthorizationRequest): boolean {
    return this.its.options.consent === 'remember' && isMemorable(client, redirectUri);
  }
}

/** Under what the consents of a user are kept: whatever browser they use. */
function memoryOf(subject: string): string {
  return `user ${subject}`;
}

function known(user: LocalUser | undefined): LocalUser {
  if (user) return user;
  throw new Error('A login without a user was answered.');
}
