import { randomToken } from '../../crypto/random.js';
import type { EndpointRequest, EndpointResponse } from '../../http/endpoint.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { BrowserBinding } from './browser-binding.js';
import { appendParameters } from './client-redirect.js';
import type { BegunLogin, Transaction } from './transaction.js';

export interface LoginTransactionsDependencies {
  readonly transactions: RecordCollection<Transaction>;
  readonly browsers: BrowserBinding;
  readonly consentUrl: string;
  readonly transactionSeconds: number;
  now(): number;
}

/** Lets a login wait for the user, in the browser that asked. */
export class LoginTransactions {
  constructor(private readonly its: LoginTransactionsDependencies) {}

  /** Sends the browser to the consent page. */
  async begin(
    request: EndpointRequest,
    { request: asked, client }: BegunLogin,
    recalls = false,
  ): Promise<EndpointResponse> {
    const { browsers, transactions, transactionSeconds } = this.its;
    const id = randomToken();
    const cookie = browsers.cookie(request, 'begun');
    const transaction: Transaction = {
      request: asked,
      browser: browsers.fingerprint(cookie),
      ...(client && { client }),
      ...(recalls && { recalls }),
      expiresAt: this.its.now() + transactionSeconds,
    };
    await transactions.set(id, transaction, transactionSeconds);
    return {
      kind: 'redirect',
      location: appendParameters(this.its.consentUrl, { txn: id }),
      cookies: [cookie],
    };
  }
}
