import type { OAuthServerOptions } from './oauth-server-options.js';
import type { Upstream } from './upstream/upstream.js';

/** The options of `OAuthProxy`. */
export interface OAuthProxyOptions extends OAuthServerOptions {
  /** The identity provider at which users log in. */
  readonly upstream: Upstream;
  /** The path, below `baseUrl`, to which the upstream sends users back. @default `/auth/callback` */
  readonly redirectPath?: string | undefined;
  /**
   * How often, at most, the upstream is asked whether a login that is used here goes on there, in
   * seconds: 10 to 86400. A user who was disabled there is refused here after that long.
   * @default never: only a refresh tells
   */
  readonly upstreamRecheckSeconds?: number | undefined;
}
