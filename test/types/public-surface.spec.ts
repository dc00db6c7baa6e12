import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import * as api from '../../lib/index.js';
import * as postgres from '../../lib/postgres.js';
import * as redis from '../../lib/redis.js';
import * as testing from '../../lib/testing.js';

const REPOSITORY = join(import.meta.dirname, '../..');

/** Everything an app can import and use at run time. Adding a name is a promise to keep it. */
const values = [
  'AccessToken',
  'allowDebugTokens',
  'anyAudience',
  'Auth0Provider',
  'Auth0Upstream',
  'AuthKitProvider',
  'ApiKeyVerifier',
  'AuthProvider',
  'ClerkUpstream',
  'Clock',
  'CognitoUpstream',
  'ConfigurationError',
  'dangerouslyTrustUnknownClients',
  'dangerouslyWithoutConsent',
  'DebugTokenVerifier',
  'DescopeProvider',
  'DiscordTokenVerifier',
  'DiscordUpstream',
  'EntraB2cUpstream',
  'EntraUpstream',
  'externalConsent',
  'GitHubTokenVerifier',
  'GitHubUpstream',
  'GitLabUpstream',
  'GoogleTokenVerifier',
  'GoogleUpstream',
  'HuggingFaceUpstream',
  'generateApiKey',
  'IntrospectionVerifier',
  'JwtVerifier',
  'KeycloakProvider',
  'KeyValueStore',
  'LmdbStore',
  'LocalAuthProvider',
  'MCP_BEARER',
  'McpAuth',
  'McpAuthGuard',
  'McpBearerStrategy',
  'MemoryStore',
  'MultiAuthError',
  'MultiAuthEvents',
  'MultiAuthModule',
  'MultiAuthService',
  'OAuth2Upstream',
  'OAuthError',
  'OAuthException',
  'OAuthProvider',
  'OAuthProxy',
  'OciUpstream',
  'OidcUpstream',
  'OktaUpstream',
  'PropelAuthProvider',
  'RemoteAuthProvider',
  'RequireScopes',
  'ResourceRegistry',
  'ScalekitProvider',
  'SkipMcpAuth',
  'SlackUpstream',
  'StaticTokenVerifier',
  'StorageError',
  'SupabaseProvider',
  'SystemClock',
  'TrustedIssuersVerifier',
  'UpstreamError',
  'UpstreamToken',
  'UpstreamTokens',
  'VerifierUnavailableError',
  'WorkOSUpstream',
  'ZitadelUpstream',
];

