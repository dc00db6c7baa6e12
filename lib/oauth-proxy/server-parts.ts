import type { SecretRing } from '../crypto/secret-ring.js';
import type { SigningKeys } from '../crypto/signing-keys.js';
import type { KeyValueStore } from '../storage/key-value-store.js';
import type { AuthProviderHost } from '../verifiers/auth-provider.js';
import type { ClientRepository } from './clients/client.repository.js';
import type { OAuthProxyOptions } from './oauth-proxy-options.js';
import type { RecordCollections } from './record-collections.js';
import type { ScopePolicy } from './scope-policy.js';
import type { AuthorizationCodes } from './tokens/authorization-codes.js';
import type { Grants } from './tokens/grants.js';
import type { Lifetimes } from './tokens/lifetimes.js';
import type { UpstreamRevocations } from './tokens/upstream-revocations.js';
import type { UpstreamSessions } from './tokens/upstream-sessions.js';

/** What the proxy is built from. */
export interface AuthorizationServerParts {
  readonly options: OAuthProxyOptions;
  readonly host: AuthProviderHost;
  readonly scopes: ScopePolicy;
  readonly storage: KeyValueStore;
  readonly ring: SecretRing;
}

/** What the endpoints of the proxy share. */
export interface SharedParts extends AuthorizationServerParts {
  /** Who the server is; its endpoints live under `host.baseUrl`. */
  readonly issuer: string;
  readonly callbackUrl: string;
  readonly lifetimes: Lifetimes;
  readonly keys: SigningKeys;
  readonly records: RecordCollections;
  readonly clients: ClientRepository;
  readonly revocations: UpstreamRevocations;
  readonly sessions: UpstreamSessions;
  readonly grants: Grants;
  readonly codes: AuthorizationCodes;
}
