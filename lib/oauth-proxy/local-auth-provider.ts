import { ConfigurationError } from '../common/errors.js';
import { frozenOptions } from '../common/frozen-copy.js';
import type { AuthProviderHost } from '../verifiers/auth-provider.js';
import { localLogin } from './local/local-login.js';
import { type LocalLogin, localLoginIssues } from './local/local-login-options.js';
import { ReturnUrls } from './local/return-urls.js';
import { OAuthServer } from './oauth-server.js';
import { oauthServerOptionIssues } from './oauth-server-option-issues.js';
import type { OAuthServerOptions } from './oauth-server-options.js';
import type { LoginMethod } from './server-parts.js';

/** The options of `LocalAuthProvider`. */
export interface LocalAuthProviderOptions extends OAuthServerOptions {
  /** How the app logs its users in. */
  readonly login: LocalLogin;
}

/**
 * An authorization server for MCP clients in an app that has users of its own. Clients register
 * themselves, users log in at the app's login page and agree on a page of this server, and clients
 * get tokens. There is no upstream.
 *
 * One instance serves one module.
 *
 * @see RFC 6749, RFC 7591, RFC 7636, RFC 8414, RFC 9068, RFC 9207
 */
export class LocalAuthProvider extends OAuthServer {
  override readonly name = 'LocalAuthProvider';
  readonly #options: LocalAuthProviderOptions;
  #returnUrls: ReturnUrls | undefined;

  constructor(options: LocalAuthProviderOptions) {
    const frozen = frozenOptions(options);
    super(frozen);
    this.#options = frozen;
  }

  /**
   * Where the login page may send the browser back to: the URL that the page was given, if it is one
   * of this server's; undefined for everything else that somebody may have put there.
   */
  returnUrl(given: unknown): string | undefined {
    return this.#returnUrls?.accepted(given);
  }

  protected override assertOptions(host: AuthProviderHost): void {
    const path = 'server';
    const { baseUrl } = host;
    ConfigurationError.assertNone([
      ...oauthServerOptionIssues(this.#options, host, { path, own: ['login'] }),
      ...localLoginIssues(this.#options.login, { baseUrl, path: `${path}.login` }),
    ]);
  }

  protected override begin({ baseUrl }: AuthProviderHost): void {
    const { page, returnParameter } = this.#options.login;
    const consentUrl = `${baseUrl}/consent`;
    this.#returnUrls = new ReturnUrls({ consentUrl, page, returnParameter });
  }

  protected override readonly loginKind = 'local';

  protected override readonly login: LoginMethod = (parts) => {
    if (!this.#returnUrls) throw new Error('LocalAuthProvider was not begun.');
    return localLogin(this.#options.login, this.#returnUrls, parts);
  };
}
