import type { UpstreamTokenSet } from '../upstream/upstream.js';

/** The upstream's tokens behind a grant. */
export interface UpstreamSession {
  readonly accessToken: string;
  readonly refreshToken?: string | undefined;
  /** How many refreshes it has behind it: of two sessions of a grant the higher one is the newer. */
  readonly generation: number;
  /** When the upstream gave the tokens out, in seconds since the epoch. */
  readonly obtainedAt: number;
  /** Absent when the upstream did not say: such a token is taken to last. */
  readonly expiresAt?: number | undefined;
  /** What the upstream grants of this server's scopes; absent when it has no say in them. */
  readonly grantedScopes?: readonly string[] | undefined;
  /** The scopes of the access token in the upstream's own terms, when it named them. */
  readonly scopes?: readonly string[] | undefined;
}

/** What is kept of the upstream's tokens. An `expires_in` that makes no sense counts as unsaid. */
export function toUpstreamSession(tokens: UpstreamTokenSet, now: number): UpstreamSession {
  const seconds = Math.floor(tokens.expiresInSeconds ?? 0);
  return {
    accessToken: tokens.accessToken,
    refreshToken: tokens.refreshToken,
    generation: 0,
    obtainedAt: now,
    expiresAt: seconds > 0 ? now + seconds : undefined,
    grantedScopes: tokens.grantedScopes,
    scopes: tokens.scopes,
  };
}

/** The session after a refresh: what the upstream did not send anew stays. */
export function renewedSession(
  before: UpstreamSession,
  tokens: UpstreamTokenSet,
  now: number,
): UpstreamSession {
  return {
    ...toUpstreamSession(tokens, now),
    generation: before.generation + 1,
    refreshToken: tokens.refreshToken ?? before.refreshToken,
    grantedScopes: tokens.grantedScopes ?? before.grantedScopes,
    scopes: tokens.scopes ?? before.scopes,
  };
}

/**
 * Tells whether the session is worth a refresh: within the margin before its access token expires,
 * or within the last quarter of a token that lives too shortly for that margin.
 */
export function isDue(session: UpstreamSession, marginSeconds: number, now: number): boolean {
  const { refreshToken, expiresAt, obtainedAt } = session;
  if (refreshToken === undefined || expiresAt === undefined) return false;
  const quarter = Math.floor((expiresAt - obtainedAt) / 4);
  return expiresAt - Math.min(marginSeconds, quarter) <= now;
}
