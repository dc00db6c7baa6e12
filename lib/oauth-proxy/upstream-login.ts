import { CallbackEndpoint } from './endpoints/callback.endpoint.js';
import { ConsentGate } from './consent/consent-gate.js';
import { ConsentMemory } from './consent/consent-memory.js';
import { UpstreamConsent } from './consent/upstream-consent.js';
import { grantParts } from './grant-parts.js';
import { loginEndpoints, loginPieces } from './login-endpoints.js';
import type { OAuthProxyOptions } from './oauth-proxy-options.js';
import type { LoginEndpoints, LoginParts, SharedParts, StoredParts } from './server-parts.js';
import { LoginRecheck } from './tokens/login-recheck.js';
import { UpstreamLife } from './tokens/upstream-life.js';
import { UpstreamRevocations } from './tokens/upstream-revocations.js';
import { UpstreamSessions } from './tokens/upstream-sessions.js';
import { UpstreamTokens } from './tokens/upstream-tokens.js';
import { UpstreamLogins } from './transactions/upstream-logins.js';

/** Users log in at an upstream, after they agreed here. */
export function upstreamLogin(
  options: OAuthProxyOptions,
  parts: StoredParts,
): LoginParts & { readonly upstreamTokens: UpstreamTokens } {
  const { host, records, lifetimes, issuer } = parts;
  const { clock, events } = host;
  const { upstream, upstreamRecheckSeconds: intervalSeconds } = options;
  const revocations = new UpstreamRevocations(upstream, events);
  const sessions = new UpstreamSessions({
    ...records,
    upstream,
    revocations,
    clock,
    events,
    idleSeconds: lifetimes.refreshTokenIdle,
    refreshMarginSeconds: lifetimes.upstreamRefreshMargin,
  });
  const kept = grantParts(parts, { sessions, revocations });
  const life = new UpstreamLife({ upstream, sessions, grants: kept.grants, events });
  const recheck =
    intervalSeconds === undefined
      ? undefined
      : new LoginRecheck({ ...records, life, clock, intervalSeconds });
  return {
    ...kept,
    life,
    recheck,
    upstreamTokens: new UpstreamTokens({ ...kept, issuer, life, upstream, clock, events }),
    endpoints: (shared) => upstreamLoginEndpoints(options, shared, revocations),
    settled: async () => {
      await recheck?.settled();
      await sessions.settled();
      await revocations.settled();
    },
  };
}

function upstreamLoginEndpoints(
  { upstream, consent, redirectPath = '/auth/callback' }: OAuthProxyOptions,
  parts: SharedParts,
  revocations: UpstreamRevocations,
): LoginEndpoints {
  const pieces = loginPieces(parts);
  const callbackUrl = parts.host.baseUrl + redirectPath;
  const { browsers, remembered } = pieces;
  const memory = consent === 'remember' ? new ConsentMemory(browsers, remembered) : undefined;
  const upstreamLogins = new UpstreamLogins({ ...pieces, upstream, callbackUrl });
  const common = { ...pieces, upstream, callbackUrl, memory, upstreamLogins, revocations };
  const stage = new UpstreamConsent(common);
  return {
    ...loginEndpoints(parts, pieces, { gate: new ConsentGate(common), stage }),
    callback: { url: callbackUrl, endpoint: new CallbackEndpoint(common) },
  };
}
