import type { VerifiedToken } from '../verifiers/access-token.js';
import type { VerificationContext } from '../verifiers/token-verifier.js';
import { PresetReader, presetProvider, type RemotePresetOptions } from './preset-options.js';
import { RemoteAuthProvider } from './remote-auth-provider.js';
import { VendorJwtVerifier } from './vendor-jwt.verifier.js';

/** Your realm at Keycloak. */
export interface KeycloakProviderOptions extends RemotePresetOptions {
  /** The realm: `https://keycloak.example.com/realms/my-realm`. */
  readonly realmUrl: string;
  /** What tokens must be for. @default the resource at which they are presented */
  readonly audience?: string | readonly string[] | undefined;
  /** What the realm signs with. @default RS256 */
  readonly algorithms?: readonly string[] | undefined;
  /** The scopes every request needs. @default openid, without which tokens name no user */
  readonly requiredScopes?: readonly string[] | undefined;
}

/**
 * Clients log in at Keycloak (26.6 or later, for their registration). Its tokens name an audience only
 * when they are told to: give a client scope of the realm an Audience mapper with the URL of the
 * resource, and let that scope be one of the default ones, or of `requiredScopes`.
 *
 * Pinned: issuer, `aud` to the resource, and the kind of token: neither id nor refresh tokens pass.
 * @see https://www.keycloak.org/securing-apps/mcp-authz-server
 */
export class KeycloakProvider extends RemoteAuthProvider {
  constructor(options: KeycloakProviderOptions) {
    const own = ['algorithms', 'audience', 'realmUrl'] as const;
    const read = new PresetReader('KeycloakProvider', options, own);
    const issuer = read.url('realmUrl');
    if (issuer && !/\/realms\/[^/]+$/.test(issuer)) {
      read.report('realmUrl', 'must end in /realms/<realm>');
    }
    read.texts('audience');
    read.assertUsable();
    const { audience, algorithms, requiredScopes = ['openid'] } = options;
    const jwksUri = `${issuer}/protocol/openid-connect/certs`;
    const tokenVerifier = new VendorJwtVerifier(
      options,
      { issuer, jwksUri, audience, algorithms },
      onlyAccessTokens,
    );
    super(presetProvider({ ...options, requiredScopes }, { server: issuer, tokenVerifier }));
  }
}

/** Keycloak tells its tokens apart in a claim, while the header says JWT of all of them. */
function onlyAccessTokens(
  token: VerifiedToken,
  context: VerificationContext,
): VerifiedToken | null {
  const type = token.claims?.['typ'] ?? 'Bearer';
  return type === 'Bearer' ? token : context.reject('wrong_type');
}
