import type { UpstreamOptions } from '../oauth-proxy/upstream/upstream-options.js';
import { hostName, OidcVendorUpstream } from './oidc-vendor.upstream.js';
import { secretInForm } from './preset-options.js';

/** How to log people in at Clerk. */
export interface ClerkUpstreamOptions extends UpstreamOptions {
  /** The host of the Frontend API: `verb-noun-00.clerk.accounts.dev`, or your own. */
  readonly domain: string;
}

/**
 * Clerk as the upstream, with an OAuth application. The subject is the `sub` of the id_token: the
 * user's id.
 *
 * It asks for `openid profile email`, which the application has to have; Clerk gives a refresh token
 * all the same.
 *
 * Pinned: the id_token is signed by the instance for this client id and this login. Clerk's access
 * tokens have no audience, and decide nothing here. Not pinned: to an organization.
 *
 * @see https://clerk.com/docs/guides/configure/auth-strategies/oauth/how-clerk-implements-oauth
 */
export class ClerkUpstream extends OidcVendorUpstream {
  constructor(options: ClerkUpstreamOptions) {
    super(options, {
      own: { domain: { pattern: hostName, problem: 'must be a host, such as clerk.example.com' } },
      issuer: `https://${options.domain}`,
      defaults: { ...secretInForm(options), scopes: ['openid', 'profile', 'email'] },
    });
  }
}
