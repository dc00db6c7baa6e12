import * as oauth from 'oauth4webapi';
import { UpstreamError } from '../../common/errors.js';
import type { UpstreamCallback } from './upstream.js';
import { assertIdTokenFits } from './id-token.js';
import { type IdTokenUse, normalizedTokenResponse } from './token-response.js';
import { loginFailure, refreshFailure } from './upstream-failure.js';

/** How the app authenticates at the upstream's token endpoint. */
export type UpstreamClientAuthentication = 'client_secret_basic' | 'client_secret_post' | 'none';

export interface UpstreamClientOptions {
  readonly clientId: string;
  readonly clientSecret?: string | undefined;
  readonly clientAuthentication?: UpstreamClientAuthentication | undefined;
  readonly extraTokenParams?: Readonly<Record<string, string>> | undefined;
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>;
}

/** A token response, and the id_token claims when it was asked to validate them. */
export interface UpstreamTokenResponse {
  readonly tokens: oauth.TokenEndpointResponse;
  readonly idTokenClaims?: oauth.IDToken | undefined;
}

/** The app as a client of the upstream: the requests of OAuth 2.1 and OpenID Connect. */
export class UpstreamClient {
  readonly #client: oauth.Client;
  readonly #authentication: oauth.ClientAuth;
  readonly #jwksCache: oauth.JWKSCacheInput = {};

  readonly #fetch: UpstreamClientOptions['fetch'];
  readonly #extraTokenParams: Readonly<Record<string, string>>;

  constructor(options: UpstreamClientOptions) {
    this.#fetch = options.fetch;
    this.#extraTokenParams = options.extraTokenParams ?? {};
    this.#client = { client_id: options.clientId };
    this.#authentication = clientAuthentication(options);
  }

  /**
   * Validates the callback and redeems its code. With `openid`, the id_token must be there, be
   * signed by the issuer's keys and carry the nonce.
   *
   * @throws UpstreamError
   * @see RFC 9207 §2.4, OpenID Connect Core §3.1.3.7
   */
  async redeem(
    server: oauth.AuthorizationServer,
    callback: UpstreamCallback,
    mode: 'oauth' | 'openid',
  ): Promise<UpstreamTokenResponse> {
    try {
      const parameters = oauth.validateAuthResponse(
        server,
        this.#client,
        callback.parameters,
        callback.state,
      );
      if (!parameters.get('code')) throw new UpstreamError('the callback has no code', 'refused');
      const response = await oauth.authorizationCodeGrantRequest(
        server,
        this.#client,
        this.#authentication,
        parameters,
        callback.redirectUri,
        callback.codeVerifier,
        this.#tokenRequest(mode === 'openid' ? 'validate' : 'ignore'),
      );
      return await this.#processCode(server, response, callback, mode);
    } catch (error) {
      throw loginFailure(error);
    }
  }

  /** @throws UpstreamError `refused` when the upstream ended the session. */
  async refresh(
    server: oauth.AuthorizationServer,
    refreshToken: string,
  ): Promise<oauth.TokenEndpointResponse> {
    try {
      const response = await oauth.refreshTokenGrantRequest(
        server,
        this.#client,
        this.#authentication,
        refreshToken,
        this.#tokenRequest('ignore'),
      );
      return await oauth.processRefreshTokenResponse(server, this.#client, response);
    } catch (error) {
      throw refreshFailure(error);
    }
  }

  /** @throws UpstreamError @see RFC 7009 */
  async revoke(server: oauth.AuthorizationServer, token: string): Promise<void> {
    try {
      const response = await oauth.revocationRequest(
        server,
        this.#client,
        this.#authentication,
        token,
        this.#transport(),
      );
      await oauth.processRevocationResponse(response);
    } catch (error) {
      throw refreshFailure(error);
    }
  }

  async #processCode(
    server: oauth.AuthorizationServer,
    response: Response,
    callback: UpstreamCallback,
    mode: 'oauth' | 'openid',
  ): Promise<UpstreamTokenResponse> {
    if (mode === 'oauth') {
      return { tokens: await oauth.processRefreshTokenResponse(server, this.#client, response) };
    }
    const tokens = await oauth.processAuthorizationCodeResponse(server, this.#client, response, {
      expectedNonce: callback.nonce,
      requireIdToken: true,
    });
    // TLS alone would do for OpenID Connect Core §3.1.3.7 (6); a signature is worth more.
    await oauth.validateApplicationLevelSignature(server, response, {
      ...this.#transport(),
      [oauth.jwksCache]: this.#jwksCache,
    });
    const idTokenClaims = oauth.getValidatedIdTokenClaims(tokens);
    if (!idTokenClaims) throw new UpstreamError('there is no id_token', 'refused');
    assertIdTokenFits(tokens, idTokenClaims, this.#client.client_id);
    return { tokens, idTokenClaims };
  }

  #tokenRequest(idToken: IdTokenUse): oauth.TokenEndpointRequestOptions {
    return {
      ...this.#transport(),
      [oauth.customFetch]: async (url: string, init?: unknown) =>
        normalizedTokenResponse(await this.#fetch(url, init as RequestInit), idToken),
      additionalParameters: { ...this.#extraTokenParams },
    };
  }

  #transport() {
    return {
      [oauth.customFetch]: (url: string, init?: unknown) => this.#fetch(url, init as RequestInit),
      // Which addresses may be plain http (loopback, and no other) is the transport's law.
      [oauth.allowInsecureRequests]: true,
    };
  }
}

function clientAuthentication(options: UpstreamClientOptions): oauth.ClientAuth {
  const { clientSecret } = options;
  if (clientSecret === undefined) return oauth.None();
  switch (options.clientAuthentication ?? 'client_secret_basic') {
    case 'client_secret_basic':
      return oauth.ClientSecretBasic(clientSecret);
    case 'client_secret_post':
      return oauth.ClientSecretPost(clientSecret);
    case 'none':
      return oauth.None();
  }
}
