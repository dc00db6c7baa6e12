import type { SecretRing } from '../crypto/secret-ring.js';
import type { SigningKeys } from '../crypto/signing-keys.js';
import type { Endpoint, EndpointRoute } from '../http/endpoint.js';
import type { PublicOutbound } from '../http/public-outbound.js';
import type { KeyValueStore } from '../storage/key-value-store.js';
import type { AuthProviderHost } from '../verifiers/auth-provider.js';
import type { Client } from './clients/client.js';
import type { ClientRepository } from './clients/client.repository.js';
import type { RequestLimits } from './limits/request-limits.js';
import type { LoginKind } from './login-kind.js';
import type { OAuthServerOptions } from './oauth-server-options.js';
import type { RecordCollections } from './record-collections.js';
import type { ScopePolicy } from './scope-policy.js';
import type { AuthorizationCodes } from './tokens/authorization-codes.js';
import type { Grants } from './tokens/grants.js';
import type { GrantIndex } from './tokens/grant-index.js';
import type { Lifetimes } from './tokens/lifetimes.js';
import type { LoginLife } from './tokens/login-life.js';
import type { LoginRecheck } from './tokens/login-recheck.js';
import type { RevocationMarks } from './tokens/revocation-marks.js';

/** What a server is built from. */
export interface AuthorizationServerParts {
  readonly options: OAuthServerOptions;
  readonly host: AuthProviderHost;
  readonly scopes: ScopePolicy;
  readonly storage: KeyValueStore;
  readonly ring: SecretRing;
  readonly keys: SigningKeys;
  /** Whose subjects the grants are of: another server's subject of the same name is somebody else. */
  readonly loginKind: LoginKind;
  readonly login: LoginMethod;
}

/** What is there before it matters how users log in. */
export interface StoredParts {
  readonly options: OAuthServerOptions;
  readonly host: AuthProviderHost;
  /** Who the server is; its endpoints live under `host.baseUrl`. */
  readonly issuer: string;
  readonly lifetimes: Lifetimes;
  readonly records: RecordCollections;
}

/** What keeps the grants. */
export interface GrantParts {
  readonly index: GrantIndex;
  readonly marks: RevocationMarks;
  readonly grants: Grants;
}

/** How users log in, and what becomes of their logins. */
export interface LoginParts extends GrantParts {
  readonly life: LoginLife;
  /** Absent unless logins are to be asked about between refreshes. */
  readonly recheck: LoginRecheck | undefined;
  /** The endpoints that a browser passes on the way to an authorization code. */
  endpoints(parts: SharedParts): LoginEndpoints;
  /** Waits for what still goes on after the answers were given. */
  settled(): Promise<void>;
}

/** The one thing in which servers differ: at an upstream, or in the app itself. */
export type LoginMethod = (parts: StoredParts) => LoginParts;

/** The endpoints that a person's browser passes. */
export interface LoginEndpoints {
  readonly authorize: Endpoint;
  readonly consentPage: Endpoint;
  readonly consentDecision: Endpoint;
  /** Where an upstream sends the browser back to, and its whole URL. */
  readonly callback?: { readonly url: string; readonly endpoint: Endpoint };
  /** How a person is shown what no endpoint foresaw. */
  readonly faultPage: NonNullable<EndpointRoute['faultPage']>;
}

/** What the endpoints of a server share. */
export interface SharedParts
  extends Omit<AuthorizationServerParts, 'login'>, StoredParts, GrantParts {
  readonly life: LoginLife;
  readonly clients: ClientRepository;
  /** The way to URLs that clients name. */
  readonly publicOutbound: PublicOutbound;
  /** Tells, of a client that was just found, whether tokens were given to it. */
  readonly isInUse: (client: Client) => boolean;
  readonly codes: AuthorizationCodes;
  readonly limits: RequestLimits;
}
