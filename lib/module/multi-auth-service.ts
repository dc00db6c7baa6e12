import { ConfigurationError } from '../common/errors.js';
import { parseBearerToken } from '../resource-server/bearer-token.js';
import type { ChainVerdict } from '../verifiers/verifier-chain.js';
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
}
