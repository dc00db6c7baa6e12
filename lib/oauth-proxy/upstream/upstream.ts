import type { Awaitable } from '../../common/awaitable.js';
import type { ConfigurationIssue } from '../../common/errors.js';
import type { MultiAuthEvents } from '../../common/events.js';
import type { Clock } from '../../common/clock.js';

/** What the proxy wants of the upstream for one login. */
export interface UpstreamAuthorization {
  readonly state: string;
  readonly nonce: string;
  /** S256. */
  readonly codeChallenge: string;
  readonly redirectUri: string;
  /** The scopes the user agreed to, in this server's terms. */
  readonly scopes: readonly string[];
  /** The resource of this server that the client's tokens will be for (RFC 8707). */
  readonly resource?: string | undefined;
}

/** The upstream's answer at the callback and what the proxy knows of the login. */
export interface UpstreamCallback {
  readonly parameters: URLSearchParams;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  readonly resource?: string | undefined;
}

/** The upstream's tokens for one grant. Never leaves the server. */
export interface UpstreamTokenSet {
  readonly accessToken: string;
  readonly refreshToken?: string | undefined;
  /** Seconds from now; absent when the upstream did not say. */
  readonly expiresInSeconds?: number | undefined;
  /** This server's scopes that the upstream granted; absent when all asked for were. */
  readonly grantedScopes?: readonly string[] | undefined;
  /** The scopes of the access token in the upstream's own terms, when it named them. */
  readonly scopes?: readonly string[] | undefined;
}

/** Who logged in. */
export interface UpstreamIdentity {
  readonly subject: string;
  /** What goes into the tokens of this server beside the registered claims. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** What a login at the upstream yields: its tokens, and who logged in. */
export interface UpstreamGrant {
  readonly tokens: UpstreamTokenSet;
  readonly identity: UpstreamIdentity;
}

/** Whose tokens are refreshed, and for what. */
export interface UpstreamLoginFacts {
  readonly subject: string;
  readonly resource: string;
}

/**
 * What the upstream says of a login: it goes on; its access token is refused; or there is nothing
 * to ask it with. In the last two cases the refresh token decides, if there is one.
 */
export type UpstreamVerdict = 'alive' | 'refused' | 'unknown';

/** What a token of the upstream is to be exchanged for. @see RFC 8693 §2.1 */
export interface UpstreamTokenExchange {
  /** The logical name of the service at which the new token will be used. */
  readonly audience?: string | undefined;
  /** Its URL. */
  readonly resource?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  /** @default `urn:ietf:params:oauth:token-type:access_token`, when the upstream follows the RFC */
  readonly requestedTokenType?: string | undefined;
}

/** What an exchange yields. @see RFC 8693 §2.2.1 */
export interface UpstreamExchangedToken {
  readonly accessToken: string;
  readonly issuedTokenType?: string | undefined;
  readonly expiresInSeconds?: number | undefined;
  readonly scopes?: readonly string[] | undefined;
}

/** What the proxy hands to its upstream at start. */
export interface UpstreamHost {
  readonly baseUrl: string;
  readonly clock: Clock;
  readonly events: MultiAuthEvents;
}

/**
 * The identity provider behind the proxy: where it is, how the app authenticates to it, who its
 * tokens speak for. Everything that fails throws an `UpstreamError`; its text stays in the log.
 */
export interface Upstream {
  /** What is wrong with it, found without any network. `path` is where it stands. */
  issues(host: UpstreamHost, path: string): readonly ConfigurationIssue[];

  start(host: UpstreamHost): void;

  /** The secrets it holds, which must not serve as the server's own. */
  readonly clientSecret: string | undefined;

  /** Where to send the browser. */
  authorizationUrl(authorization: UpstreamAuthorization): Promise<string>;

  /** Redeems the callback's code and finds out who logged in. */
  exchange(callback: UpstreamCallback): Promise<UpstreamGrant>;

  /**
   * Gets new tokens; `refused` when the upstream ended the session, or answers with tokens of
   * another user.
   */
  refresh(
    refreshToken: string,
    scopes: readonly string[],
    login: UpstreamLoginFacts,
  ): Promise<UpstreamTokenSet>;

  /** Ends the upstream session, if the upstream has an endpoint for it. */
  revoke(tokens: { accessToken: string; refreshToken?: string | undefined }): Awaitable<void>;
  /**
   * Asks whether a login goes on at the upstream; `refused` is thrown when it is over for good. An
   * upstream without this method answers `unknown`.
   */
  check?(session: { accessToken: string; subject: string }): Awaitable<UpstreamVerdict>;
  /** Exchanges an access token for one of another service (RFC 8693). */
  exchangeToken?(
    accessToken: string,
    wanted: UpstreamTokenExchange,
  ): Promise<UpstreamExchangedToken>;
}
