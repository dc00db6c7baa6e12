import type { AuthProviderHost } from '../verifiers/auth-provider.js';
import { PresetReader, presetProvider, type RemotePresetOptions } from './preset-options.js';
import { RemoteAuthProvider } from './remote-auth-provider.js';
import { VendorJwtVerifier } from './vendor-jwt.verifier.js';

/** Your place at Descope. */
export interface DescopeProviderOptions extends RemotePresetOptions {
  /**
   * The discovery URL of the MCP server in the Descope console, with or without its
   * `/.well-known/openid-configuration`: `https://api.descope.com/v1/apps/agentic/P…/MS…`.
   */
  readonly configUrl: string;
  /** What tokens must be for. @default the id of the project */
  readonly audience?: string | readonly string[] | undefined;
}

/**
 * Clients log in at Descope. Create an MCP server in its console, and enable client registration there.
 * Without `requiredScopes` and `scopesSupported` clients are told the scopes that Descope supports.
 *
 * Pinned: issuer, which is this MCP server, and `aud` to the project. With the URL of a whole project
 * (`/v1/apps/P…`) tokens for its other applications pass too, of which a warning tells.
 * @see https://docs.descope.com/agentic-identity-hub/mcp-servers
 */
export class DescopeProvider extends RemoteAuthProvider {
  readonly #isWholeProject: boolean;

  constructor(options: DescopeProviderOptions) {
    const read = new PresetReader('DescopeProvider', options, ['audience', 'configUrl']);
    const issuer = read.url('configUrl').replace(/\/\.well-known\/openid-configuration$/, '');
    const place = /\/v1\/apps\/(?:(agentic)\/([\w-]+)\/[\w-]+|(?!agentic)([\w-]+))$/.exec(issuer);
    if (issuer && !place) {
      read.report('configUrl', 'must end in /v1/apps/agentic/<project>/<MCP server>');
    }
    read.texts('audience');
    read.assertUsable();
    const project = place?.[2] ?? place?.[3] ?? '';
    const { audience = project, requiredScopes, scopesSupported } = options;
    const jwksUri = `${new URL(issuer).origin}/${project}/.well-known/jwks.json`;
    const tokenVerifier = new VendorJwtVerifier(options, { issuer, jwksUri, audience });
    super({
      ...presetProvider(options, { server: issuer, tokenVerifier }),
      discoverScopes: (requiredScopes ?? scopesSupported) === undefined,
    });
    this.#isWholeProject = place?.[1] === undefined && options.audience === undefined;
  }

  override async start(host: AuthProviderHost): Promise<void> {
    await super.start(host);
    if (!this.#isWholeProject) return;
    host.events.emit('configuration.warning', {
      option: 'configUrl',
      warning: 'names a whole project: tokens for its other applications are accepted too',
    });
  }
}
