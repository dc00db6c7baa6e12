import { isScopeList } from '../common/option-issues.js';
import type { VerifiedToken } from '../verifiers/access-token.js';
import { PresetReader, presetProvider, type RemotePresetOptions } from './preset-options.js';
import { RemoteAuthProvider } from './remote-auth-provider.js';
import { VendorJwtVerifier } from './vendor-jwt.verifier.js';

/** Your place at Scalekit. */
export interface ScalekitProviderOptions extends RemotePresetOptions {
  /** The environment: `https://your-env.scalekit.com`. */
  readonly environmentUrl: string;
  /** The id of the MCP server in the dashboard: `res_…`. */
  readonly resourceId: string;
  /** What tokens must be for. @default `resourceId` */
  readonly audience?: string | readonly string[] | undefined;
}

/**
 * Clients log in at Scalekit. Register an MCP server in its dashboard, with the URL of the resource.
 *
 * Pinned: issuer, which may be the environment or the MCP server in it, and `aud` to the MCP server.
 * @see https://docs.scalekit.com/mcp/overview
 */
export class ScalekitProvider extends RemoteAuthProvider {
  readonly #issuers: readonly string[];

  constructor(options: ScalekitProviderOptions) {
    const own = ['audience', 'environmentUrl', 'resourceId'] as const;
    const read = new PresetReader('ScalekitProvider', options, own);
    const environment = read.origin('environmentUrl');
    const resourceId = read.identifier('resourceId');
    read.texts('audience');
    read.assertUsable();
    const server = `${environment}/resources/${resourceId}`;
    const issuer = [environment, server];
    const jwksUri = `${environment}/keys`;
    const { audience = resourceId } = options;
    const tokenVerifier = new VendorJwtVerifier(
      options,
      { issuer, jwksUri, audience },
      withScopesOfScalekit,
    );
    super(presetProvider(options, { server, tokenVerifier }));
    this.#issuers = issuer;
  }

  protected override metadataIssuers(): readonly string[] {
    return this.#issuers;
  }
}

/** Scalekit lists the scopes in `scopes`, where only its own SDK looks. */
function withScopesOfScalekit(token: VerifiedToken): VerifiedToken {
  const { scope, scp, scopes } = token.claims ?? {};
  return (scope ?? scp) === undefined && isScopeList(scopes) ? { ...token, scopes } : token;
}
