import type * as oauth from 'oauth4webapi';
import { type ConfigurationIssue, UpstreamError } from '../../common/errors.js';
import { OutboundClient } from '../../http/outbound.js';
import type { AccessToken } from '../../verifiers/access-token.js';
import type { TokenVerifier } from '../../verifiers/token-verifier.js';
import { VerifierChain } from '../../verifiers/verifier-chain.js';
import type {
  Upstream,
  UpstreamAuthorization,
  UpstreamCallback,
  UpstreamGrant,
  UpstreamHost,
  UpstreamTokenSet,
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

/** How to log people in at an OAuth 2 server without OpenID Connect. */
export interface OAuth2UpstreamOptions extends UpstreamOptions {
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  /** RFC 7009; without it a revocation ends the session here alone. */
  readonly revocationEndpoint?: string | undefined;
  /** The server's issuer identifier, if it sends `iss` in its answers: then every one must have it (RFC 9207). */
  readonly issuer?: string | undefined;
  /**
   * Says whose an access token of the upstream is. It is asked once a login; the `subject` it
   * answers becomes the subject of this server's tokens.
   */
  readonly tokenVerifier: TokenVerifier;
}

const ownOptions: readonly (keyof OAuth2UpstreamOptions)[] = [
  'authorizationEndpoint',
  'issuer',
  'revocationEndpoint',
  'tokenEndpoint',
  'tokenVerifier',
];

/** An OAuth 2 server as the upstream; the user's identity comes from its access token. */
export class OAuth2Upstream implements Upstream {
  readonly #options: OAuth2UpstreamOptions;
  readonly #client: UpstreamClient;
  readonly #server: oauth.AuthorizationServer;
  #verifiers: VerifierChain | undefined;
  #host: UpstreamHost | undefined;

  constructor(options: OAuth2UpstreamOptions) {
    this.#options = options;
    const outbound = new OutboundClient(options.fetch ? { fetch: options.fetch } : {});
    this.#client = new UpstreamClient({
      ...options,
      fetch: outbound.fetch,
    });
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
    const { authorizationEndpoint, tokenEndpoint, revocationEndpoint, tokenVerifier } =
      this.#options;
    return [
      ...upstreamUrlIssues(authorizationEndpoint, `${path}.authorizationEndpoint`, host),
      ...upstreamUrlIssues(tokenEndpoint, `${path}.tokenEndpoint`, host),
      ...(revocationEndpoint === undefined
        ? []
        : upstreamUrlIssues(revocationEndpoint, `${path}.revocationEndpoint`, host)),
      ...(typeof (tokenVerifier as TokenVerifier | undefined)?.verifyToken === 'function'
        ? []
        : [{ path: `${path}.tokenVerifier`, problem: 'is missing: it says who logged in' }]),
      ...upstreamOptionIssues(this.#options, path, ownOptions),
    ];
  }

  start(host: UpstreamHost): void {
    this.#host = host;
    this.#verifiers = new VerifierChain([this.#options.tokenVerifier], {
      resource: this.#options.tokenEndpoint,
      events: host.events,
      clock: host.clock,
      timeoutSeconds: 10,
    });
  }

  async authorizationUrl(asked: UpstreamAuthorization): Promise<string> {
    const scopes = upstreamScopes(this.#options, asked.scopes);
    return upstreamAuthorizationUrl(
      this.#options.authorizationEndpoint,
      this.#options,
      asked,
      scopes,
    );
  }

  async exchange(callback: UpstreamCallback): Promise<UpstreamGrant> {
    const parameters = new URLSearchParams(callback.parameters);
    // Without a configured issuer there is nothing to compare `iss` with.
    if (this.#options.issuer === undefined) parameters.delete('iss');
    const { tokens } = await this.#client.redeem(
      this.#server,
      { ...callback, parameters },
      'oauth',
    );
    const verified = await this.#verifyOrRevoke(tokens);
    if (verified.subject === undefined) {
      throw new UpstreamError('the token verifier names no subject', 'refused');
    }
    return {
      tokens: toTokenSet(tokens, this.#options, callback.scopes),
      identity: {
        subject: verified.subject,
        claims: embeddedClaims(this.#options, verified.claims),
      },
    };
  }

  async refresh(refreshToken: string, scopes: readonly string[]): Promise<UpstreamTokenSet> {
    const response = await this.#client.refresh(this.#server, refreshToken);
    return toTokenSet(response, this.#options, scopes);
  }

  async revoke(tokens: { accessToken: string; refreshToken?: string }): Promise<void> {
    if (!this.#options.revocationEndpoint) return;
    await this.#client.revoke(this.#server, tokens.refreshToken ?? tokens.accessToken);
  }

  /** Tokens that no login comes of are given back. */
  async #verifyOrRevoke(tokens: oauth.TokenEndpointResponse): Promise<AccessToken> {
    try {
      return await this.#verify(tokens.access_token);
    } catch (error) {
      const { access_token: accessToken, refresh_token: refreshToken } = tokens;
      await this.revoke({ accessToken, ...(refreshToken && { refreshToken }) }).catch(() => {
        // They expire by themselves; what matters is why the login failed.
      });
      throw error;
    }
  }

  async #verify(token: string): Promise<AccessToken> {
    const verdict = await this.#verifiers?.verify(token);
    switch (verdict?.outcome) {
      case 'accepted':
        return verdict.token;
      case 'rejected': {
        const reason = verdict.reasons.map((r) => r.reason).join(', ') || 'no reason given';
        // The upstream issued it a moment ago: it is the verifier's options that are wrong.
        this.#host?.events.emit('upstream.token_unverifiable', { reason });
        throw new UpstreamError(`tokenVerifier refuses the upstream's token: ${reason}`, 'refused');
      }
      case 'unavailable':
      case undefined:
        throw new UpstreamError('the upstream token could not be verified now', 'transient');
    }
  }
}
