import { ConfigurationError } from '../common/errors.js';
import { frozenOptions } from '../common/frozen-copy.js';
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
import { assertOAuthProxyOptions } from './oauth-proxy-option-issues.js';
import type { OAuthProxyOptions } from './oauth-proxy-options.js';
import { type ScopePolicy, scopePolicy } from './scope-policy.js';
import { ServerKeys } from './server-keys.js';
import type { UpstreamTokens } from './tokens/upstream-tokens.js';

/**
 * An authorization server for MCP clients in front of an identity provider that knows this app as
 * its one client. Clients register themselves, users agree on a page of this server and log in at
 * the provider, and clients get tokens of this server's own: the provider's never leave it.
 *
 * One instance serves one module.
 *
 * @see RFC 6749, RFC 7591, RFC 7636, RFC 8414, RFC 9068, RFC 9207
 */
export class OAuthProxy extends OAuthProvider {
  override readonly name = 'OAuthProxy';
  override readonly requiredScopes?: readonly string[];
  // Private for good: a console.log of the module's options must not show a secret.
  readonly #options: OAuthProxyOptions;
  #server: AuthorizationServer | undefined;
  #isTaken = false;
  #storage: TimeLimitedStore | undefined;
  #scopes: ScopePolicy | undefined;
  #keys: ServerKeys | undefined;

  constructor(options: OAuthProxyOptions) {
    super();
    this.#options = frozenOptions(options);
    if (options.requiredScopes) this.requiredScopes = options.requiredScopes;
  }

  /** @throws ConfigurationError when an option is wrong or the instance already serves a module. */
  override async start(host: AuthProviderHost): Promise<void> {
    if (this.#isTaken) {
      const problem = 'already serves another module; make a new OAuthProxy for each';
      throw new ConfigurationError([{ path: 'server', problem }]);
    }
    assertOAuthProxyOptions(this.#options, host);
    // Before anything is awaited: the modules of an app start side by side.
    this.#isTaken = true;
    this.#scopes = this.#policy(host);
    const { storage = new LmdbStore(), storageTimeoutSeconds = 5 } = this.#options;
    this.#storage = new TimeLimitedStore(storage, storageTimeoutSeconds);
    // The embedded store opens when first used: a folder that cannot be written must stop the boot.
    if (storage instanceof LmdbStore) await storage.get('boot');
    this.#warn(host, storage);
    this.#options.upstream.start(host);
    const secrets = await this.#secrets(host, storage);
    this.#keys = await ServerKeys.load(this.#options, secrets, host);
    this.#server = new AuthorizationServer({
      options: this.#options,
      host,
      scopes: this.#scopes,
      storage: this.#storage,
      ring: this.#keys.ring,
      keys: this.#keys.signing,
    });
    await this.#server.markConfiguration();
  }

  override async stop(): Promise<void> {
    this.#keys?.stop();
    await this.#server?.settled();
    await this.#storage?.close();
    this.#isTaken = false;
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

  /** The upstream's tokens behind the ones of this server. */
  get upstreamTokens(): UpstreamTokens {
    return this.#started().upstreamTokens;
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

  #warn({ events, baseUrl }: AuthProviderHost, storage: KeyValueStore): void {
    for (const warning of configurationWarnings(this.#options, storage, baseUrl)) {
      events.emit('configuration.warning', warning);
    }
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
    if (!this.#server) throw new Error('OAuthProxy is used before its module started it.');
    return this.#server;
  }
}
