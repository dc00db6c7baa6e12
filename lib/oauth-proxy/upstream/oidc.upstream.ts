import type * as oauth from 'oauth4webapi';
import { type ConfigurationIssue, UpstreamError } from '../../common/errors.js';
import { unionScopes } from '../../common/scopes.js';
import { OutboundClient } from '../../http/outbound.js';
import { assertSameLogin } from './id-token.js';
import { OidcDiscovery } from './oidc-discovery.js';
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
  embeddedClaims,
  toTokenSet,
  upstreamAuthorizationUrl,
  upstreamScopes,
} from './upstream-mapping.js';
import {
  upstreamOptionIssues,
  type UpstreamOptions,
  upstreamUrlIssues,
} from './upstream-options.js';

/** How to log people in at an OpenID provider that publishes a discovery document. */
export interface OidcUpstreamOptions extends UpstreamOptions {
  /** The issuer identifier as the provider writes it; behind a mere host a slash may differ. */
  readonly issuer: string;
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
  #client: UpstreamClient | undefined;
  #discovery: OidcDiscovery | undefined;

  constructor(options: OidcUpstreamOptions) {
    this.#options = options;
    this.#outbound = new OutboundClient(options.fetch ? { fetch: options.fetch } : {});
  }

  get clientSecret(): string | undefined {
    return this.#options.clientSecret;
  }

  issues(host: UpstreamHost, path: string): readonly ConfigurationIssue[] {
    return [
      ...upstreamUrlIssues(this.#options.issuer, `${path}.issuer`, host),
      ...upstreamOptionIssues(this.#options, path, ['issuer']),
    ];
  }

  start(host: UpstreamHost): void {
    this.#client = new UpstreamClient({ ...this.#options, fetch: this.#outbound.fetch });
    this.#discovery = new OidcDiscovery(this.#options.issuer, this.#outbound, host);
  }

  async authorizationUrl(asked: UpstreamAuthorization): Promise<string> {
    const { server } = await this.#started();
    const scopes = unionScopes(['openid'], upstreamScopes(this.#options, asked.scopes));
    const endpoint = server.authorization_endpoint ?? '';
    return upstreamAuthorizationUrl({ endpoint, scopes, withNonce: true }, this.#options, asked);
  }

  async exchange(callback: UpstreamCallback): Promise<UpstreamGrant> {
    const { server, client } = await this.#started();
    return client.redeem(server, callback, 'openid', ({ tokens, idTokenClaims }) => {
      if (!idTokenClaims) throw new UpstreamError('there is no id_token', 'refused');
      return {
        tokens: toTokenSet(tokens, this.#options, callback.scopes),
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
    const tokens = await client.refresh(server, refreshToken, resource);
    try {
      const { clientId } = this.#options;
      assertSameLogin(idTokenSetAside(tokens), { issuer: server.issuer, clientId, subject });
    } catch (error) {
      await client.giveBack(server, tokens);
      throw error;
    }
    return toTokenSet(tokens, this.#options, scopes);
  }

  async revoke(tokens: { accessToken: string; refreshToken?: string }): Promise<void> {
    const { server, client } = await this.#started();
    await client.revoke(server, tokens.refreshToken ?? tokens.accessToken);
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
    if (!this.#discovery || !this.#client) {
      throw new UpstreamError('the upstream was not started', 'transient');
    }
    return { server: await this.#discovery.metadata(), client: this.#client };
  }
}
