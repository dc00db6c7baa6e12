import { unionScopes } from '../common/scopes.js';
import type { ScopeMapping } from '../oauth-proxy/upstream/upstream-scopes.js';

const openId = ['openid', 'profile', 'email', 'offline_access'];

/**
 * Microsoft's way with scopes: those of an app carry its identifier (`api://…/mcp.use`), those of
 * OpenID Connect never do; a token is for one resource, so that a token request names the scopes of
 * one. `always` are asked for whoever asks: refresh tokens and the user's name are there.
 */
export function entraScopes(identifierUri: string, always: readonly string[]): ScopeMapping {
  const prefix = `${identifierUri}/`;
  const isQualified = (scope: string): boolean => scope.includes('://') || openId.includes(scope);
  return {
    toUpstream: (scopes) =>
      unionScopes(
        always,
        scopes.map((s) => (isQualified(s) ? s : prefix + s)),
      ),
    // Answers name no `offline_access`, and may leave out the others of OpenID Connect.
    fromUpstream: (scopes) =>
      unionScopes(
        openId,
        scopes.map((s) => (s.startsWith(prefix) ? s.slice(prefix.length) : s)),
        scopes,
      ),
    inTokenRequest: (scopes) => {
      const others = scopes.filter((s) => !openId.includes(s));
      const resource = others.some((s) => s.startsWith(prefix))
        ? identifierUri
        : resourceOf(others[0] ?? '');
      return scopes.filter((s) => openId.includes(s) || resourceOf(s) === resource);
    },
  };
}

/** What comes before the last part; a bare name is one of Microsoft Graph. */
function resourceOf(scope: string): string {
  return scope.includes('://') ? scope.slice(0, scope.lastIndexOf('/')) : 'Microsoft Graph';
}
