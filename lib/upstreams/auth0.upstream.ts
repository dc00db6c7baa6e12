import type { UpstreamOptions } from '../oauth-proxy/upstream/upstream-options.js';
import { hostName, OidcVendorUpstream } from './oidc-vendor.upstream.js';
import { secretInForm } from './preset-options.js';

/** How to log people in at Auth0. */
export interface Auth0UpstreamOptions extends UpstreamOptions {
  /** The tenant's domain: `your-tenant.eu.auth0.com`, or your own. */
  readonly domain: string;
  /**
   * The identifier of the API that the upstream's access tokens are for, if you call one with them.
   * @default none: they are for Auth0's userinfo alone
   */
  readonly audience?: string | undefined;
  /** The id of the organization whose members may log in, as `org_…`. @default every user */
  readonly organization?: string | undefined;
}

/**
 * Auth0 as the upstream. The subject is the `sub` of the id_token: the user's id, with the name of the
 * connection before it.
 *
 * It asks for `openid profile email offline_access`; refresh tokens come if the API allows offline
 * access. The application is a Regular Web Application.
 *
 * Pinned: the id_token is signed by the tenant for this client id and this login, and `organization`
 * pins it to one. The access token is for the API, and decides nothing here. Not pinned: to a
 * connection, which `allowUser` can do by the subject.
 *
 * @see https://auth0.com/docs/get-started/authentication-and-authorization-flow/authorization-code-flow
 */
export class Auth0Upstream extends OidcVendorUpstream {
  constructor(options: Auth0UpstreamOptions) {
    const { domain, audience, organization, extraTokenParams } = options;
    const forApi = audience === undefined ? {} : { audience };
    super(
      { ...options, ...(audience && { extraTokenParams: { ...forApi, ...extraTokenParams } }) },
      {
        own: {
          domain: { pattern: hostName, problem: 'must be a host, such as tenant.eu.auth0.com' },
          audience: {
            pattern: /^\S+$/,
            problem: 'must be the identifier of an API',
            optional: true,
          },
          organization: {
            pattern: /^org_\w+$/,
            problem: 'must be the id of an organization, such as org_abc123',
            optional: true,
          },
        },
        issuer: `https://${domain}/`,
        defaults: {
          ...secretInForm(options),
          scopes: ['openid', 'profile', 'email', 'offline_access'],
          extraAuthorizeParams: { ...forApi, ...(organization && { organization }) },
        },
        pin: organization === undefined ? undefined : ({ org_id: id }) => id === organization,
      },
    );
  }
}