/** Everything an app can only name in types. */
const types = [
  'Auth0ProviderOptions',
  'ApiKey',
  'ApiKeyVerifierOptions',
  'Auth0UpstreamOptions',
  'AuthInfo',
  'AuthKitProviderOptions',
  'AuthProviderHost',
  'ChainVerdict',
  'ClerkUpstreamOptions',
  'ClientAuthentication',
  'ClientIdMetadataDocumentOptions',
  'CognitoUpstreamOptions',
  'ConfigurationIssue',
  'ConfiguredClient',
  'ConsentMode',
  'ConsentPageRenderer',
  'ConsentView',
  'DebugTokenVerifierOptions',
  'DescopeProviderOptions',
  'DiscordTokenVerifierOptions',
  'DiscordUpstreamOptions',
  'Endpoint',
  'EndpointMethod',
  'EndpointRedirect',
  'EndpointRequest',
  'EndpointResponse',
  'EndpointRoute',
  'EntraB2cUpstreamOptions',
  'EntraUpstreamOptions',
  'GitHubTokenVerifierOptions',
  'GitHubUpstreamOptions',
  'GitLabUpstreamOptions',
  'GoogleTokenVerifierOptions',
  'GoogleUpstreamOptions',
  'FindApiKey',
  'GeneratedApiKey',
  'GrantSummary',
  'HuggingFaceUpstreamOptions',
  'ImpliedScopes',
  'InitialAccessTokenCheck',
  'IntrospectionClient',
  'IntrospectionVerifierOptions',
  'JwtVerifierOptions',
  'KeyListSource',
  'KeycloakProviderOptions',
  'Lifetimes',
  'LmdbStoreOptions',
  'LocalAuthProviderOptions',
  'LocalLogin',
  'LocalUser',
  'LocalizedText',
  'McpAuthOptions',
  'McpBearerOptions',
  'MemoryStoreOptions',
  'MessageTranslations',
  'MultiAuthEventMap',
  'MultiAuthEventName',
  'MultiAuthHealth',
  'MultiAuthModuleExtras',
  'MultiAuthOptions',
  'MultiAuthOptionsFactory',
  'OAuth2UpstreamOptions',
  'OAuthErrorCode',
  'OAuthProxyOptions',
  'OAuthServerOptions',
  'OciUpstreamOptions',
  'OidcEndpoints',
  'OidcUpstreamOptions',
  'OktaUpstreamOptions',
  'PageMessages',
  'PartHealth',
  'PropelAuthProviderOptions',
  'ProtectedResource',
  'RateLimit',
  'RateLimits',
  'RegistrationOptions',
  'RemoteAuthProviderOptions',
  'RemotePresetOptions',
  'ResourceOptions',
  'ResponseCookie',
  'RevocationTarget',
  'ScopeMapping',
  'ScalekitProviderOptions',
  'SlackUpstreamOptions',
  'SourceReason',
  'StaticToken',
  'StaticTokenVerifierOptions',
  'SupabaseProviderOptions',
  'TokenToVerify',
  'TokenUse',
  'TokenVerdict',
  'TokenVerifier',
  'TrustedIssuersVerifierOptions',
  'TrustIssuer',
  'UnverifiedJwt',
  'Upstream',
  'UpstreamAuthorization',
  'UpstreamCallback',
  'UpstreamExchangedToken',
  'UpstreamGrant',
  'UpstreamHost',
  'UpstreamIdentity',
  'UpstreamLoginFacts',
  'UpstreamOptions',
  'UpstreamTokenExchange',
  'UpstreamTokenSet',
  'UpstreamVerdict',
  'VendorTokenVerifierOptions',
  'VerificationContext',
  'VerifiedToken',
  'WorkOSUpstreamOptions',
  'ZitadelUpstreamOptions',
];

/** The entry points beside the main one. */
const others = [
  {
    name: 'postgres',
    module: postgres,
    values: ['PostgresStore'],
    types: ['PostgresPool', 'PostgresPoolClient', 'PostgresStoreOptions', 'PostgresTableOptions'],
  },
  {
    name: 'redis',
    module: redis,
    values: ['RedisStore'],
    types: ['RedisClusterOptions', 'RedisStoreOptions'],
  },
  {
    name: 'testing',
    module: testing,
    values: ['keyValueStoreContract', 'ManualClock', 'raceInProcesses'],
    types: ['ContractCase', 'KeyValueStoreContractOptions', 'RaceOptions', 'RaceReport'],
  },
];

describe.each([{ name: 'index', module: api, values, types }, ...others])(
  'the public surface of $name',
  (surface) => {
    it('has these values and no others', () => {
      expect(Object.keys(surface.module).sort()).toEqual(surface.values.toSorted());
    });

    it('has these types and no others', () => {
      const exported = exportedNames(surface.name);
      const isValue = (name: string): boolean => name in surface.module;
      expect(exported.filter((name) => !isValue(name)).sort()).toEqual(surface.types.toSorted());
      expect(exported.filter(isValue).sort()).toEqual(surface.values.toSorted());
    });

    it('is an entry point of the package', () => {
      const manifest = readFileSync(join(REPOSITORY, 'package.json'), 'utf8');
      const { exports } = JSON.parse(manifest) as { exports: Record<string, unknown> };
      expect(exports[surface.name === 'index' ? '.' : `./${surface.name}`]).toEqual({
        types: `./dist/${surface.name}.d.ts`,
        default: `./dist/${surface.name}.js`,
      });
    });
  },
);

/** The names in the export lists of the entry point, types included. */
function exportedNames(entryPoint: string): readonly string[] {
  const index = readFileSync(join(REPOSITORY, `lib/${entryPoint}.ts`), 'utf8');
  return [...index.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap(([, list = '']) =>
    list
      .split(',')
      .map((entry) => entry.trim().replace(/^type /, ''))
      .filter((entry) => entry !== ''),
  );
}
