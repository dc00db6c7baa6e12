import type { SecretRing } from '../crypto/secret-ring.js';
import type { SigningKeys } from '../crypto/signing-keys.js';
import type { PublicOutbound } from '../http/public-outbound.js';
import type { KeyValueStore } from '../storage/key-value-store.js';
import type { AuthProviderHost } from '../verifiers/auth-provider.js';
import type { Client } from './clients/client.js';
import type { ClientRepository } from './clients/client.repository.js';
import type { RequestLimits } from './limits/request-limits.js';
import type { OAuthProxyOptions } from './oauth-proxy-options.js';
import type { RecordCollections } from './record-collections.js';
import type { ScopePolicy } from './scope-policy.js';
import type { AuthorizationCodes } from './tokens/authorization-codes.js';
import type { Grants } from './tokens/grants.js';
import type { GrantIndex } from './tokens/grant-index.js';
import type { Lifetimes } from './tokens/lifetimes.js';
import type { RevocationMarks } from './tokens/revocation-marks.js';
import type { UpstreamLife } from './tokens/upstream-life.js';
import type { UpstreamRecheck } from './tokens/upstream-recheck.js';
import type { UpstreamRevocations } from './tokens/upstream-revocations.js';
import type { UpstreamSessions } from './tokens/upstream-sessions.js';

/** What the proxy is built from. */
export interface AuthorizationServerParts {
  readonly options: OAuthProxyOptions;
  readonly host: AuthProviderHost;
  readonly scopes: ScopePolicy;
  readonly storage: KeyValueStore;
  readonly ring: SecretRing;
  readonly keys: SigningKeys;
}

/** What keeps the grants and their logins at the upstream. */
export interface GrantParts {
  readonly revocations: UpstreamRevocations;
  readonly sessions: UpstreamSessions;
  readonly life: UpstreamLife;
  /** Absent unless `upstreamRecheckSeconds` is given. */
  readonly recheck: UpstreamRecheck | undefined;
  readonly index: GrantIndex;
  readonly marks: RevocationMarks;
  readonly grants: Grants;
}

/** What the endpoints of the proxy share. */
export interface SharedParts extends AuthorizationServerParts, GrantParts {
  /** Who the server is; its endpoints live under `host.baseUrl`. */
  readonly issuer: string;
  readonly callbackUrl: string;
  readonly lifetimes: Lifetimes;
  readonly records: RecordCollections;
  readonly clients: ClientRepository;
  /** The way to URLs that clients name. */
  readonly publicOutbound: PublicOutbound;
  /** Tells, of a client that was just found, whether tokens were given to it. */
  readonly isInUse: (client: Client) => boolean;
  readonly codes: AuthorizationCodes;
  readonly limits: RequestLimits;
}
