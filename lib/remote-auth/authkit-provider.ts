import { PresetReader, presetProvider, type RemotePresetOptions } from './preset-options.js';
import { RemoteAuthProvider } from './remote-auth-provider.js';
import { VendorJwtVerifier } from './vendor-jwt.verifier.js';

/** Your place at WorkOS AuthKit. */
export interface AuthKitProviderOptions extends RemotePresetOptions {
  /** The AuthKit domain: `your-app.authkit.app`, or your own. */
  readonly authkitDomain: string;
  /** What tokens must be for. @default the resource at which they are presented */
  readonly audience?: string | readonly string[] | undefined;
}

/**
 * Clients log in at WorkOS AuthKit. In its dashboard, under Connect → Configuration, enable client
 * registration or client id metadata documents, and add the URL of each resource as an MCP resource
 * indicator: without it tokens are for nothing, and are refused.
 *
 * Pinned: issuer, and `aud` to the resource.
 * @see https://workos.com/docs/authkit/mcp
 */
export class AuthKitProvider extends RemoteAuthProvider {
  constructor(options: AuthKitProviderOptions) {
    const read = new PresetReader('AuthKitProvider', options, ['audience', 'authkitDomain']);
    const issuer = read.origin('authkitDomain');
    read.texts('audience');
    read.assertUsable();
    const { audience } = options;
    const jwksUri = `${issuer}/oauth2/jwks`;
    const tokenVerifier = new VendorJwtVerifier(options, { issuer, jwksUri, audience });
    super(presetProvider(options, { server: issuer, tokenVerifier }));
  }
}
