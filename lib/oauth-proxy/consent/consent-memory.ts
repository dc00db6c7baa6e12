import type { EndpointRequest, ResponseCookie } from '../../http/endpoint.js';
import type { Client } from '../clients/client.js';
import { isLoopbackUri } from '../clients/redirect-uri.js';
import type { BrowserBinding } from '../transactions/browser-binding.js';
import type { BegunLogin } from '../transactions/transaction.js';
import type { RememberedConsents } from './remembered-consents.js';

/** Which browser's consents count again, and for which logins. */
export class ConsentMemory {
  constructor(
    private readonly browsers: BrowserBinding,
    private readonly consents: RememberedConsents,
  ) {}

  /** Where the consents of this browser are kept, when one of them covers the login as it is begun. */
  async recall(
    request: EndpointRequest,
    client: Client,
    { request: asked }: BegunLogin,
  ): Promise<string | undefined> {
    if (!isBegunByUser(request) || !isMemorable(client, asked.redirectUri)) return undefined;
    const memory = this.browsers.broughtBy(request, 'remembered');
    if (memory === undefined) return undefined;
    return (await this.consents.cover(memory, asked)) ? memory : undefined;
  }

  /** The cookie under which a consent to the login will be remembered; undefined when it is not. */
  cookie(
    request: EndpointRequest,
    client: Client,
    { request: asked }: BegunLogin,
  ): ResponseCookie | undefined {
    return isMemorable(client, asked.redirectUri)
      ? this.browsers.cookie(request, 'remembered')
      : undefined;
  }

  /** A refusal ends an earlier consent; it is not remembered itself. */
  async forget(request: EndpointRequest, clientId: string): Promise<void> {
    const memory = this.browsers.broughtBy(request, 'remembered');
    if (memory !== undefined) await this.consents.forget(memory, clientId);
  }
}

/**
 * Tells whether a consent to the client may count again. A browser that an app sent to an attacker's
 * address says `Sec-Fetch-Site: none` also of the redirect that follows, so the header cannot tell
 * the attacker's request from the client's own. What can: an id that strangers do not know, as a
 * registration has, or a code that they could not redeem.
 */
export function isMemorable(client: Client, redirectUri: string): boolean {
  // Any program on the machine can listen there, and the id is public.
  if (client.origin === 'metadata_document' && isLoopbackUri(redirectUri)) return false;
  return client.origin === 'registered' || client.authenticationMethod !== 'none';
}

/**
 * Tells whether the browser says that no site asked for the page: its address was typed, or an app
 * opened it. What says nothing, or only looks ahead, does not count.
 * @see Fetch Metadata Request Headers §2
 */
export function isBegunByUser({ method, headers }: EndpointRequest): boolean {
  const ahead = headers['sec-purpose'] ?? headers['purpose'] ?? headers['x-moz'];
  return (
    method === 'GET' &&
    headers['sec-fetch-site'] === 'none' &&
    (headers['sec-fetch-dest'] ?? 'document') === 'document' &&
    ahead === undefined
  );
}
