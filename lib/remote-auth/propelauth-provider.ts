import { IntrospectionVerifier } from '../verifiers/introspection.verifier.js';
import { PresetReader, presetProvider, type RemotePresetOptions } from './preset-options.js';
import { RemoteAuthProvider } from './remote-auth-provider.js';

/** Your place at PropelAuth. */
export interface PropelAuthProviderOptions extends RemotePresetOptions {
  /** The Auth URL of the environment: `https://auth.example.com`. */
  readonly authUrl: string;
  /** The credentials of MCP → Request Validation in the dashboard. */
  readonly introspectionClientId: string;
  readonly introspectionClientSecret: string;
  /** What tokens must be for. @default the resource at which they are presented */
  readonly audience?: string | readonly string[] | undefined;
  /** As `IntrospectionVerifierOptions.cacheSeconds`. @default 0: every request asks */
  readonly cacheSeconds?: number | undefined;
  /** As `IntrospectionVerifierOptions.maxCacheEntries`. @default 10_000 */
  readonly maxCacheEntries?: number | undefined;
  /** How long PropelAuth may take, in seconds, up to 60. @default 5 */
  readonly timeoutSeconds?: number | undefined;
}

/**
 * Clients log in at PropelAuth. Enable MCP there, with client registration. Every token is asked about
 * (RFC 7662): one that was revoked is refused at once, or after `cacheSeconds`.
 *
 * Pinned: `aud` to the resource, also when it is one of a list. The endpoint answers for no other
 * environment; what is a JWT that no other source knows is sent there too.
 * @see https://docs.propelauth.com/mcp-authentication/overview
 */
export class PropelAuthProvider extends RemoteAuthProvider {
  constructor(options: PropelAuthProviderOptions) {
    const read = new PresetReader('PropelAuthProvider', options, [
      'audience',
      'authUrl',
      'cacheSeconds',
      'introspectionClientId',
      'introspectionClientSecret',
      'maxCacheEntries',
      'timeoutSeconds',
    ]);
    const origin = read.origin('authUrl');
    read.text('introspectionClientId');
    read.text('introspectionClientSecret');
    read.texts('audience');
    read.assertUsable();
    const server = `${origin}/oauth/2.1`;
    const tokenVerifier = new IntrospectionVerifier({
      introspectionEndpoint: `${server}/introspect`,
      clientId: options.introspectionClientId,
      clientSecret: options.introspectionClientSecret,
      audience: options.audience,
      introspectForeignJwts: true,
      cacheSeconds: options.cacheSeconds,
      maxCacheEntries: options.maxCacheEntries,
      timeoutSeconds: options.timeoutSeconds,
      clockToleranceSeconds: options.clockToleranceSeconds,
      fetch: options.fetch,
      clock: options.clock,
    });
    super(presetProvider(options, { server, tokenVerifier }));
  }
}
