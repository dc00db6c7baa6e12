/** What a user granted a client by logging in: the root of every token (RFC 6749 §1.3). */
export interface Grant {
  readonly clientId: string;
  readonly subject: string;
  /** What the tokens carry of the user beside the registered claims. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly scopes: readonly string[];
  readonly resource: string;
  /** When no refresh goes on any more, in seconds since the epoch. */
  readonly expiresAt: number;
}

/** What a refresh token stands for. */
export interface RefreshToken {
  readonly grantId: string;
  readonly clientId: string;
}

/** A token response (RFC 6749 §5.1). */
export interface TokenResponse {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  readonly expires_in: number;
  readonly scope: string;
  readonly refresh_token?: string;
}

/** A refresh token that was used: what it was answered with, and when. */
export interface RotatedRefreshToken extends RefreshToken {
  readonly answer: TokenResponse;
  readonly at: number;
}
