import type { AuthProviderHost } from '../verifiers/auth-provider.js';
import type { OAuthProxyOptions } from './oauth-proxy-options.js';
import type { RecordCollections } from './record-collections.js';
import type { GrantParts } from './server-parts.js';
import { GrantIndex } from './tokens/grant-index.js';
import { Grants } from './tokens/grants.js';
import { type Lifetimes, longestGrantSeconds } from './tokens/lifetimes.js';
import { RevocationMarks } from './tokens/revocation-marks.js';
import { UpstreamLife } from './tokens/upstream-life.js';
import { UpstreamRecheck } from './tokens/upstream-recheck.js';
import { UpstreamRevocations } from './tokens/upstream-revocations.js';
import { UpstreamSessions } from './tokens/upstream-sessions.js';

/** What keeps the grants and their logins at the upstream, and what ends them. */
export function grantParts(parts: {
  readonly options: OAuthProxyOptions;
  readonly host: AuthProviderHost;
  readonly records: RecordCollections;
  readonly lifetimes: Lifetimes;
}): GrantParts {
  const { options, host, records, lifetimes } = parts;
  const { clock, events } = host;
  const { upstream, upstreamRecheckSeconds: intervalSeconds } = options;
  const revocations = new UpstreamRevocations(upstream, events);
  const idleSeconds = lifetimes.refreshTokenIdle;
  const common = { ...records, upstream, revocations, clock, events, idleSeconds };
  const refreshMarginSeconds = lifetimes.upstreamRefreshMargin;
  const sessions = new UpstreamSessions({ ...common, refreshMarginSeconds });
  const index = new GrantIndex(records.grantSlots);
  const marks = new RevocationMarks({ ...records, clock, seconds: longestGrantSeconds });
  const grants = new Grants({ ...common, index, marks, sessions });
  const life = new UpstreamLife({ upstream, sessions, grants, events });
  const recheck =
    intervalSeconds === undefined
      ? undefined
      : new UpstreamRecheck({ ...records, sessions, life, clock, intervalSeconds });
  return { revocations, sessions, index, marks, grants, life, recheck };
}
