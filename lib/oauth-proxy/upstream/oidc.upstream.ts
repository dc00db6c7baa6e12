import * as oauth from 'oauth4webapi';
import { type ConfigurationIssue, UpstreamError } from '../../common/errors.js';
import { unionScopes } from '../../common/scopes.js';
import { OutboundClient } from '../../http/outbound.js';
import type {
  Upstream,
  UpstreamAuthorization,
  UpstreamCallback,
  UpstreamGrant,
  UpstreamHost,
  UpstreamTokenSet,
} from './upstream.js';
import { UpstreamClient } from './upstream-client.js';
import { OidcDiscovery } from './oidc-discovery.js';
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
  readonly #client: UpstreamClient;
  readonly #outbound: OutboundClient;
  #discovery: OidcDiscovery | undefined;

  constructor(options: OidcUpstreamOptions) {
    this.#options = options;
    this.#outbound = new OutboundClient(options.fetch ? { fetch: options.fetch } : {});
    const fetch = this.#outbound.fetch;
    this.#client = new UpstreamClient({ ...options, fetch });
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
    this.#discovery = new OidcDiscovery(this.#options.issuer, this.#outbound, host);
  }

  async authorizationUrl(asked: UpstreamAuthorization): Promise<string> {
    const server = await this.#server();
    const scopes = unionScopes(['openid'], upstreamScopes(this.#options, asked.scopes));
    const url = new URL(
      upstreamAuthorizationUrl(server.authorization_endpoint ?? '', this.#options, asked, scopes),
    );
    url.searchParams.set('nonce', asked.nonce);
    return url.href;
  }

  async exchange(callback: UpstreamCallback): Promise<UpstreamGrant> {
    const server = await this.#server();
    const { tokens, idTokenClaims } = await this.#client.redeem(server, callback, 'openid');
    if (!idTokenClaims) throw new UpstreamError('there is no id_token', 'refused');
    return {
      tokens: toTokenSet(tokens, this.#options, callback.scopes),
      identity: {
        subject: idTokenClaims.sub,
        claims: embeddedClaims(this.#options, idTokenClaims),
      },
    };
  }

  async refresh(refreshToken: string, scopes: readonly string[]): Promise<UpstreamTokenSet> {
    const response = await this.#client.refresh(await this.#server(), refreshToken);
    return toTokenSet(response, this.#options, scopes);
  }

  async revoke(tokens: { accessToken: string; refreshToken?: string }): Promise<void> {
    const server = await this.#server();
    if (!server.revocation_endpoint) return;
    await this.#client.revoke(server, tokens.refreshToken ?? tokens.accessToken);
  }

  #server(): Promise<oauth.AuthorizationServer> {
    if (!this.#discovery) throw new UpstreamError('the upstream was not started', 'transient');
    return this.#discovery.metadata();
  }
}
