import { ConfigurationError } from '../common/errors.js';
import { unionScopes } from '../common/scopes.js';
import type { KeyListSource } from '../crypto/key-list.js';
import type { EndpointRoute } from '../http/endpoint.js';
import { isLoopbackHost } from '../http/loopback.js';
import type { KeyValueStore } from '../storage/key-value-store.js';
import { LmdbStore } from '../storage/lmdb.store.js';
import { TimeLimitedStore } from '../storage/time-limited.store.js';
import type { AuthProviderHost } from '../verifiers/auth-provider.js';
import {
  type GrantSummary,
  OAuthProvider,
  type RevocationTarget,
} from '../verifiers/oauth-provider.js';
import type { VerifiedToken } from '../verifiers/access-token.js';
import type { VerificationContext } from '../verifiers/token-verifier.js';
import { AuthorizationServer } from './authorization-server.js';
import { configurationWarnings } from './configuration-warnings.js';
import type { OAuthServerOptions } from './oauth-server-options.js';
import { type ScopePolicy, scopePolicy } from './scope-policy.js';
import { ServerKeys } from './server-keys.js';
import type { LoginKind } from './login-kind.js';
import type { LoginMethod } from './server-parts.js';

/**
 * What every authorization server of this library does from its start to its end, whichever way its
 * users log in. One instance serves one module.
 */
export abstract class OAuthServer extends OAuthProvider {
  override readonly requiredScopes?: readonly string[];
  // Private for good: a console.log of the module's options must not show a secret.
  readonly #options: OAuthServerOptions;
  #server: AuthorizationServer | undefined;
  #isTaken = false;
  #storage: TimeLimitedStore | undefined;
  #scopes: ScopePolicy | undefined;
  #keys: ServerKeys | undefined;

  constructor(options: OAuthServerOptions) {
    super();
    this.#options = options;
    if (options.requiredScopes) this.requiredScopes = options.requiredScopes;
  }

  /** Names the kind of server in events and errors. */
  abstract override readonly name: string;

  /** @throws ConfigurationError with everything that is wrong with the options. */
  protected abstract assertOptions(host: AuthProviderHost): void;

  /** Starts what the server logs users in with, before there are keys. */
  protected abstract begin(host: AuthProviderHost): void;

  protected abstract readonly loginKind: LoginKind;

  /** How users log in. */
  protected abstract readonly login: LoginMethod;

  /** @throws ConfigurationError when an option is wrong or the instance already serves a module. */
  override async start(host: AuthProviderHost): Promise<void> {
    if (this.#isTaken) {
      const problem = `already serves another module; make a new ${this.name} for each`;
      throw new ConfigurationError([{ path: 'server', problem }]);
    }
    this.assertOptions(host);
    // Before anything is awaited: the modules of an app start side by side.
    this.#isTaken = true;
    this.#scopes = this.#policy(host);
    const { storage = new LmdbStore(), storageTimeoutSeconds = 5 } = this.#options;
    this.#storage = new TimeLimitedStore(storage, storageTimeoutSeconds);
    this.#warn(host, storage, (await storage.check?.()) ?? []);
    this.begin(host);
    const secrets = await this.#secrets(host, storage);
    this.#keys = await ServerKeys.load(this.#options, secrets, host);
    this.#server = new AuthorizationServer({
      options: this.#options,
      host,
      scopes: this.#scopes,
      storage: this.#storage,
      ring: this.#keys.ring,
      keys: this.#keys.signing,
      loginKind: this.loginKind,
      login: this.login,
    });
    await this.#server.announce();
  }

  override async stop(): Promise<void> {
    this.#keys?.stop();
    await this.#server?.settled();
    await this.#storage?.close();
    this.#isTaken = false;
  }

  override checkHealth(): Promise<void> {
    return this.#started().checkStore();
  }

  override routes(): readonly EndpointRoute[] {
    return this.#started().routes();
  }

  override authorizationServers(): readonly string[] {
    return [this.#started().issuer];
  }

  override scopesSupported(): readonly string[] {
    return this.#scopes?.supported ?? [];
  }

  override recognizes(_token: string, context: VerificationContext): boolean {
    return this.#started().ownTokens.recognizes(context);
  }

  verifyToken(token: string, context: VerificationContext): Promise<VerifiedToken | null> {
    return this.#started().ownTokens.verifyToken(token, context);
  }

  grantsOf(subject: string): Promise<readonly GrantSummary[]> {
    return this.#started().administration.grantsOf(subject);
  }

  revokeAll(target: RevocationTarget): Promise<void> {
    return this.#started().administration.revokeAll(target);
  }

  revokeGrant(grantId: string): Promise<boolean> {
    return this.#started().administration.revokeGrant(grantId);
  }

  override async reloadKeys(): Promise<void> {
    await this.#keys?.reload();
  }

  #warn(host: AuthProviderHost, storage: KeyValueStore, doubts: readonly string[]): void {
    const warnings = [
      ...configurationWarnings(this.#options, storage, host.baseUrl),
      ...doubts.map((warning) => ({ option: 'server.storage', warning })),
    ];
    for (const warning of warnings) host.events.emit('configuration.warning', warning);
  }

  #policy(host: AuthProviderHost): ScopePolicy {
    const required = unionScopes(host.requiredScopes, this.requiredScopes ?? []);
    const defaults = this.#options.defaultScopes ?? required;
    const supported = this.#options.validScopes ?? [];
    const demanded = host.resources.all.flatMap((r) => r.requiredScopes);
    return scopePolicy(unionScopes(supported, defaults, required, demanded), defaults);
  }

  async #secrets(host: AuthProviderHost, storage: KeyValueStore): Promise<KeyListSource<string>> {
    if (this.#options.secrets) return this.#options.secrets;
    // A made-up secret would log everyone out when it is lost: good for a developer's machine only.
    const local = isLoopbackHost(new URL(host.baseUrl).hostname);
    const made = local ? await storage.developmentSecret?.() : undefined;
    if (made !== undefined) return [made];
    const problem = 'is missing: give at least one secret of 32 random bytes';
    throw new ConfigurationError([{ path: 'server.secrets', problem }]);
  }

  #started(): AuthorizationServer {
    if (!this.#server) throw new Error(`${this.name} is used before its module started it.`);
    return this.#server;
  }
}
