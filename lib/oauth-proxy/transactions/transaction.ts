import type { Client } from '../clients/client.js';

/** What a client asked for at `/authorize`, checked; the part of a login the client defines. */
export interface AuthorizationRequest {
  readonly clientId: string;
  readonly redirectUri: string;
  /** The client's `state`, returned as it came. */
  readonly state?: string;
  /** RFC 7636 §4.2, method S256. */
  readonly codeChallenge: string;
  /** What would be granted: what the user is asked. */
  readonly scopes: readonly string[];
  /** The identifier of the resource the tokens will be for (RFC 8707). */
  readonly resource: string;
}

/** A login on its way: what is asked, and by whom. */
export interface BegunLogin {
  readonly request: AuthorizationRequest;
  /** A client with a document, as the user is shown it: the document may change meanwhile. */
  readonly client?: Client;
}

/** A login that waits for the user's consent. Kept under its id. */
export interface Transaction extends BegunLogin {
  /** The hash of the cookie of the browser that began it. */
  readonly browser: string;
  readonly expiresAt: number;
  /** Whether an earlier consent of the user who logs in may count. Only where that is asked last. */
  readonly recalls?: boolean;
}

/** What the user decided on a transaction, kept so that a repeated click gets the same answer. */
export interface Decision {
  readonly action: 'approve' | 'deny';
  readonly browser: string;
  readonly location: string;
  /** Who decided; absent where users log in later. */
  readonly subject?: string;
  /** The cookie the approving browser carries to the callback. */
  readonly approvedBrowser?: string;
  /** The cookie by which the browser's consents are remembered. */
  readonly rememberedBrowser?: string;
}

/** How it came that a login went to the upstream. `memory` is where the browser's consents are kept. */
export type Consent =
  | { readonly how: 'page'; readonly answeredAt: number; readonly memory?: string }
  | { readonly how: 'remembered'; readonly memory: string }
  | { readonly how: 'external' | 'off' };

/** A login that is at the upstream. Kept under the upstream `state`. */
export interface UpstreamLogin extends BegunLogin {
  readonly consent: Consent;
  /** The hash of the cookie that was set on approval. */
  readonly approvedBrowser: string;
  readonly codeVerifier: string;
  readonly nonce: string;
}
