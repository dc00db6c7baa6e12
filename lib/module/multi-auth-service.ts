import { ConfigurationError } from '../common/errors.js';
import type { ChainVerdict } from '../verifiers/verifier-chain.js';
import type { MultiAuthRuntime } from './multi-auth-runtime.js';

/** The module's services for the app's own code. */
export class MultiAuthService {
  readonly #runtime: MultiAuthRuntime;

  constructor(runtime: MultiAuthRuntime) {
    this.#runtime = runtime;
  }

  /**
   * Judges a token as the guard would, for places where no guard runs, such as a WebSocket.
   *
   * @param resource the name of the resource. Default: the first one configured.
   * @throws ConfigurationError when there is no resource of that name
   */
  async verifyToken(token: string, resource?: string): Promise<ChainVerdict> {
    const { resources } = this.#runtime.options;
    const found = resource === undefined ? resources.default : resources.named(resource);
    if (!found) {
      throw new ConfigurationError([
        { path: 'resource', problem: `${resource} is not a configured resource` },
      ]);
    }
    return this.#runtime.chain(found).verify(token);
  }
}
