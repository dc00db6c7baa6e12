import * as oauth from 'oauth4webapi';
import type { Awaitable } from '../../common/awaitable.js';
import { UpstreamError } from '../../common/errors.js';
import {
  clientAuthentication,
  type AppCredentials,
} from '../../verifiers/client-authentication.js';
import { assertIdTokenFits } from './id-token.js';
import { atNamedServer, issuerOfAnswer } from './issuer-template.js';
import { exchangeParameters, tokenExchange } from './token-exchange.js';
import {
  bodyOf,
  type IdTokenUse,
  normalizedTokenResponse,
  type RevocableTokens,
  revocableTokens,
} from './token-response.js';
import type { UpstreamCallback, UpstreamTokenExchange, UpstreamVerdict } from './upstream.js';
import { exchangeFailure, loginFailure, refreshFailure } from './upstream-failure.js';
import { forwardedResource } from './upstream-mapping.js';
import type { UpstreamScopes } from './upstream-scopes.js';
import { userInfoVerdict } from './user-info.js';

export interface UpstreamClientOptions extends AppCredentials {
  readonly extraTokenParams?: Readonly<Record<string, string>> | undefined;
  readonly forwardPkce?: boolean | undefined;
  readonly forwardResource?: boolean | undefined;
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>;
  readonly scopes: UpstreamScopes;
  readonly revokeTokens?: ((tokens: RevocableTokens) => Awaitable<void>) | undefined;
}

/** What a login is for: the scopes of this server, and the resource. */
export interface LoginPurpose {
  readonly scopes: readonly string[];
  readonly resource?: string | undefined;
}

/** A token response, and the id_token claims when it was asked to validate them. */
export interface UpstreamTokenResponse {
  readonly tokens: oauth.TokenEndpointResponse;
  readonly idTokenClaims?: oauth.IDToken | undefined;
}

type AcceptTokens<T> = (answer: UpstreamTokenResponse) => Awaitable<T>;

/** The app as a client of the upstream: the requests of OAuth 2.1 and OpenID Connect. */
export class UpstreamClient {
  readonly #options: UpstreamClientOptions;
  readonly #client: oauth.Client;
  readonly #authentication: oauth.ClientAuth;
  readonly #jwksCache: oauth.JWKSCacheInput = {};

  constructor(options: UpstreamClientOptions) {
    this.#options = options;
    this.#client = { client_id: options.clientId };
    this.#authentication = atNamedServer(clientAuthentication(options));
  }

