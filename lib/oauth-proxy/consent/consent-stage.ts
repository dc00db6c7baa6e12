import type { EndpointRequest, EndpointResponse } from '../../http/endpoint.js';
import type { Client } from '../clients/client.js';
import type { LocalUser } from '../local/local-user.js';
import type { Decision, Transaction } from '../transactions/transaction.js';

/** A login that waits for an answer, in the browser that began it. */
export interface WaitingLogin {
  /** Of the transaction. */
  readonly id: string;
  readonly transaction: Transaction;
  readonly client: Client;
}

/** Why nobody is asked. */
export type Unasked = 'remembered' | 'external' | 'off';

/** What is to be done with a browser that comes to the consent page. */
export type Arrival =
  | {
      /** Whether the answer will be remembered. */
      readonly remembers: boolean;
      /** Where the user can become another one; absent while it is not known who it is. */
      readonly switchUrl?: string;
    }
  | { readonly unasked: Unasked }
  | { readonly answer: EndpointResponse };

/** What an approval leads to; nobody knows of it yet. */
export interface Approval {
  readonly decision: Pick<Decision, 'location' | 'approvedBrowser' | 'rememberedBrowser'>;
  /** Once it is the one that counts. */
  conclude(unasked: Unasked | undefined): Promise<void>;
  /** When another one counts. */
  undo(): Promise<void>;
}

/** What comes before the user's consent, and what follows it: they log in before it, or after. */
export interface ConsentStage {
  /**
   * Who is at the browser, where that is known by now.
   * @throws LoginUnavailableError when it cannot be found out
   */
  user(request: EndpointRequest): Promise<LocalUser | undefined>;

  arrive(
    request: EndpointRequest,
    login: WaitingLogin,
    user: LocalUser | undefined,
  ): Promise<Arrival>;

  approve(
    request: EndpointRequest,
    login: WaitingLogin,
    user: LocalUser | undefined,
  ): Promise<Approval>;

  deny(request: EndpointRequest, login: WaitingLogin, user: LocalUser | undefined): Promise<void>;
}
