import type { UpstreamTokenSet } from '../upstream/upstream.js';

/** The upstream's tokens behind a grant. */
export interface UpstreamSession {
  readonly accessToken: string;
  readonly refreshToken?: string | undefined;
  /** Absent when the upstream did not say: such a token is taken to last. */
  readonly expiresAt?: number | undefined;
  /** From when on a refresh is worth its while: shortly before the token expires. */
  readonly refreshAt?: number | undefined;
  /** What the upstream grants of this server's scopes; absent when it has no say in them. */
  readonly grantedScopes?: readonly string[] | undefined;
}

const refreshMarginSeconds = 60;

/** What is kept of the upstream's tokens. An `expires_in` that makes no sense counts as unsaid. */
export function toUpstreamSession(tokens: UpstreamTokenSet, now: number): UpstreamSession {
  const seconds = Math.floor(tokens.expiresInSeconds ?? 0);
  const lasting = seconds > 0;
  return {
    accessToken: tokens.accessToken,
    refreshToken: tokens.refreshToken,
    expiresAt: lasting ? now + seconds : undefined,
    // A token with seconds left would make an access token of ours with seconds left.
    refreshAt: lasting
      ? now + seconds - Math.min(refreshMarginSeconds, Math.floor(seconds / 4))
      : undefined,
    grantedScopes: tokens.grantedScopes,
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
    refreshToken: tokens.refreshToken ?? before.refreshToken,
    grantedScopes: tokens.grantedScopes ?? before.grantedScopes,
  };
}
