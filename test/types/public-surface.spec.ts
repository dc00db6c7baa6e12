import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import * as api from '../../lib/index.js';

/** Everything an app can import and use at run time. Adding a name is a promise to keep it. */
const values = [
  'AccessToken',
  'allowDebugTokens',
  'anyAudience',
  'AuthProvider',
  'Clock',
  'ConfigurationError',
  'dangerouslyTrustUnknownClients',
  'dangerouslyWithoutConsent',
  'DebugTokenVerifier',
  'externalConsent',
  'IntrospectionVerifier',
  'JwtVerifier',
  'KeyValueStore',
  'LmdbStore',
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
  'OidcUpstream',
  'RequireScopes',
  'ResourceRegistry',
  'SkipMcpAuth',
  'StaticTokenVerifier',
  'StorageError',
  'SystemClock',
  'UpstreamError',
  'UpstreamToken',
  'UpstreamTokens',
  'VerifierUnavailableError',
];

/** Everything an app can only name in types. */
const types = [
  'AuthInfo',
  'AuthProviderHost',
  'ChainVerdict',
  'ClientAuthentication',
  'ClientIdMetadataDocumentOptions',
  'ConfigurationIssue',
  'ConfiguredClient',
  'ConsentMode',
  'ConsentPageRenderer',
  'ConsentView',
  'DebugTokenVerifierOptions',
  'Endpoint',
  'EndpointMethod',
  'EndpointRequest',
  'EndpointResponse',
  'EndpointRoute',
  'GrantSummary',
  'ImpliedScopes',
  'InitialAccessTokenCheck',
  'IntrospectionClient',
  'IntrospectionVerifierOptions',
  'JwtVerifierOptions',
  'KeyListSource',
  'Lifetimes',
  'LmdbStoreOptions',
  'LocalizedText',
  'McpAuthOptions',
  'McpBearerOptions',
  'MemoryStoreOptions',
  'MessageTranslations',
  'MultiAuthEventMap',
  'MultiAuthEventName',
  'MultiAuthModuleExtras',
  'MultiAuthOptions',
  'MultiAuthOptionsFactory',
  'OAuth2UpstreamOptions',
  'OAuthErrorCode',
  'OAuthProxyOptions',
  'OidcUpstreamOptions',
  'PageMessages',
  'ProtectedResource',
  'RateLimit',
  'RateLimits',
  'RegistrationOptions',
  'ResourceOptions',
  'ResponseCookie',
  'RevocationTarget',
  'SourceReason',
  'StaticToken',
  'StaticTokenVerifierOptions',
  'TokenToVerify',
  'TokenUse',
  'TokenVerdict',
  'TokenVerifier',
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
  'VerificationContext',
  'VerifiedToken',
];

describe('the public surface', () => {
  it('has these values and no others', () => {
    expect(Object.keys(api).sort()).toEqual([...values].sort());
  });

  it('has these types and no others', () => {
    const exported = exportedNames();
    expect(exported.filter((name) => !(name in api)).sort()).toEqual([...types].sort());
    expect(exported.filter((name) => name in api).sort()).toEqual([...values].sort());
  });
});

/** The names in the export lists of the index, types included. */
function exportedNames(): readonly string[] {
  const index = readFileSync(join(import.meta.dirname, '../../lib/index.ts'), 'utf8');
  return [...index.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap(([, list = '']) =>
    list
      .split(',')
      .map((entry) => entry.trim().replace(/^type /, ''))
      .filter((entry) => entry !== ''),
  );
}
