import * as oauth from 'oauth4webapi';
import type { Awaitable } from '../../common/awaitable.js';
import { UpstreamError } from '../../common/errors.js';
import {
  clientAuthentication,
  type AppCredentials,
} from '../../verifiers/client-authentication.js';
import { assertIdTokenFits } from './id-token.js';
import { exchangeParameters, tokenExchange } from './token-exchange.js';
import { type IdTokenUse, normalizedTokenResponse, revocableToken } from './token-response.js';
import type { UpstreamCallback, UpstreamTokenExchange, UpstreamVerdict } from './upstream.js';
import { exchangeFailure, loginFailure, refreshFailure } from './upstream-failure.js';
import { forwardedResource } from './upstream-mapping.js';

export interface UpstreamClientOptions extends AppCredentials {
  readonly extraTokenParams?: Readonly<Record<string, string>> | undefined;
  readonly forwardPkce?: boolean | undefined;
  readonly forwardResource?: boolean | undefined;
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>;
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
    this.#authentication = clientAuthentication(options);
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
        this.#tokenRequest(mode === 'openid' ? 'validate' : 'set aside', callback.resource),
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
    resource: string,
  ): Promise<oauth.TokenEndpointResponse> {
    try {
      const response = await oauth.refreshTokenGrantRequest(
        server,
        this.#client,
        this.#authentication,
        refreshToken,
        this.#tokenRequest('set aside', resource),
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
  async revoke(server: oauth.AuthorizationServer, token: string): Promise<void> {
    if (server.revocation_endpoint === undefined) return;
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

  /**
   * What the userinfo endpoint says of an access token.
   * @throws UpstreamError `refused` when it speaks of another user. @see OpenID Connect Core §5.3
   */
  async userInfoVerdict(
    server: oauth.AuthorizationServer,
    { accessToken, subject }: { accessToken: string; subject: string },
  ): Promise<UpstreamVerdict> {
    if (server.userinfo_endpoint === undefined) return 'unknown';
    try {
      const transport = this.#transport();
      const response = await oauth.userInfoRequest(server, this.#client, accessToken, transport);
      if (response.status === 401) return 'refused';
      // A token that userinfo is not for says nothing about the login.
      if ([400, 403, 404, 405].includes(response.status)) return 'unknown';
      const user = await oauth.processUserInfoResponse(
        server,
        this.#client,
        oauth.skipSubjectCheck,
        response,
      );
      if (user.sub === subject) return 'alive';
    } catch (error) {
      throw refreshFailure(error);
    }
    throw new UpstreamError('userinfo speaks of another user', 'refused');
  }

  /** Revokes tokens that are not kept. It may fail: they expire by themselves. */
  async giveBack(server: oauth.AuthorizationServer, tokens: object): Promise<void> {
    const token = revocableToken(tokens);
    if (token !== undefined) await this.revoke(server, token).catch(() => {});
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
    server: oauth.AuthorizationServer,
    response: Response,
    callback: UpstreamCallback,
  ): Promise<UpstreamTokenResponse> {
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

  #tokenRequest(idToken: IdTokenUse, resource?: string): oauth.TokenEndpointRequestOptions {
    const { fetch, extraTokenParams } = this.#options;
    return {
      ...this.#transport(),
      [oauth.customFetch]: async (url: string, init?: unknown) =>
        normalizedTokenResponse(await fetch(url, init as RequestInit), idToken),
      additionalParameters: { ...extraTokenParams, ...forwardedResource(this.#options, resource) },
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

async function bodyOf(response: Response): Promise<object> {
  try {
    return Object(await response.json()) as object;
  } catch {
    return {}; // not JSON: there is nothing in it
  }
}
