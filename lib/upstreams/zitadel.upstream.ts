import type { UpstreamOptions } from '../oauth-proxy/upstream/upstream-options.js';
import { hostName, OidcVendorUpstream } from './oidc-vendor.upstream.js';

/** How to log people in at Zitadel. */
export interface ZitadelUpstreamOptions extends UpstreamOptions {
  /** The instance's domain: `your-instance.us1.zitadel.cloud`, or your own. */
  readonly domain: string;
}

/**
 * Zitadel as the upstream. The subject is the `sub` of the id_token: the user's id.
 *
 * It asks for `openid profile email offline_access`; the app needs the grant type Refresh Token. What
 * the last scopes say is in the id_token if the app has "User Info inside ID Token".
 *
 * Pinned: the id_token is signed by the instance for this client id and this login. It is also for the
 * other apps of the project: `azp` says whose it is. Not pinned: to an organization, which `allowUser`
 * can do by the claim `urn:zitadel:iam:user:resourceowner:id`, with the scope
 * `urn:zitadel:iam:user:resourceowner`.
 *
 * @see https://zitadel.com/docs/apis/openidoauth/endpoints
 */
export class ZitadelUpstream extends OidcVendorUpstream {
  constructor(options: ZitadelUpstreamOptions) {
    super(options, {
      own: { domain: { pattern: hostName, problem: 'must be a host, such as id.example.com' } },
      issuer: `https://${options.domain}`,
      defaults: { scopes: ['openid', 'profile', 'email', 'offline_access'] },
    });
  }
}