  /**
   * Validates the callback and redeems its code. With `openid`, the id_token must be there, be
   * signed by the issuer's keys and carry the nonce; with `oauth` it is set aside. Tokens that are
   * then not accepted are given back to the upstream.
   *
   * @throws UpstreamError
   * @see RFC 9207 §2.4, OpenID Connect Core §3.1.3.7
   */
  async redeem<T>(
    server: oauth.AuthorizationServer,
    callback: UpstreamCallback,
    mode: 'oauth' | 'openid',
    accept: AcceptTokens<T>,
  ): Promise<T> {
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
        this.#options.forwardPkce === false ? oauth.nopkce : callback.codeVerifier,
        this.#tokenRequest(mode === 'openid' ? 'validate' : 'set aside', callback),
      );
      return await this.#acceptOrGiveBack(server, response, accept, () =>
        mode === 'openid'
          ? this.#processOpenId(server, response, callback)
          : this.#processPlain(server, response),
      );
    } catch (error) {
      throw loginFailure(error);
    }
  }

  /**
   * Gets new tokens; an id_token among them is set aside.
   * @throws UpstreamError `refused` when the upstream ended the session.
   */
  async refresh(
    server: oauth.AuthorizationServer,
    refreshToken: string,
    purpose: LoginPurpose,
  ): Promise<oauth.TokenEndpointResponse> {
    try {
      const response = await oauth.refreshTokenGrantRequest(
        server,
        this.#client,
        this.#authentication,
        refreshToken,
        this.#tokenRequest('set aside', purpose),
      );
      return await oauth.processRefreshTokenResponse(server, this.#client, response);
    } catch (error) {
      throw refreshFailure(error);
    }
  }

  /** @throws UpstreamError @see RFC 8693 */
  async exchange(
    server: oauth.AuthorizationServer,
    subjectToken: string,
    wanted: UpstreamTokenExchange,
  ): Promise<oauth.TokenEndpointResponse> {
    try {
      const response = await oauth.genericTokenEndpointRequest(
        server,
        this.#client,
        this.#authentication,
        tokenExchange,
        { ...this.#options.extraTokenParams, ...exchangeParameters(subjectToken, wanted) },
        this.#tokenRequest('ignore'),
      );
      return await oauth.processGenericTokenEndpointResponse(server, this.#client, response, {
        // RFC 8693 §2.2.1: `N_A`, for what is no access token.
        recognizedTokenTypes: { n_a: () => {} },
      });
    } catch (error) {
      throw exchangeFailure(error);
    }
  }

  /** Does nothing when the upstream has no endpoint for it. @throws UpstreamError @see RFC 7009 */
  async revoke(server: oauth.AuthorizationServer, tokens: RevocableTokens): Promise<void> {
    const token = tokens.refreshToken ?? tokens.accessToken;
    if (token === undefined) return;
    try {
      if (this.#options.revokeTokens) return await this.#options.revokeTokens(tokens);
      if (server.revocation_endpoint === undefined) return;
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

  /** @throws UpstreamError `refused` when the userinfo endpoint speaks of another user. */
  userInfoVerdict(
    server: oauth.AuthorizationServer,
    session: { accessToken: string; subject: string },
  ): Promise<UpstreamVerdict> {
    return userInfoVerdict(server, this.#client, session, this.#transport());
  }

  /** Revokes tokens that are not kept. It may fail: they expire by themselves. */
  async giveBack(server: oauth.AuthorizationServer, tokens: object): Promise<void> {
    await this.revoke(server, revocableTokens(tokens)).catch(() => {});
  }

  async #acceptOrGiveBack<T>(
    server: oauth.AuthorizationServer,
    response: Response,
    accept: AcceptTokens<T>,
    process: () => Promise<UpstreamTokenResponse>,
  ): Promise<T> {
    const copy = response.clone();
    try {
      return await accept(await process());
    } catch (error) {
      await this.giveBack(server, await bodyOf(copy));
      throw error;
    }
  }

  async #processPlain(
    server: oauth.AuthorizationServer,
    response: Response,
  ): Promise<UpstreamTokenResponse> {
    return { tokens: await oauth.processRefreshTokenResponse(server, this.#client, response) };
  }

  async #processOpenId(
    provider: oauth.AuthorizationServer,
    response: Response,
    callback: UpstreamCallback,
  ): Promise<UpstreamTokenResponse> {
    const server = { ...provider, issuer: await issuerOfAnswer(provider.issuer, response.clone()) };
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

  #tokenRequest(idToken: IdTokenUse, purpose?: LoginPurpose): oauth.TokenEndpointRequestOptions {
    const { fetch, extraTokenParams, scopes } = this.#options;
    return {
      ...this.#transport(),
      [oauth.customFetch]: async (url: string, init?: unknown) =>
        normalizedTokenResponse(await fetch(url, init as RequestInit), idToken),
      additionalParameters: {
        ...(purpose && scopes.tokenRequestParameter(purpose.scopes)),
        ...extraTokenParams,
        ...forwardedResource(this.#options, purpose?.resource),
      },
    };
  }

  #transport() {
    const { fetch } = this.#options;
    return {
      [oauth.customFetch]: (url: string, init?: unknown) => fetch(url, init as RequestInit),
      // Which addresses may be plain http (loopback, and no other) is the transport's law.
      [oauth.allowInsecureRequests]: true,
    };
  }
}
