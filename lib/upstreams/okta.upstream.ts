import type { UpstreamOptions } from '../oauth-proxy/upstream/upstream-options.js';
import { hostName, OidcVendorUpstream } from './oidc-vendor.upstream.js';

/** How to log people in at Okta. */
export interface OktaUpstreamOptions extends UpstreamOptions {
  /** The org's domain: `your-org.okta.com`, or your own. */
  readonly domain: string;
  /**
   * The id of a custom authorization server, such as `default`; custom scopes are known there alone.
   * @default the org authorization server, which every org has
   */
  readonly authorizationServerId?: string | undefined;
}

/**
 * Okta as the upstream. The subject is the `sub` of the id_token: the user's id.
 *
 * It asks for `openid profile email offline_access`. Okta refuses the last one unless the app has the
 * grant type Refresh Token; leave it out of `scopes` then.
 *
 * Pinned: the id_token is signed by the authorization server for this client id and this login. The
 * access tokens of the org authorization server are for Okta alone, and nobody else can verify them.
 * Not pinned: to a group; assign the app to it, or let `allowUser` look at the claim `groups`.
 *
 * @see https://developer.okta.com/docs/concepts/auth-servers/
 */
export class OktaUpstream extends OidcVendorUpstream {
  constructor(options: OktaUpstreamOptions) {
    const { domain, authorizationServerId: id } = options;
    super(options, {
      own: {
        domain: { pattern: hostName, problem: 'must be a host, such as your-org.okta.com' },
        authorizationServerId: {
          pattern: /^\w+$/,
          problem: 'must be the id of an authorization server, such as default',
          optional: true,
        },
      },
      issuer: `https://${domain}${id === undefined ? '' : `/oauth2/${id}`}`,
      defaults: { scopes: ['openid', 'profile', 'email', 'offline_access'] },
    });
  }
}
