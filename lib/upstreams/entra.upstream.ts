import type { ConfigurationIssue } from '../common/errors.js';
import { isText } from '../common/option-issues.js';
import { OidcUpstream } from '../oauth-proxy/upstream/oidc.upstream.js';
import type { UpstreamHost } from '../oauth-proxy/upstream/upstream.js';
import type { UpstreamOptions } from '../oauth-proxy/upstream/upstream-options.js';
import { entraScopes } from './entra-scopes.js';
import { allowedBy, handedOn, presetIssues, secretInForm } from './preset-options.js';

/** How to log people in at Microsoft Entra ID. */
export interface EntraUpstreamOptions extends UpstreamOptions {
  /**
   * Whose users may log in: the tenant's id (a GUID); or `organizations` for every work or school
   * account, `consumers` for personal accounts, `common` for both.
   */
  readonly tenant: string;
  /** Of all the tenants, the ones whose users may log in, by id. @default all of them */
  readonly allowedTenants?: readonly string[] | undefined;
  /** The Application ID URI, which stands before the app's own scopes. @default api://{clientId} */
  readonly identifierUri?: string | undefined;
  /** The national cloud. @default 'global' */
  readonly cloud?: 'global' | 'us-government' | 'china' | undefined;
}

const authorities: Readonly<Record<string, string>> = {
  global: 'https://login.microsoftonline.com',
  'us-government': 'https://login.microsoftonline.us',
  china: 'https://login.partner.microsoftonline.cn',
};
const always = ['openid', 'profile', 'email', 'offline_access'];
/** The tenant that all personal accounts are in. */
const consumers = '9188040d-6c67-4c5b-b112-36a304b66dad';
const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Microsoft Entra ID (Azure AD) as the upstream. The subject is the `sub` of the id_token: it stands
 * for one user of one tenant at this app, and never changes hands. To match users with Microsoft
 * Graph or with your other apps embed `oid` and `tid`. `email`, `upn` and `preferred_username` are
 * what a tenant's administrator wrote: decide nothing by them.
 *
 * It asks for `openid profile email offline_access`. With `scopes: 'requested'` the scopes of MCP
 * clients are those of "Expose an API": `mcp.use` here is `api://{clientId}/mcp.use` there, and what
 * Entra grants is granted. `extraAuthorizeParams: { prompt }` replaces `select_account`.
 *
 * Pinned: the id_token is signed for this client id and this login, by the tenant; with several
 * tenants by the one that it names, one of `allowedTenants`. Without that list every tenant of the
 * world may log in. Entra has no endpoint for revocation, and refuses `resource`.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
 */
export class EntraUpstream extends OidcUpstream {
  readonly #options: EntraUpstreamOptions;

  constructor(options: EntraUpstreamOptions) {
    const { tenant, clientId, identifierUri = `api://${clientId}` } = options;
    const authority = authorities[options.cloud ?? 'global'] ?? '';
    const at = `${authority}/${tenant}`;
    super({
      ...handedOn(options, {
        ...secretInForm(options),
        scopes: always,
        scopeMapping: entraScopes(identifierUri, always),
        extraAuthorizeParams: { prompt: 'select_account' },
      }),
      allowUser: allowedBy(({ tid }) => isTenantAllowed(options, tid), options),
      issuer: `${authority}/${issuingTenant(tenant)}/v2.0`,
      endpoints: {
        authorizationEndpoint: `${at}/oauth2/v2.0/authorize`,
        tokenEndpoint: `${at}/oauth2/v2.0/token`,
        jwksUri: `${at}/discovery/v2.0/keys`,
      },
    });
    this.#options = options;
  }

  override issues(host: UpstreamHost, path: string): readonly ConfigurationIssue[] {
    const { tenant, allowedTenants, identifierUri, cloud, forwardResource } = this.#options;
    const own = ['allowedTenants', 'cloud', 'identifierUri', 'tenant'];
    const known = presetIssues(this.#options, path, own);
    const issues: ConfigurationIssue[] = [...known];
    const add = (name: string, problem: string): void => {
      issues.push({ path: `${path}.${name}`, problem });
    };
    if (cloud !== undefined && !Object.hasOwn(authorities, cloud)) {
      add('cloud', `must be one of ${Object.keys(authorities).join(', ')}`);
    }
    if (!isText(tenant) || (!guid.test(tenant) && !isOfMany(tenant) && tenant !== 'consumers')) {
      add('tenant', 'must be the id of a tenant in lower case, organizations, consumers or common');
    }
    if (allowedTenants !== undefined) {
      const areIds = Array.isArray(allowedTenants) && allowedTenants.every((t) => guid.test(t));
      if (!areIds || allowedTenants.length === 0) add('allowedTenants', 'must be ids of tenants');
      else if (!isOfMany(tenant)) add('allowedTenants', 'is for organizations and common alone');
    }
    if (identifierUri !== undefined && !/^[a-z][a-z0-9+.-]*:\/\/[^/].*[^/]$/.test(identifierUri)) {
      add('identifierUri', 'must be a URI without a slash at its end, such as api://my-app');
    }
    if (forwardResource === true) add('forwardResource', 'makes Entra refuse every login');
    // With these wrong, what follows from them is wrong as well.
    return issues.length > known.length ? issues : [...super.issues(host, path), ...known];
  }
}

function isOfMany(tenant: string): boolean {
  return tenant === 'organizations' || tenant === 'common';
}

function issuingTenant(tenant: string): string {
  if (tenant === 'consumers') return consumers;
  return isOfMany(tenant) ? '{tenantid}' : tenant;
}

function isTenantAllowed({ tenant, allowedTenants }: EntraUpstreamOptions, tid: unknown): boolean {
  if (tenant === 'organizations' && tid === consumers) return false;
  return allowedTenants === undefined || allowedTenants.includes(String(tid));
}
