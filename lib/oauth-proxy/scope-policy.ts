import { intersectScopes } from '../common/scopes.js';

/** Which scopes clients may get, and which every client gets. */
export interface ScopePolicy {
  /** All scopes the server gives out; advertised as `scopes_supported` (RFC 8414 §2). */
  readonly supported: readonly string[];
  /** Granted beside whatever was asked for. */
  readonly defaults: readonly string[];
  /** What is left of scopes someone asks for: unknown ones are dropped (RFC 6749 §3.3). */
  offered(asked: readonly string[]): readonly string[];
}

export function scopePolicy(
  supported: readonly string[],
  defaults: readonly string[],
): ScopePolicy {
  return { supported, defaults, offered: (asked) => intersectScopes(asked, supported) };
}
