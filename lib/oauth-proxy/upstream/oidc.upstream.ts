import type * as oauth from 'oauth4webapi';
import type { Awaitable } from '../../common/awaitable.js';
import { type ConfigurationIssue, UpstreamError } from '../../common/errors.js';
import { OutboundClient } from '../../http/outbound.js';
import { assertSameLogin } from './id-token.js';
import { issuerOf, isIssuerTemplate } from './issuer-template.js';
import { OidcDiscovery } from './oidc-discovery.js';
import { endpointIssues, metadataOf, type OidcEndpoints } from './oidc-endpoints.js';
import { toExchangedToken } from './token-exchange.js';
import { idTokenSetAside } from './token-response.js';
import type {
  Upstream,
  UpstreamAuthorization,
  UpstreamCallback,
  UpstreamExchangedToken,
  UpstreamGrant,
  UpstreamHost,
  UpstreamLoginFacts,
  UpstreamTokenExchange,
  UpstreamTokenSet,
  UpstreamVerdict,
} from './upstream.js';
import { UpstreamClient } from './upstream-client.js';
import {
  assertAllowed,
  embeddedClaims,
  toTokenSet,
  upstreamAuthorizationUrl,
} from './upstream-mapping.js';
import {
  upstreamOptionIssues,
  type UpstreamOptions,
  upstreamUrlIssues,
} from './upstream-options.js';
import { UpstreamScopes } from './upstream-scopes.js';

/** How to log people in at an OpenID provider that publishes a discovery document. */
export interface OidcUpstreamOptions extends UpstreamOptions {
  /**
   * The issuer identifier as the provider writes it; behind a mere host a slash may differ. With
   * `endpoints` it may contain `{tenantid}`, which stands for the `tid` of the id_token: then the
   * users of every tenant are let in, unless `allowUser` says otherwise.
   */
  readonly issuer: string;
  /** The provider's endpoints, where they are fixed. @default what its discovery document says */
  readonly endpoints?: OidcEndpoints | undefined;
}

/**
 * An OpenID provider as the upstream: endpoints from discovery, the user's identity from the
 * validated id_token. Discovery happens at the first login, not at boot.
 *
 * @see OpenID Connect Core §3.1, OpenID Connect Discovery §4
 */
export class OidcUpstream implements Upstream {
  readonly #options: OidcUpstreamOptions;
  readonly #outbound: OutboundClient;
  readonly #scopes: UpstreamScopes;
  #client: UpstreamClient | undefined;
  #metadata: (() => Awaitable<oauth.AuthorizationServer>) | undefined;

  constructor(options: OidcUpstreamOptions) {
    this.#options = options;
    this.#outbound = new OutboundClient(options.fetch ? { fetch: options.fetch } : {});
    this.#scopes = new UpstreamScopes(options, ['openid']);
  }

  get clientSecret(): string | undefined {
    return this.#options.clientSecret;
  }

  issues(host: UpstreamHost, path: string): readonly ConfigurationIssue[] {
    return [
      ...upstreamUrlIssues(this.#options.issuer, `${path}.issuer`, host),
      ...endpointIssues(this.#options, path, host),
      ...upstreamOptionIssues(this.#options, path, ['endpoints', 'issuer']),
    ];
  }

  start(host: UpstreamHost): void {
    const { issuer, endpoints } = this.#options;
    const { fetch } = this.#outbound;
    this.#client = new UpstreamClient({ ...this.#options, fetch, scopes: this.#scopes });
    if (endpoints) {
      const fixed = metadataOf(issuer, endpoints);
      this.#metadata = () => fixed;
    } else {
      const discovery = new OidcDiscovery(issuer, this.#outbound, host);
      this.#metadata = () => discovery.metadata();
    }
  }

  async authorizationUrl(asked: UpstreamAuthorization): Promise<string> {
    const { server } = await this.#started();
    const scopes = this.#scopes.asked(asked.scopes);
    const endpoint = server.authorization_endpoint ?? '';
    return upstreamAuthorizationUrl({ endpoint, scopes, withNonce: true }, this.#options, asked);
  }

  async exchange(callback: UpstreamCallback): Promise<UpstreamGrant> {
    const { server, client } = await this.#started();
    const parameters = new URLSearchParams(callback.parameters);
    // It is not known yet whose login this is: there is nothing to compare `iss` with.
    if (isIssuerTemplate(server.issuer)) parameters.delete('iss');
    const answer = { ...callback, parameters };
    return client.redeem(server, answer, 'openid', async ({ tokens, idTokenClaims }) => {
      if (!idTokenClaims) throw new UpstreamError('there is no id_token', 'refused');
      await assertAllowed(this.#options, idTokenClaims);
      return {
        tokens: toTokenSet(tokens, this.#scopes, callback.scopes),
        identity: {
          subject: idTokenClaims.sub,
          claims: embeddedClaims(this.#options, idTokenClaims),
        },
      };
    });
  }

  async refresh(
    refreshToken: string,
    scopes: readonly string[],
    { subject, resource }: UpstreamLoginFacts,
  ): Promise<UpstreamTokenSet> {
    const { server, client } = await this.#started();
    const tokens = await client.refresh(server, refreshToken, { scopes, resource });
    try {
      const idToken = idTokenSetAside(tokens);
      const issuer = idToken === undefined ? undefined : issuerOf(server.issuer, idToken);
      assertSameLogin(idToken, { issuer, clientId: this.#options.clientId, subject });
    } catch (error) {
      await client.giveBack(server, tokens);
      throw error;
    }
    return toTokenSet(tokens, this.#scopes, scopes);
  }

  async revoke(tokens: { accessToken: string; refreshToken?: string }): Promise<void> {
    const { server, client } = await this.#started();
    await client.revoke(server, tokens);
  }

  /** Asks the userinfo endpoint, if the provider has one. */
  async check(session: { accessToken: string; subject: string }): Promise<UpstreamVerdict> {
    const { server, client } = await this.#started();
    return client.userInfoVerdict(server, session);
  }

  async exchangeToken(
    accessToken: string,
    wanted: UpstreamTokenExchange,
  ): Promise<UpstreamExchangedToken> {
    const { server, client } = await this.#started();
    return toExchangedToken(await client.exchange(server, accessToken, wanted));
  }

  async #started(): Promise<{ server: oauth.AuthorizationServer; client: UpstreamClient }> {
    if (!this.#metadata || !this.#client) {
      throw new UpstreamError('the upstream was not started', 'transient');
    }
    return { server: await this.#metadata(), client: this.#client };
  }
}
