import { frozenOptions } from '../common/frozen-copy.js';
import type { AuthProviderHost } from '../verifiers/auth-provider.js';
import { assertOAuthProxyOptions } from './oauth-proxy-option-issues.js';
import type { OAuthProxyOptions } from './oauth-proxy-options.js';
import { OAuthServer } from './oauth-server.js';
import type { LoginMethod } from './server-parts.js';
import type { UpstreamTokens } from './tokens/upstream-tokens.js';
import { upstreamLogin } from './upstream-login.js';

/**
 * An authorization server for MCP clients in front of an identity provider that knows this app as
 * its one client. Clients register themselves, users agree on a page of this server and log in at
 * the provider, and clients get tokens of this server's own: the provider's never leave it.
 *
 * One instance serves one module.
 *
 * @see RFC 6749, RFC 7591, RFC 7636, RFC 8414, RFC 9068, RFC 9207
 */
export class OAuthProxy extends OAuthServer {
  override readonly name = 'OAuthProxy';
  readonly #options: OAuthProxyOptions;
  #upstreamTokens: UpstreamTokens | undefined;

  constructor(options: OAuthProxyOptions) {
    const frozen = frozenOptions(options);
    super(frozen);
    this.#options = frozen;
  }

  /** The upstream's tokens behind the ones of this server. */
  get upstreamTokens(): UpstreamTokens {
    if (!this.#upstreamTokens) throw new Error('OAuthProxy is used before its module started it.');
    return this.#upstreamTokens;
  }

  protected override assertOptions(host: AuthProviderHost): void {
    assertOAuthProxyOptions(this.#options, host);
  }

  protected override begin(host: AuthProviderHost): void {
    this.#options.upstream.start(host);
  }

  protected override readonly loginKind = 'upstream';

  protected override readonly login: LoginMethod = (parts) => {
    const { upstreamTokens, ...login } = upstreamLogin(this.#options, parts);
    this.#upstreamTokens = upstreamTokens;
    return login;
  };
}
