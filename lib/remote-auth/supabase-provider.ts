import type { VerifiedToken } from '../verifiers/access-token.js';
import type { AuthProviderHost } from '../verifiers/auth-provider.js';
import type { VerificationContext } from '../verifiers/token-verifier.js';
import { PresetReader, presetProvider, type RemotePresetOptions } from './preset-options.js';
import { RemoteAuthProvider } from './remote-auth-provider.js';
import { VendorJwtVerifier } from './vendor-jwt.verifier.js';

const everyApplication = 'authenticated';

/** Your project at Supabase. */
export interface SupabaseProviderOptions extends RemotePresetOptions {
  /** The project: `https://your-ref.supabase.co`, or your own host. */
  readonly projectUrl: string;
  /** Where Supabase Auth is below it. @default /auth/v1 */
  readonly authRoute?: string | undefined;
  /**
   * What tokens must be for: the URL of the resource, when a custom access token hook of the project
   * puts it into `aud`.
   * @default authenticated, as in all tokens of the project
   */
  readonly audience?: string | readonly string[] | undefined;
  /**
   * Whether the sessions of the project's own apps are accepted as well: tokens without a `client_id`,
   * for which nobody agreed to anything.
   * @default false
   */
  readonly acceptSessions?: boolean | undefined;
  /** What the project signs with; not its old shared secret. @default ES256 and RS256 */
  readonly algorithms?: readonly string[] | undefined;
}

/**
 * Clients log in at Supabase Auth. Enable its OAuth 2.1 server and client registration, and asymmetric
 * signing keys. Its tokens have no scopes unless a hook of yours adds them.
 *
 * Pinned: issuer, and that an OAuth client got the token. Not pinned: the resource, since Supabase
 * knows no resource indicators (RFC 8707): a token that a client got for another MCP server of the project
 * passes here. A warning tells of it, until a hook writes the resource and `audience` demands it.
 * @see https://supabase.com/docs/guides/auth/oauth-server/mcp-authentication
 */
export class SupabaseProvider extends RemoteAuthProvider {
  readonly #isPinned: boolean;

  constructor(options: SupabaseProviderOptions) {
    const own = ['acceptSessions', 'algorithms', 'audience', 'authRoute', 'projectUrl'] as const;
    const read = new PresetReader('SupabaseProvider', options, own);
    const project = read.origin('projectUrl');
    const { authRoute = '/auth/v1', algorithms = ['ES256', 'RS256'] } = options;
    if (!/^(?:\/[\w.-]+)+$/.test(authRoute)) {
      read.report('authRoute', 'must be a path such as /auth/v1, without a slash at its end');
    }
    read.texts('audience');
    read.flag('acceptSessions');
    read.assertUsable();
    const { audience = everyApplication, acceptSessions = false } = options;
    const issuer = project + authRoute;
    const jwksUri = `${issuer}/.well-known/jwks.json`;
    const tokenVerifier = new VendorJwtVerifier(
      options,
      { issuer, jwksUri, audience, algorithms },
      acceptSessions ? undefined : onlyOfClients,
    );
    super(presetProvider(options, { server: issuer, tokenVerifier }));
    this.#isPinned = ![audience].flat().includes(everyApplication);
  }

  override async start(host: AuthProviderHost): Promise<void> {
    await super.start(host);
    if (this.#isPinned) return;
    host.events.emit('configuration.warning', {
      option: 'audience',
      warning: 'tokens of Supabase name no resource: one for another server of the project passes',
    });
  }
}

function onlyOfClients(token: VerifiedToken, context: VerificationContext): VerifiedToken | null {
  return typeof token.claims?.['client_id'] === 'string' ? token : context.reject('no_client');
}
