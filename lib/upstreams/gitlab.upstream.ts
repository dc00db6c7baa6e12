import type { UpstreamOptions } from '../oauth-proxy/upstream/upstream-options.js';
import { OidcVendorUpstream } from './oidc-vendor.upstream.js';
import { secretInForm } from './preset-options.js';

/** How to log people in at GitLab. */
export interface GitLabUpstreamOptions extends UpstreamOptions {
  /**
   * The URL of an instance of your own, without a slash at its end.
   * @default https://gitlab.com
   */
  readonly baseUrl?: string | undefined;
}

/**
 * GitLab as the upstream, the public one or yours. The subject is the `sub` of the id_token: the
 * user's numeric id.
 *
 * It asks for `openid profile email`, which have to be ticked in the application's settings.
 *
 * Pinned: the id_token is signed by the instance for this application and this login. Not pinned: to a
 * group, which `allowUser` can do by the claim `groups_direct`: the groups of the user themselves,
 * not those above.
 *
 * @see https://docs.gitlab.com/integration/openid_connect_provider/
 */
export class GitLabUpstream extends OidcVendorUpstream {
  constructor(options: GitLabUpstreamOptions) {
    super(options, {
      own: {
        baseUrl: {
          pattern: /^https?:\/\/[^?#\s]*[^/?#\s]$/,
          problem: 'must be a URL without a slash at its end, such as https://gitlab.example.com',
          optional: true,
        },
      },
      issuer: options.baseUrl ?? 'https://gitlab.com',
      defaults: { ...secretInForm(options), scopes: ['openid', 'profile', 'email'] },
    });
  }
}
