import type { ConfigurationIssue } from '../common/errors.js';
import { isText } from '../common/option-issues.js';
import { OidcUpstream } from '../oauth-proxy/upstream/oidc.upstream.js';
import type { UpstreamHost } from '../oauth-proxy/upstream/upstream.js';
import type { UpstreamOptions } from '../oauth-proxy/upstream/upstream-options.js';
import { googleScopes } from './google-scopes.js';
import { allowedBy, handedOn, presetIssues, secretInForm } from './preset-options.js';

/** How to log people in at Google. */
export interface GoogleUpstreamOptions extends UpstreamOptions {
  /**
   * The Google Workspace or Cloud Identity domains whose accounts may log in, as `example.com`. An
   * e-mail address of the domain does not count, only the id_token's `hd`.
   * @default every Google account
   */
  readonly hostedDomain?: string | readonly string[] | undefined;
}

/**
 * Google as the upstream. The subject is the `sub` of the id_token, which Google never gives to
 * another account; e-mail addresses it does.
 *
 * It asks for `openid email profile`, and with `access_type=offline` and `prompt=consent` for a
 * refresh token, which Google gives on a consent alone; `extraAuthorizeParams` changes that.
 *
 * Pinned: the id_token is signed by Google for this client id and this login, and `hostedDomain`
 * pins it to Workspace domains. A user may untick scopes: what was granted is what counts.
 *
 * @see https://developers.google.com/identity/openid-connect/openid-connect
 */
export class GoogleUpstream extends OidcUpstream {
  readonly #options: GoogleUpstreamOptions;

  constructor(options: GoogleUpstreamOptions) {
    const domains = domainsOf(options);
    super({
      ...handedOn(options, {
        ...secretInForm(options),
        scopes: ['openid', 'email', 'profile'],
        scopeMapping: googleScopes,
        extraAuthorizeParams: {
          access_type: 'offline',
          prompt: 'consent',
          // The account chooser then shows these accounts; the id_token is what counts.
          ...(domains && { hd: domains.length === 1 ? String(domains[0]) : '*' }),
        },
      }),
      ...(domains && {
        allowUser: allowedBy(({ hd }) => typeof hd === 'string' && domains.includes(hd), options),
      }),
      issuer: 'https://accounts.google.com',
      endpoints: {
        authorizationEndpoint: 'https://accounts.google.com/o/oauth2/v2/auth',
        tokenEndpoint: 'https://oauth2.googleapis.com/token',
        jwksUri: 'https://www.googleapis.com/oauth2/v3/certs',
        revocationEndpoint: 'https://oauth2.googleapis.com/revoke',
        userinfoEndpoint: 'https://openidconnect.googleapis.com/v1/userinfo',
      },
    });
    this.#options = options;
  }

  override issues(host: UpstreamHost, path: string): readonly ConfigurationIssue[] {
    const issues = [
      ...super.issues(host, path),
      ...presetIssues(this.#options, path, ['hostedDomain']),
    ];
    const domains = domainsOf(this.#options);
    if (domains && (domains.length === 0 || !domains.every(isDomain))) {
      const problem = 'must be a domain such as example.com, or a list of some';
      issues.push({ path: `${path}.hostedDomain`, problem });
    }
    return issues;
  }
}

function domainsOf({ hostedDomain }: GoogleUpstreamOptions): readonly unknown[] | undefined {
  if (hostedDomain === undefined) return undefined;
  return Array.isArray(hostedDomain) ? hostedDomain : [hostedDomain];
}

function isDomain(value: unknown): boolean {
  return isText(value) && /^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(value);
}
