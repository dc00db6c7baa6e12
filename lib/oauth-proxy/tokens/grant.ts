import type { UpstreamSession } from './upstream-session.js';

/** What a user granted a client by logging in: the root of every token (RFC 6749 §1.3). */
export interface Grant {
  readonly clientId: string;
  /** What the client called itself then. */
  readonly clientName?: string | undefined;
  /** Where it got its code. */
  readonly redirectUri: string;
  readonly subject: string;
  /** What the tokens carry of the user beside the registered claims. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly scopes: readonly string[];
  readonly resource: string;
  /** When the user logged in, in seconds since the epoch. */
  readonly issuedAt: number;
  /** When no refresh goes on any more, in seconds since the epoch. */
  readonly expiresAt: number;
  /** Its place among the grants of its subject. */
  readonly slot: number;
  readonly term: GrantTerm;
}

/** The span of time for which the record of a grant is kept unless a refresh begins a new one. */
export interface GrantTerm {
  /** Random; access tokens carry that of the term in which they were issued. */
  readonly id: string;
  /** When it began, in seconds since the epoch. */
  readonly since: number;
}

/** What a refresh token stands for. */
export interface RefreshToken {
  readonly grantId: string;
  readonly clientId: string;
  /** In seconds since the epoch; absent in records of earlier versions. */
  readonly expiresAt?: number | undefined;
}

/** A token response (RFC 6749 §5.1). */
export interface TokenResponse {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  readonly expires_in: number;
  readonly scope: string;
  readonly refresh_token?: string;
}

/** A refresh token that was used, and when. */
export interface RotatedRefreshToken extends RefreshToken {
  readonly at: number;
  /** Under which its answer is kept for a short while. */
  readonly answerId: string;
}

const daySeconds = 86_400;

/**
 * How long the record of a grant is kept from now on, in seconds: a day longer than a refresh token
 * may stay unused, and never longer than the login itself.
 */
export function grantSeconds(grant: Pick<Grant, 'expiresAt'>, now: number, idle: number): number {
  return Math.min(idle + daySeconds, grant.expiresAt - now);
}

/**
 * How long the upstream session behind a grant is kept, in seconds. It is saved anew when its access
 * token was refreshed, which happens at the first use after that token's end.
 */
export function sessionSeconds(
  grant: Pick<Grant, 'expiresAt'>,
  session: UpstreamSession,
  now: number,
  idle: number,
): number {
  const untilNextSave = Math.max(0, (session.expiresAt ?? now) - now);
  return Math.min(untilNextSave + idle + 2 * daySeconds, grant.expiresAt - now);
}

/** Tells whether the grant has been kept long enough to begin a new term at its next refresh. */
export function isTermOver({ term }: Grant, now: number, idle: number): boolean {
  return now - term.since >= Math.min(daySeconds, idle) / 2;
}
