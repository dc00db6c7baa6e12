import type { ImpliedScopes } from '../common/scopes.js';
import type { AuthProvider } from '../verifiers/auth-provider.js';
import type { TokenVerifier } from '../verifiers/token-verifier.js';

/** One protected MCP endpoint. */
export interface ResourceOptions {
  /** Where it is: a path below `resourceBaseUrl`, such as `/mcp`, or a whole URL. */
  readonly url: string;
  /** The scopes every request to it needs. @default the module's `requiredScopes` */
  readonly requiredScopes?: readonly string[] | undefined;
  /** Its name for people (RFC 9728 `resource_name`). */
  readonly displayName?: string | undefined;
  /** A page that documents it for developers (RFC 9728 `resource_documentation`). */
  readonly documentation?: string | undefined;
}

/** What `MultiAuthModule.forRoot()` takes and the factory of `forRootAsync()` returns. */
export interface MultiAuthOptions {
  /**
   * The public URL of the app, such as `https://mcp.example.com` or `https://example.com/tenant`.
   * The server's endpoints live under it and it is the server's issuer identifier. https, or http
   * on loopback. Required with a `server`.
   */
  readonly baseUrl?: string | undefined;
  /**
   * The source that is tried first and that alone owns the OAuth endpoints and the metadata, such
   * as an `OAuthProxy` or a `LocalAuthProvider`. A plain verifier is possible too; it then contributes no routes.
   */
  readonly server?: AuthProvider | TokenVerifier | undefined;
  /** More sources, tried in order after the server. They add verification and nothing else. */
  readonly verifiers?: TokenVerifier | readonly TokenVerifier[] | undefined;
  /** The one protected endpoint. @default `/mcp` */
  readonly resource?: string | ResourceOptions | undefined;
  /** Several protected endpoints by name, for `@McpAuth({ resource: 'name' })`. */
  readonly resources?: Readonly<Record<string, string | ResourceOptions>> | undefined;
  /** What resource paths are relative to. @default the origin and path of `baseUrl` */
  readonly resourceBaseUrl?: string | undefined;
  /**
   * The scopes every request needs, whichever source accepts its token. An empty list clears what
   * the server would demand.
   * @default the server's `requiredScopes`
   */
  readonly requiredScopes?: readonly string[] | undefined;
  /** The narrower scopes that a broad one includes, such as `{ 'files:write': ['files:read'] }`. */
  readonly impliedScopes?: ImpliedScopes | undefined;
  /** How long one source may take to answer, in seconds. @default 10 */
  readonly sourceTimeoutSeconds?: number | undefined;
}

/** For `forRootAsync({ useClass })` and `forRootAsync({ useExisting })`. */
export interface MultiAuthOptionsFactory {
  createMultiAuthOptions(): Promise<MultiAuthOptions> | MultiAuthOptions;
}

/** What must be known before any factory runs, beside the options. */
export interface MultiAuthModuleExtras {
  /** Makes the guard available in every module without an import. @default false */
  isGlobal?: boolean | undefined;
  /**
   * Decorators for the controller of the OAuth endpoints and metadata: put the marker here with
   * which the app's own global guard lets public routes pass.
   * @default []
   */
  controllerDecorators?: readonly ClassDecorator[] | undefined;
}
