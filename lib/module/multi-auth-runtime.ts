import type { Clock } from '../common/clock.js';
import { describeError } from '../common/errors.js';
import type { MultiAuthEvents } from '../common/events.js';
import { EndpointDispatcher } from '../http/dispatcher.js';
import type { EndpointRoute } from '../http/endpoint.js';
import { documentRoute, ProvisionalDocument } from '../metadata/document.endpoint.js';
import {
  type ProtectedResourceMetadata,
  renderProtectedResourceMetadata,
} from '../metadata/protected-resource-metadata.js';
import {
  PROTECTED_RESOURCE,
  protectedResourceMetadataUrl,
  protectedResourcePath,
} from '../metadata/well-known-paths.js';
import { ResourceServer } from '../resource-server/resource-server.js';
import { SessionBinding } from '../resource-server/session-binding.js';
import type { ProtectedResource } from '../resources/protected-resource.js';
import { OAuthProvider } from '../verifiers/oauth-provider.js';
import { sourceNames } from '../verifiers/source-names.js';
import { tokenHeadersOf } from '../verifiers/source-properties.js';
import type { TokenVerifier } from '../verifiers/token-verifier.js';
import { VerifierChain } from '../verifiers/verifier-chain.js';
import { Health } from './health.js';
import type { ResolvedOptions } from './resolve-options.js';

/** One module's object graph: who judges requests, and what is served. */
export class MultiAuthRuntime {
  readonly resourceServer: ResourceServer;
  readonly dispatcher: EndpointDispatcher;
  readonly health: Health;
  readonly #chains: ReadonlyMap<ProtectedResource, VerifierChain>;

  private constructor(
    readonly options: ResolvedOptions,
    private readonly events: MultiAuthEvents,
    clock: Clock,
  ) {
    const { resources, sources, provider, sourceTimeoutSeconds: timeoutSeconds } = options;
    const ownIssuer =
      provider instanceof OAuthProvider
        ? { source: provider, issuers: provider.authorizationServers() }
        : undefined;
    this.#chains = new Map(
      resources.all.map((resource) => [
        resource,
        new VerifierChain(sources, {
          resource: resource.identifier,
          otherResources: resources.all.filter((r) => r !== resource).map((r) => r.identifier),
          events,
          clock,
          timeoutSeconds,
          ...(ownIssuer && { ownIssuer }),
        }),
      ]),
    );
    this.resourceServer = new ResourceServer({
      resources,
      events,
      impliedScopes: options.impliedScopes,
      tokenHeaders: tokenHeadersOf(sources),
      sessions: new SessionBinding({ events, clock }),
      chain: (resource) => this.chain(resource),
      metadataUrl: (resource) => this.#metadataUrl(resource),
      challengeScopes: challengeTranslator(options),
    });
    this.health = new Health({ provider, sourceNames: sourceNames(sources), events, clock });
    this.dispatcher = new EndpointDispatcher(this.#routes(), (endpoint, error) => {
      events.emit('endpoint.failed', { endpoint, reason: describeError(error) });
    });
  }

  /** Starts the server of the module and builds everything around it. */
  static async start(
    options: ResolvedOptions,
    events: MultiAuthEvents,
    clock: Clock,
  ): Promise<MultiAuthRuntime> {
    const { baseUrl, provider, resources, requiredScopes } = options;
    if (baseUrl !== undefined) {
      await provider?.start?.({ baseUrl, resources, requiredScopes, events, clock });
    }
    return new MultiAuthRuntime(options, events, clock);
  }

  async stop(): Promise<void> {
    try {
      await this.options.provider?.stop?.();
    } catch (error) {
      this.events.emit('endpoint.failed', { endpoint: 'shutdown', reason: describeError(error) });
    }
  }

  /** The sources that judge the tokens of a resource. */
  chain(resource: ProtectedResource): VerifierChain {
    const chain = this.#chains.get(resource);
    if (!chain) throw new Error('The resource belongs to another module.');
    return chain;
  }

  #metadataUrl(resource: ProtectedResource): string | undefined {
    return this.#issuers().length > 0
      ? protectedResourceMetadataUrl(resource.identifier)
      : undefined;
  }

  #issuers(): readonly string[] {
    return this.options.provider?.authorizationServers() ?? [];
  }

  #routes(): readonly EndpointRoute[] {
    const { provider } = this.options;
    return provider ? [...provider.routes(), ...this.#resourceDocuments()] : [];
  }

  #resourceDocuments(): readonly EndpointRoute[] {
    const authorizationServers = this.#issuers();
    if (authorizationServers.length === 0) return [];
    const documents = this.options.resources.all.map((resource) => {
      const path = protectedResourcePath(resource.identifier);
      return documentRoute(path, () => this.#resourceDocument(resource, authorizationServers));
    });
    const [only] = documents;
    // At the root there is room for one resource; with several, none of them is meant.
    return only && documents.length === 1 && only.path !== PROTECTED_RESOURCE
      ? [only, { ...only, path: PROTECTED_RESOURCE }]
      : documents;
  }

  async #resourceDocument(
    resource: ProtectedResource,
    authorizationServers: readonly string[],
  ): Promise<unknown> {
    const { provider } = this.options;
    const required =
      provider?.challengeScopes?.(resource.requiredScopes) ?? resource.requiredScopes;
    const render = (scopes: readonly string[]): ProtectedResourceMetadata =>
      renderProtectedResourceMetadata(resource, { authorizationServers, scopes });
    try {
      return render((await provider?.scopesSupported?.()) ?? required);
    } catch (error) {
      const endpoint = protectedResourcePath(resource.identifier);
      this.events.emit('endpoint.failed', { endpoint, reason: describeError(error) });
      return new ProvisionalDocument(render(required));
    }
  }
}

/** The server names the scopes clients ask for; without one, a single verifier may. */
function challengeTranslator({
  sources,
  hasServer,
}: ResolvedOptions): (scopes: readonly string[]) => readonly string[] {
  const [first] = sources;
  const translator: TokenVerifier | undefined =
    hasServer || sources.length === 1 ? first : undefined;
  return (scopes) => translator?.challengeScopes?.(scopes) ?? scopes;
}
