import type { Awaitable } from '../common/awaitable.js';
import type { Clock } from '../common/clock.js';
import type { MultiAuthEvents } from '../common/events.js';
import type { EndpointRoute } from '../http/endpoint.js';
import type { ResourceRegistry } from '../resources/resource-registry.js';
import type { VerifiedToken } from './access-token.js';
import type { TokenVerifier, VerificationContext } from './token-verifier.js';

/** What the module hands to its server when the app starts. */
export interface AuthProviderHost {
  /** The public URL under which the server's endpoints live, without a trailing slash. */
  readonly baseUrl: string;
  readonly resources: ResourceRegistry;
  /** The scopes every request needs: the default of what clients are granted. */
  readonly requiredScopes: readonly string[];
  readonly events: MultiAuthEvents;
  readonly clock: Clock;
}

/**
 * A source that may also own OAuth routes and metadata: the `server` of a module.
 *
 * `start` is called once, before any other method; `stop` when the app closes.
 */
export abstract class AuthProvider implements TokenVerifier {
  readonly name?: string;
  readonly requiredScopes?: readonly string[];
  readonly clockToleranceSeconds?: number;
  readonly boundToResource?: boolean;
  readonly timeoutSeconds?: number | undefined;
  readonly header?: string | undefined;

  abstract verifyToken(
    token: string,
    context: VerificationContext,
  ): Awaitable<VerifiedToken | null>;

  recognizes?(token: string, context: VerificationContext): boolean | undefined;

  challengeScopes?(scopes: readonly string[]): readonly string[];

  /** Prepares the provider. Throws a `ConfigurationError` when it cannot work. */
  start?(host: AuthProviderHost): Awaitable<void>;

  /** Frees what `start` took. */
  stop?(): Awaitable<void>;

  /** Rejects when the provider cannot work now, as when its store is down; it answers in seconds. */
  checkHealth?(): Promise<void>;

  /** The paths the provider serves beside the protected-resource documents. Default: none. */
  routes(): readonly EndpointRoute[] {
    return [];
  }

  /** The issuers that protected-resource documents name (RFC 9728 §2). Default: none. */
  authorizationServers(): readonly string[] {
    return [];
  }

  /**
   * The scopes that protected-resource documents advertise. Asked at each request for one; when it
   * throws, the document goes without and may not be kept.
   * Default, also when it answers undefined: the scopes that the resource requires.
   */
  scopesSupported?(): Awaitable<readonly string[] | undefined>;
}
