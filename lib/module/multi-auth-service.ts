import { ConfigurationError } from '../common/errors.js';
import { LocalAuthProvider } from '../oauth-proxy/local-auth-provider.js';
import { parseBearerToken } from '../resource-server/bearer-token.js';
import {
  type GrantSummary,
  OAuthProvider,
  type RevocationTarget,
} from '../verifiers/oauth-provider.js';
import type { ChainVerdict } from '../verifiers/verifier-chain.js';
import type { MultiAuthHealth } from './health.js';
import type { MultiAuthRuntime } from './multi-auth-runtime.js';

/** What `MultiAuthService.verifyToken` says of a token. */
export type TokenVerdict =
  ChainVerdict | { readonly outcome: 'insufficient_scope'; readonly required: readonly string[] };

/** What a token is presented for. */
export interface TokenUse {
  /** The name of the resource. @default the first one configured */
  readonly resource?: string | undefined;
  /** The scopes it needs beside those of the resource. @default [] */
  readonly scopes?: readonly string[] | undefined;
}

/** The module's services for the app's own code. */
export class MultiAuthService {
  readonly #runtime: MultiAuthRuntime;

  constructor(runtime: MultiAuthRuntime) {
    this.#runtime = runtime;
  }

  /**
   * Judges a token as the guard would, for places where no guard runs, such as a WebSocket. Let it
   * in when the outcome is `accepted`, and only then.
   *
   * @throws ConfigurationError when there is no resource of that name
   */
  async verifyToken(token: string, use: TokenUse = {}): Promise<TokenVerdict> {
    const { resources } = this.#runtime.options;
    const resource = use.resource === undefined ? resources.default : resources.named(use.resource);
    if (!resource) {
      const problem = `${use.resource} is not a configured resource`;
      throw new ConfigurationError([{ path: 'resource', problem }]);
    }
    const credentials = parseBearerToken({ authorization: `Bearer ${token}` });
    if (credentials.kind !== 'token') return { outcome: 'rejected', reasons: [] };
    const verdict = await this.#runtime.chain(resource).verify(credentials.token);
    if (verdict.outcome !== 'accepted') return verdict;
    const required = [...resource.requiredScopes, ...(use.scopes ?? [])];
    return this.#runtime.resourceServer.covers(verdict.token, required)
      ? verdict
      : { outcome: 'insufficient_scope', required };
  }

  /**
   * What the user granted to which clients, the newest first; at most the last 100 logins.
   *
   * @throws ConfigurationError when the module's server is no `OAuthProvider`
   */
  async grantsOf(subject: string): Promise<readonly GrantSummary[]> {
    return this.#authorizationServer().grantsOf(subject);
  }

  /**
   * Ends everything granted until now: to the clients of a subject, to a client, or of a subject to a
   * client. At once for the listed grants of a subject, within a second for all others.
   *
   * @throws ConfigurationError without a subject and a client, or when the server is no `OAuthProvider`
   */
  async revokeAll(target: RevocationTarget): Promise<void> {
    await this.#authorizationServer().revokeAll(target);
  }

  /**
   * Ends one grant with all its tokens, and its login at the upstream. It does not ask whose it is:
   * see first that `grantsOf` your user lists it.
   *
   * @returns false when there is no such grant
   * @throws ConfigurationError when the module's server is no `OAuthProvider`
   */
  async revokeGrant(grantId: string): Promise<boolean> {
    return this.#authorizationServer().revokeGrant(grantId);
  }

  /**
   * Asks again for the keys for which the server's options name functions.
   *
   * @throws ConfigurationError when an answer cannot be used, and the keys in force stay; or when the
   * module's server is no `OAuthProvider`
   */
  async reloadKeys(): Promise<void> {
    await this.#authorizationServer().reloadKeys();
  }

  /**
   * How the module is, for a readiness check. It never throws, takes as long as the store may, and asks
   * nobody but the store: what is said of the sources is what became of the last tokens.
   */
  async health(): Promise<MultiAuthHealth> {
    return this.#runtime.health.report();
  }

  /**
   * For the login page of a `LocalAuthProvider`: where it may send the browser when the user has logged
   * in. Give what the page got as `return_to`. Anything that is no URL of this server's own, as whoever
   * links to the page can put there, gives undefined.
   *
   * @throws ConfigurationError when the module's server is no `LocalAuthProvider`
   */
  loginReturnUrl(given: unknown): string | undefined {
    const { provider } = this.#runtime.options;
    if (provider instanceof LocalAuthProvider) return provider.returnUrl(given);
    const problem = 'is no LocalAuthProvider: nobody is sent to a login page of the app';
    throw new ConfigurationError([{ path: 'server', problem }]);
  }

  #authorizationServer(): OAuthProvider {
    const { provider } = this.#runtime.options;
    if (provider instanceof OAuthProvider) return provider;
    const problem = 'is no OAuthProvider, such as OAuthProxy: it has no grants and no keys';
    throw new ConfigurationError([{ path: 'server', problem }]);
  }
}
