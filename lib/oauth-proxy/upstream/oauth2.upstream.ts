import type * as oauth from 'oauth4webapi';
import type { Awaitable } from '../../common/awaitable.js';
import { type ConfigurationIssue, UpstreamError } from '../../common/errors.js';
import { OutboundClient } from '../../http/outbound.js';
import type { TokenVerifier } from '../../verifiers/token-verifier.js';
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
import { type TokenToVerify, UpstreamIdentification } from './upstream-identification.js';
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

/** How to log people in at an OAuth 2 server without a discovery document. */
export interface OAuth2UpstreamOptions extends UpstreamOptions {
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  /** RFC 7009; without it a revocation ends the session here alone. */
  readonly revocationEndpoint?: string | undefined;
  /** Ends tokens at a server that has another way for it than RFC 7009. */
  readonly revokeTokens?:
    | ((tokens: {
        accessToken?: string | undefined;
        refreshToken?: string | undefined;
      }) => Awaitable<void>)
    | undefined;
  /** The server's issuer identifier, if it sends `iss` in its answers: then every one must have it (RFC 9207). */
  readonly issuer?: string | undefined;
  /**
   * Says whose a token of the upstream is. It is asked once a login, and at every re-check; the
   * `subject` it answers becomes the subject of this server's tokens. Or a function that makes it
   * at the start.
   */
  readonly tokenVerifier: TokenVerifier | ((host: UpstreamHost) => TokenVerifier);
  /**
   * Which token the verifier gets. `id_token` serves providers whose access tokens cannot be
   * verified: ask for the scope `openid`, and give a `JwtVerifier` whose audience is the `clientId`.
   * @default 'access_token'
   */
  readonly tokenToVerify?: TokenToVerify | undefined;
}

const ownOptions: readonly (keyof OAuth2UpstreamOptions)[] = [
  'authorizationEndpoint',
  'issuer',
  'revocationEndpoint',
  'revokeTokens',
  'tokenEndpoint',
  'tokenToVerify',
  'tokenVerifier',
];

/** An OAuth 2 server as the upstream; a verifier says whose its tokens are. */
export class OAuth2Upstream implements Upstream {
  readonly #options: OAuth2UpstreamOptions;
  readonly #server: oauth.AuthorizationServer;
  readonly #scopes: UpstreamScopes;
  #client: UpstreamClient | undefined;
  #identification: UpstreamIdentification | undefined;

  constructor(options: OAuth2UpstreamOptions) {
    this.#options = options;
    this.#scopes = new UpstreamScopes(options);
    this.#server = {
      issuer: options.issuer ?? options.tokenEndpoint,
      token_endpoint: options.tokenEndpoint,
      ...(options.revocationEndpoint && { revocation_endpoint: options.revocationEndpoint }),
      ...(options.issuer && { authorization_response_iss_parameter_supported: true }),
    };
  }

  get clientSecret(): string | undefined {
    return this.#options.clientSecret;
  }

  issues(host: UpstreamHost, path: string): readonly ConfigurationIssue[] {
    const { authorizationEndpoint, tokenEndpoint, revocationEndpoint } = this.#options;
    return [
      ...upstreamUrlIssues(authorizationEndpoint, `${path}.authorizationEndpoint`, host),
      ...upstreamUrlIssues(tokenEndpoint, `${path}.tokenEndpoint`, host),
      ...(revocationEndpoint === undefined
        ? []
        : upstreamUrlIssues(revocationEndpoint, `${path}.revocationEndpoint`, host)),
      ...revocationIssues(this.#options, path),
      ...UpstreamIdentification.issues(this.#options, path),
      ...upstreamOptionIssues(this.#options, path, ownOptions),
    ];
  }

  start(host: UpstreamHost): void {
    const options = this.#options;
    const outbound = new OutboundClient(options.fetch ? { fetch: options.fetch } : {});
    this.#client = new UpstreamClient({ ...options, fetch: outbound.fetch, scopes: this.#scopes });
    this.#identification = new UpstreamIdentification(options, host);
    if (options.forwardPkce === false && options.tokenToVerify !== 'id_token') {
      const warning = 'without PKCE or an id_token, a stolen upstream code may pass for a login';
      host.events.emit('configuration.warning', { option: 'server.upstream.forwardPkce', warning });
    }
  }

  async authorizationUrl(asked: UpstreamAuthorization): Promise<string> {
    const { authorizationEndpoint: endpoint, tokenToVerify } = this.#options;
    const scopes = this.#scopes.asked(asked.scopes);
    const withNonce = tokenToVerify === 'id_token';
    return upstreamAuthorizationUrl({ endpoint, scopes, withNonce }, this.#options, asked);
  }

  async exchange(callback: UpstreamCallback): Promise<UpstreamGrant> {
    const { client, identification } = this.#started();
    const parameters = new URLSearchParams(callback.parameters);
    // Without a configured issuer there is nothing to compare `iss` with.
    if (this.#options.issuer === undefined) parameters.delete('iss');
    const answer = { ...callback, parameters };
    return client.redeem(this.#server, answer, 'oauth', async ({ tokens }) => {
      const idToken = idTokenSetAside(tokens);
      const { subject, claims } = await identification.ofLogin(tokens, idToken, callback.nonce);
      await assertAllowed(this.#options, claims);
      return {
        tokens: toTokenSet(tokens, this.#scopes, callback.scopes),
        identity: { subject, claims: embeddedClaims(this.#options, claims) },
      };
    });
  }

  async refresh(
    refreshToken: string,
    scopes: readonly string[],
    { subject, resource }: UpstreamLoginFacts,
  ): Promise<UpstreamTokenSet> {
    const { client, identification } = this.#started();
    const tokens = await client.refresh(this.#server, refreshToken, { scopes, resource });
    try {
      await identification.assertSame(idTokenSetAside(tokens), subject);
    } catch (error) {
      await client.giveBack(this.#server, tokens);
      throw error;
    }
    return toTokenSet(tokens, this.#scopes, scopes);
  }

  async revoke(tokens: { accessToken: string; refreshToken?: string }): Promise<void> {
    await this.#started().client.revoke(this.#server, tokens);
  }

  /** Asks the token verifier, where that is one for access tokens. */
  async check({ accessToken, subject }: SessionToCheck): Promise<UpstreamVerdict> {
    return this.#started().identification.verdict(accessToken, subject);
  }

  async exchangeToken(
    accessToken: string,
    wanted: UpstreamTokenExchange,
  ): Promise<UpstreamExchangedToken> {
    const { client } = this.#started();
    return toExchangedToken(await client.exchange(this.#server, accessToken, wanted));
  }

  #started(): { client: UpstreamClient; identification: UpstreamIdentification } {
    if (!this.#client || !this.#identification) {
      throw new UpstreamError('the upstream was not started', 'transient');
    }
    return { client: this.#client, identification: this.#identification };
  }
}

function revocationIssues(
  { revocationEndpoint, revokeTokens }: OAuth2UpstreamOptions,
  path: string,
): ConfigurationIssue[] {
  if (revokeTokens === undefined) return [];
  const add = (problem: string) => [{ path: `${path}.revokeTokens`, problem }];
  if (typeof revokeTokens !== 'function') return add('must be a function');
  return revocationEndpoint === undefined ? [] : add('stands beside a revocationEndpoint');
}

interface SessionToCheck {
  readonly accessToken: string;
  readonly subject: string;
}
