import { type Awaitable, isPromise } from '../common/awaitable.js';
import { ConfigurationError } from '../common/errors.js';
import { frozenCopy } from '../common/frozen-copy.js';
import { isScopeList } from '../common/option-issues.js';
import { coversScopes } from '../common/scopes.js';
import type { EndpointRoute } from '../http/endpoint.js';
import { OutboundClient } from '../http/outbound.js';
import { documentRoute } from '../metadata/document.endpoint.js';
import { authorizationServerPaths } from '../metadata/well-known-paths.js';
import type { VerifiedToken } from '../verifiers/access-token.js';
import { AuthProvider, type AuthProviderHost } from '../verifiers/auth-provider.js';
import type { TokenVerifier, VerificationContext } from '../verifiers/token-verifier.js';
import {
  remoteAuthProviderIssues,
  type RemoteAuthProviderOptions,
} from './remote-auth-provider-options.js';
import { ServerMetadata } from './server-metadata.js';

const timeoutSeconds = 5;
const maxMetadataBytes = 128 * 1024;

/**
 * The `server` of a module whose clients log in elsewhere: it verifies the tokens of other
 * authorization servers, and tells clients which those are (RFC 9728). It has no OAuth endpoints.
 *
 * @throws {ConfigurationError} naming every option that is missing or wrong.
 */
export class RemoteAuthProvider extends AuthProvider {
  override readonly name?: string;
  override readonly requiredScopes: readonly string[];
  override readonly clockToleranceSeconds?: number;
  override readonly boundToResource: boolean;
  override readonly timeoutSeconds: number | undefined;
  override readonly header: string | undefined;
  readonly #verifier: TokenVerifier;
  readonly #servers: readonly [string, ...string[]];
  readonly #options: RemoteAuthProviderOptions;
  #started: { readonly baseUrl: string; readonly metadata: ServerMetadata } | undefined;

  constructor(options: RemoteAuthProviderOptions) {
    ConfigurationError.assertNone(remoteAuthProviderIssues(options));
    super();
    const { tokenVerifier: verifier, requiredScopes, authorizationServers, name } = options;
    this.#options = { ...options, scopesSupported: frozenCopy(options.scopesSupported) };
    this.#verifier = verifier;
    this.#servers = [...authorizationServers] as [string, ...string[]];
    this.requiredScopes = frozenCopy(requiredScopes ?? verifier.requiredScopes ?? []);
    this.boundToResource = verifier.boundToResource ?? false;
    this.timeoutSeconds = verifier.timeoutSeconds;
    this.header = verifier.header;
    if (name !== undefined) this.name = name;
    if (verifier.clockToleranceSeconds !== undefined) {
      this.clockToleranceSeconds = verifier.clockToleranceSeconds;
    }
  }

  override recognizes(token: string, context: VerificationContext): boolean | undefined {
    return this.#verifier.recognizes?.(token, context);
  }

  verifyToken(token: string, context: VerificationContext): Awaitable<VerifiedToken | null> {
    const answer = this.#verifier.verifyToken(token, context);
    return isPromise(answer)
      ? answer.then((late) => this.#judged(late, context))
      : this.#judged(answer, context);
  }

  override challengeScopes(scopes: readonly string[]): readonly string[] {
    const { challengeScopes } = this.#options;
    if (challengeScopes) return challengeScopes(scopes);
    return this.#verifier.challengeScopes?.(scopes) ?? scopes;
  }

  override start({ baseUrl, clock }: AuthProviderHost): Awaitable<void> {
    const { fetch } = this.#options;
    const outbound = new OutboundClient({
      timeoutSeconds,
      maxBytes: maxMetadataBytes,
      ...(fetch && { fetch }),
    });
    const parts = { outbound, clock, issuers: this.metadataIssuers() };
    this.#started = { baseUrl, metadata: new ServerMetadata(this.#servers[0], parts) };
  }

  override stop(): Awaitable<void> {
    this.#started?.metadata.close();
  }

  override routes(): readonly EndpointRoute[] {
    const { forwardMetadata = false } = this.#options;
    const [path = ''] = this.#started ? authorizationServerPaths(this.#started.baseUrl) : [];
    return forwardMetadata ? [documentRoute(path, () => this.#started?.metadata.document())] : [];
  }

  override authorizationServers(): readonly string[] {
    return this.#servers;
  }

  override scopesSupported(): Awaitable<readonly string[] | undefined> {
    const { scopesSupported, discoverScopes = false } = this.#options;
    return scopesSupported ?? (discoverScopes ? this.#discoveredScopes() : undefined);
  }

  /** What the `issuer` of the first server's metadata may be. Default: its identifier. */
  protected metadataIssuers(): readonly string[] {
    return [this.#servers[0]];
  }

  // A server's list is answered with 403; that of the verifier in it is a verdict on the token.
  #judged(answer: VerifiedToken | null, context: VerificationContext): VerifiedToken | null {
    const { requiredScopes = [] } = this.#verifier;
    const isShort = answer !== null && !coversScopes(answer.scopes, requiredScopes);
    return isShort ? context.reject('insufficient_scope') : answer;
  }

  async #discoveredScopes(): Promise<readonly string[] | undefined> {
    const scopes = (await this.#started?.metadata.document())?.['scopes_supported'];
    return isScopeList(scopes) ? scopes : undefined;
  }
}
