import { isScopeList } from '../common/option-issues.js';
import { unionScopes } from '../common/scopes.js';
import type { VerifiedToken } from '../verifiers/access-token.js';
import { PresetReader, presetProvider, type RemotePresetOptions } from './preset-options.js';
import { RemoteAuthProvider } from './remote-auth-provider.js';
import { VendorJwtVerifier } from './vendor-jwt.verifier.js';

/** Your place at Auth0. */
export interface Auth0ProviderOptions extends RemotePresetOptions {
  /** The tenant's domain: `your-tenant.eu.auth0.com`, or your own. */
  readonly domain: string;
  /** What tokens must be for. @default the resource at which they are presented */
  readonly audience?: string | readonly string[] | undefined;
  /**
   * Whether the `permissions` of a token count as scopes. They are all that the user may do, whatever
   * the client asked for and the user agreed to: leave it to tenants whose clients are all their own.
   * @default false: what was granted to the client counts, and Auth0 limits that to the permissions
   */
  readonly permissionsAsScopes?: boolean | undefined;
}

/**
 * Clients log in at Auth0 (Auth for MCP). Create an API whose identifier is the URL of the resource,
 * and enable the Resource Parameter Compatibility Profile and dynamic client registration.
 *
 * Pinned: issuer (with the slash at its end, which Auth0's has), and `aud` to the resource.
 * @see https://auth0.com/ai/docs/mcp/get-started/authorization-for-your-mcp-server
 */
export class Auth0Provider extends RemoteAuthProvider {
  constructor(options: Auth0ProviderOptions) {
    const own = ['audience', 'domain', 'permissionsAsScopes'] as const;
    const read = new PresetReader('Auth0Provider', options, own);
    const origin = read.origin('domain');
    read.texts('audience');
    read.flag('permissionsAsScopes');
    read.assertUsable();
    const { audience, permissionsAsScopes = false } = options;
    const issuer = `${origin}/`;
    const jwksUri = `${origin}/.well-known/jwks.json`;
    const tokenVerifier = new VendorJwtVerifier(
      options,
      { issuer, jwksUri, audience },
      permissionsAsScopes ? withPermissions : undefined,
    );
    super(presetProvider(options, { server: issuer, tokenVerifier }));
  }
}

function withPermissions(token: VerifiedToken): VerifiedToken {
  const permissions = token.claims?.['permissions'];
  return isScopeList(permissions)
    ? { ...token, scopes: unionScopes(token.scopes, permissions) }
    : token;
}
