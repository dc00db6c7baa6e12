import type { UpstreamOptions } from '../oauth-proxy/upstream/upstream-options.js';
import { hostName, OidcVendorUpstream } from './oidc-vendor.upstream.js';

/** How to log people in at an identity domain of Oracle Cloud Infrastructure. */
export interface OciUpstreamOptions extends UpstreamOptions {
  /** The host of the identity domain: `idcs-0123456789abcdef0123456789abcdef.identity.oraclecloud.com`. */
  readonly domain: string;
  /**
   * The issuer, if the identity domain's settings name one of its own.
   * @default https://identity.oraclecloud.com/ for all identity domains
   */
  readonly issuer?: string | undefined;
}

/**
 * An identity domain of Oracle Cloud Infrastructure (IDCS) as the upstream. The subject is the `sub` of
 * the id_token, which is the user's name in the domain: a name may be given to somebody else. Embed
 * `user_id` where that matters.
 *
 * It asks for `openid profile email`; with `offline_access` among `scopes` there are refresh tokens,
 * if the app has that grant type. "Access signing certificate" has to be on in the domain's settings:
 * the keys are not public otherwise.
 *
 * Pinned: the id_token is for this client id and this login, and signed by the identity domain: its
 * keys tell it from others, as the issuer is the same for all.
 *
 * @see https://docs.oracle.com/iaas/Content/Identity/api-getstarted/OpenIDConnect.htm
 */
export class OciUpstream extends OidcVendorUpstream {
  constructor(options: OciUpstreamOptions) {
    const at = `https://${options.domain}`;
    super(options, {
      own: {
        domain: { pattern: hostName, problem: 'must be the host of an identity domain' },
        issuer: { pattern: /^https:\/\/[^\s?#]+$/, problem: 'must be a URL', optional: true },
      },
      issuer: options.issuer ?? 'https://identity.oraclecloud.com/',
      endpoints: {
        authorizationEndpoint: `${at}/oauth2/v1/authorize`,
        tokenEndpoint: `${at}/oauth2/v1/token`,
        jwksUri: `${at}/admin/v1/SigningCert/jwk`,
        revocationEndpoint: `${at}/oauth2/v1/revoke`,
        userinfoEndpoint: `${at}/oauth2/v1/userinfo`,
      },
      defaults: { scopes: ['openid', 'profile', 'email'] },
    });
  }
}
