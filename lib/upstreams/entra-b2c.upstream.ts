import type { ConfigurationIssue } from '../common/errors.js';
import { isText } from '../common/option-issues.js';
import { OidcUpstream } from '../oauth-proxy/upstream/oidc.upstream.js';
import type { UpstreamHost } from '../oauth-proxy/upstream/upstream.js';
import type { UpstreamOptions } from '../oauth-proxy/upstream/upstream-options.js';
import { entraScopes } from './entra-scopes.js';
import { allowedBy, handedOn, presetIssues, secretInForm } from './preset-options.js';

/** How to log people in at Azure AD B2C. */
export interface EntraB2cUpstreamOptions extends UpstreamOptions {
  /** The tenant's name: `contoso` of `contoso.onmicrosoft.com`. */
  readonly tenantName: string;
  /** The tenant's id, a GUID: its issuer is named after it. */
  readonly tenantId: string;
  /** The user flow or custom policy that people log in with, such as `B2C_1_signin`. */
  readonly policy: string;
  /** The custom domain, if there is one. @default {tenantName}.b2clogin.com */
  readonly domain?: string | undefined;
  /**
   * The Application ID URI, which stands before the app's own scopes.
   * @default https://{tenantName}.onmicrosoft.com/{clientId}
   */
  readonly identifierUri?: string | undefined;
}

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
// B2C knows no `profile` and `email`: the policy says what the id_token holds.
const always = ['openid', 'offline_access'];
const host = /^[a-z0-9-]+(\.[a-z0-9-]+)+$/;

/**
 * Azure AD B2C as the upstream, with one user flow or custom policy. The subject is the `sub` of the
 * id_token, which by default is the user's object id.
 *
 * It asks for `openid offline_access` and, as B2C gives no access token without a scope of an API, for
 * the app's own (its client id). With `scopes: 'requested'` the scopes of MCP clients are those of
 * "Expose an API", as with `EntraUpstream`.
 *
 * Pinned: the id_token is signed for this client id and this login, by this tenant, in this policy.
 * The policy's issuer has to have the form `https://{domain}/{tenantId}/v2.0/`, which is the default.
 *
 * @see https://learn.microsoft.com/azure/active-directory-b2c/authorization-code-flow
 */
export class EntraB2cUpstream extends OidcUpstream {
  readonly #options: EntraB2cUpstreamOptions;

  constructor(options: EntraB2cUpstreamOptions) {
    const { tenantName, tenantId, policy, clientId } = options;
    const directory = `${tenantName}.onmicrosoft.com`;
    const origin = `https://${options.domain ?? `${tenantName}.b2clogin.com`}`;
    const at = `${origin}/${directory}/${policy}`;
    super({
      ...handedOn(options, {
        ...secretInForm(options),
        scopes: [...always, clientId],
        scopeMapping: entraScopes(
          options.identifierUri ?? `https://${directory}/${clientId}`,
          always,
        ),
      }),
      allowUser: allowedBy(({ tfp, acr }) => isSame(tfp ?? acr, policy), options),
      issuer: `${origin}/${tenantId}/v2.0/`,
      endpoints: {
        authorizationEndpoint: `${at}/oauth2/v2.0/authorize`,
        tokenEndpoint: `${at}/oauth2/v2.0/token`,
        jwksUri: `${at}/discovery/v2.0/keys`,
      },
    });
    this.#options = options;
  }

  override issues(upstreamHost: UpstreamHost, path: string): readonly ConfigurationIssue[] {
    const { tenantName, tenantId, policy, domain } = this.#options;
    const own = ['domain', 'identifierUri', 'policy', 'tenantId', 'tenantName'];
    const known = presetIssues(this.#options, path, own);
    const wrong = [
      ['tenantName', /^[a-z0-9-]+$/i, tenantName, 'must be what stands before .onmicrosoft.com'],
      ['tenantId', guid, tenantId, 'must be the id of the tenant, a GUID'],
      ['policy', /^[a-z0-9_-]+$/i, policy, 'must be the name of a user flow or custom policy'],
      ['domain', host, domain ?? 'the.default', 'must be a host, such as login.example.com'],
    ] as const;
    const issues = wrong
      .filter(([, pattern, value]) => !isText(value) || !pattern.test(value))
      .map(([name, , , problem]) => ({ path: `${path}.${name}`, problem }));
    // With these wrong, what follows from them is wrong as well.
    return issues.length > 0
      ? [...issues, ...known]
      : [...super.issues(upstreamHost, path), ...known];
  }
}

/** Policies are written in any case. */
function isSame(policy: unknown, expected: string): boolean {
  return typeof policy === 'string' && policy.toLowerCase() === expected.toLowerCase();
}
