import type { UpstreamOptions } from '../oauth-proxy/upstream/upstream-options.js';
import { hostName, OidcVendorUpstream } from './oidc-vendor.upstream.js';
import { secretInForm } from './preset-options.js';

/** How to log people in at WorkOS. */
export interface WorkOSUpstreamOptions extends UpstreamOptions {
  /** The AuthKit domain: `your-app.authkit.app`, or your own. */
  readonly authkitDomain: string;
}

/**
 * WorkOS AuthKit as the upstream, with an OAuth application of WorkOS Connect. The subject is the `sub`
 * of the id_token: the user's id.
 *
 * It asks for `openid profile email offline_access`.
 *
 * Pinned: the id_token is signed by the AuthKit domain for this client id and this login; userinfo
 * alone could not tell. Not pinned: to an organization, which the id_token does not name. WorkOS has
 * no endpoint for revocation.
 *
 * @see https://workos.com/docs/authkit/connect/oauth
 */
export class WorkOSUpstream extends OidcVendorUpstream {
  constructor(options: WorkOSUpstreamOptions) {
    super(options, {
      own: {
        authkitDomain: { pattern: hostName, problem: 'must be a host, such as app.authkit.app' },
      },
      issuer: `https://${options.authkitDomain}`,
      defaults: {
        ...secretInForm(options),
        scopes: ['openid', 'profile', 'email', 'offline_access'],
      },
    });
  }
}
