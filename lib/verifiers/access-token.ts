/** What a verifier says of a token it accepts. */
export interface VerifiedToken {
  /** The OAuth client the token was issued to. */
  readonly clientId: string;
  /** The scopes granted. */
  readonly scopes: readonly string[];
  /** Who the token speaks for (`sub`); absent for tokens without a user or service identity. */
  readonly subject?: string | undefined;
  /** Who issued the token (`iss`). A subject means something only together with its issuer. */
  readonly issuer?: string | undefined;
  /** When the token expires, in seconds since the epoch. */
  readonly expiresAt?: number | undefined;
  /** The resource the token is for (RFC 8707), when the verifier knows it. */
  readonly resource?: string | undefined;
  /** All claims of the token. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
}

/** A token that was accepted. Frozen, all the way down. */
export interface AccessToken extends VerifiedToken {
  /** The token as presented. Never log it, never send it to another server. */
  readonly token: string;
  readonly claims: Readonly<Record<string, unknown>>;
  /** The name of the source that accepted it. */
  readonly source: string;
}
