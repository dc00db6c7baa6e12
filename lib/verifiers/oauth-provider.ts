import { AuthProvider } from './auth-provider.js';

/** What a user granted a client, as `grantsOf` lists it. */
export interface GrantSummary {
  /** For `revokeGrant`. Access tokens carry it as `sid`. */
  readonly grantId: string;
  readonly clientId: string;
  /** What the client called itself; nobody checked it. */
  readonly clientName?: string | undefined;
  readonly scopes: readonly string[];
  /** The resource its tokens are for. */
  readonly resource: string;
  /** When the user logged in, in seconds since the epoch. */
  readonly issuedAt: number;
  /** When it ends at the latest, in seconds since the epoch. */
  readonly expiresAt: number;
}

/** Whose grants end: those of the subject, of the client, or of the subject at the client. */
export interface RevocationTarget {
  readonly subject?: string;
  readonly clientId?: string;
}

/**
 * A full authorization server as the `server` of a module: registration, authorization, tokens and
 * their verification. `OAuthProxy` is one.
 */
export abstract class OAuthProvider extends AuthProvider {
  /** All the scopes that clients can get. Default: the required ones of each resource. */
  override scopesSupported?(): readonly string[];

  /** The living grants of a subject, the newest first. */
  abstract grantsOf(subject: string): Promise<readonly GrantSummary[]>;

  /** Ends every grant and unredeemed code that the target has now, at once. */
  abstract revokeAll(target: RevocationTarget): Promise<void>;

  /** Ends one grant with all its tokens, at once; false when there is none of that id. */
  abstract revokeGrant(grantId: string): Promise<boolean>;

  /** Asks for the keys again where the options name a function for them. Default: nothing. */
  async reloadKeys(): Promise<void> {}
}
