export { Clock, SystemClock } from './common/clock.js';
export {
  ConfigurationError,
  type ConfigurationIssue,
  MultiAuthError,
  StorageError,
  UpstreamError,
  VerifierUnavailableError,
} from './common/errors.js';
export {
  type MultiAuthEventMap,
  type MultiAuthEventName,
  MultiAuthEvents,
  type SourceReason,
} from './common/events.js';
export type { ImpliedScopes } from './common/scopes.js';
export type { KeyListSource } from './crypto/key-list.js';
export type {
  Endpoint,
  EndpointMethod,
  EndpointRedirect,
  EndpointRequest,
  EndpointResponse,
  EndpointRoute,
  ResponseCookie,
} from './http/endpoint.js';
export { OAuthError, type OAuthErrorCode } from './http/oauth-error.js';
export { MultiAuthModule } from './module/multi-auth.module.js';
export type {
  MultiAuthModuleExtras,
  MultiAuthOptions,
  MultiAuthOptionsFactory,
  ResourceOptions,
} from './module/multi-auth-options.js';
export type { MultiAuthHealth, PartHealth } from './module/health.js';
export { MultiAuthService, type TokenUse, type TokenVerdict } from './module/multi-auth-service.js';
export {
  LocalAuthProvider,
  type LocalAuthProviderOptions,
} from './oauth-proxy/local-auth-provider.js';
export type { LocalLogin } from './oauth-proxy/local/local-login-options.js';
export type { LocalUser } from './oauth-proxy/local/local-user.js';
export { OAuthProxy } from './oauth-proxy/oauth-proxy.js';
export type { ClientIdMetadataDocumentOptions } from './oauth-proxy/clients/client-id-metadata-document-options.js';
export type {
  InitialAccessTokenCheck,
  RegistrationOptions,
} from './oauth-proxy/clients/registration-options.js';
export type { ConfiguredClient } from './oauth-proxy/configured-client.js';
export type { RateLimit, RateLimits } from './oauth-proxy/limits/rate-limit-options.js';
export type { IntrospectionClient } from './oauth-proxy/introspection-clients.js';
export {
  type ConsentMode,
  dangerouslyTrustUnknownClients,
  dangerouslyWithoutConsent,
  externalConsent,
} from './oauth-proxy/consent/consent-mode.js';
export type { ConsentPageRenderer } from './oauth-proxy/consent/consent-page.js';
export type { ConsentView } from './oauth-proxy/consent/consent-view.js';
export type { OAuthProxyOptions } from './oauth-proxy/oauth-proxy-options.js';
export type { OAuthServerOptions } from './oauth-proxy/oauth-server-options.js';
export type { LocalizedText, MessageTranslations } from './oauth-proxy/pages/message-catalogue.js';
export type { PageMessages } from './oauth-proxy/pages/page-messages.js';
export type { Lifetimes } from './oauth-proxy/tokens/lifetimes.js';
export { UpstreamToken } from './oauth-proxy/tokens/upstream-token.js';
export { UpstreamTokens } from './oauth-proxy/tokens/upstream-tokens.js';
export {
  OAuth2Upstream,
  type OAuth2UpstreamOptions,
} from './oauth-proxy/upstream/oauth2.upstream.js';
export { OidcUpstream, type OidcUpstreamOptions } from './oauth-proxy/upstream/oidc.upstream.js';
export type { OidcEndpoints } from './oauth-proxy/upstream/oidc-endpoints.js';
export type {
  Upstream,
  UpstreamAuthorization,
  UpstreamCallback,
  UpstreamExchangedToken,
  UpstreamGrant,
  UpstreamHost,
  UpstreamIdentity,
  UpstreamLoginFacts,
  UpstreamTokenExchange,
  UpstreamTokenSet,
  UpstreamVerdict,
} from './oauth-proxy/upstream/upstream.js';

export type { TokenToVerify } from './oauth-proxy/upstream/upstream-identification.js';
export type { UpstreamOptions } from './oauth-proxy/upstream/upstream-options.js';
export type { ScopeMapping } from './oauth-proxy/upstream/upstream-scopes.js';
export { Auth0Provider, type Auth0ProviderOptions } from './remote-auth/auth0-provider.js';
export { AuthKitProvider, type AuthKitProviderOptions } from './remote-auth/authkit-provider.js';
export { DescopeProvider, type DescopeProviderOptions } from './remote-auth/descope-provider.js';
export { KeycloakProvider, type KeycloakProviderOptions } from './remote-auth/keycloak-provider.js';
export type { RemotePresetOptions } from './remote-auth/preset-options.js';
export {
  PropelAuthProvider,
  type PropelAuthProviderOptions,
} from './remote-auth/propelauth-provider.js';
export { RemoteAuthProvider } from './remote-auth/remote-auth-provider.js';
export type { RemoteAuthProviderOptions } from './remote-auth/remote-auth-provider-options.js';
export { ScalekitProvider, type ScalekitProviderOptions } from './remote-auth/scalekit-provider.js';
export { SupabaseProvider, type SupabaseProviderOptions } from './remote-auth/supabase-provider.js';
export { AccessToken } from './resource-server/access-token.decorator.js';
export type { AuthInfo } from './resource-server/auth-info.js';
export {
  McpAuth,
  type McpAuthOptions,
  RequireScopes,
  SkipMcpAuth,
} from './resource-server/mcp-auth.decorator.js';
export { McpAuthGuard } from './resource-server/mcp-auth.guard.js';
export {
  MCP_BEARER,
  type McpBearerOptions,
  McpBearerStrategy,
} from './resource-server/mcp-bearer.strategy.js';
export { OAuthException } from './resource-server/oauth.exception.js';
export type { ProtectedResource } from './resources/protected-resource.js';
export { ResourceRegistry } from './resources/resource-registry.js';
export { KeyValueStore } from './storage/key-value-store.js';
export { LmdbStore, type LmdbStoreOptions } from './storage/lmdb.store.js';
export { MemoryStore, type MemoryStoreOptions } from './storage/memory.store.js';
export { Auth0Upstream, type Auth0UpstreamOptions } from './upstreams/auth0.upstream.js';
export { ClerkUpstream, type ClerkUpstreamOptions } from './upstreams/clerk.upstream.js';
export { CognitoUpstream, type CognitoUpstreamOptions } from './upstreams/cognito.upstream.js';
export {
  DiscordTokenVerifier,
  type DiscordTokenVerifierOptions,
} from './upstreams/discord-token.verifier.js';
export { DiscordUpstream, type DiscordUpstreamOptions } from './upstreams/discord.upstream.js';
export { EntraB2cUpstream, type EntraB2cUpstreamOptions } from './upstreams/entra-b2c.upstream.js';
export { EntraUpstream, type EntraUpstreamOptions } from './upstreams/entra.upstream.js';
export {
  GitHubTokenVerifier,
  type GitHubTokenVerifierOptions,
} from './upstreams/github-token.verifier.js';
export { GitHubUpstream, type GitHubUpstreamOptions } from './upstreams/github.upstream.js';
export { GitLabUpstream, type GitLabUpstreamOptions } from './upstreams/gitlab.upstream.js';
export {
  GoogleTokenVerifier,
  type GoogleTokenVerifierOptions,
} from './upstreams/google-token.verifier.js';
export { GoogleUpstream, type GoogleUpstreamOptions } from './upstreams/google.upstream.js';
export {
  HuggingFaceUpstream,
  type HuggingFaceUpstreamOptions,
} from './upstreams/hugging-face.upstream.js';
export { OciUpstream, type OciUpstreamOptions } from './upstreams/oci.upstream.js';
export { OktaUpstream, type OktaUpstreamOptions } from './upstreams/okta.upstream.js';
export { SlackUpstream, type SlackUpstreamOptions } from './upstreams/slack.upstream.js';
export type { VendorTokenVerifierOptions } from './upstreams/vendor-token.verifier.js';
export { WorkOSUpstream, type WorkOSUpstreamOptions } from './upstreams/workos.upstream.js';
export { ZitadelUpstream, type ZitadelUpstreamOptions } from './upstreams/zitadel.upstream.js';
export type { VerifiedToken } from './verifiers/access-token.js';
export { AuthProvider, type AuthProviderHost } from './verifiers/auth-provider.js';
export {
  type GrantSummary,
  OAuthProvider,
  type RevocationTarget,
} from './verifiers/oauth-provider.js';
export {
  allowDebugTokens,
  DebugTokenVerifier,
  type DebugTokenVerifierOptions,
} from './verifiers/debug.verifier.js';
export { type GeneratedApiKey, generateApiKey } from './verifiers/api-key.js';
export { ApiKeyVerifier } from './verifiers/api-key.verifier.js';
export type {
  ApiKey,
  ApiKeyVerifierOptions,
  FindApiKey,
} from './verifiers/api-key-verifier-options.js';
export type { ClientAuthentication } from './verifiers/client-authentication.js';
export { IntrospectionVerifier } from './verifiers/introspection.verifier.js';
export {
  anyAudience,
  type IntrospectionVerifierOptions,
} from './verifiers/introspection-verifier-options.js';
export { JwtVerifier } from './verifiers/jwt.verifier.js';
export type { JwtVerifierOptions } from './verifiers/jwt-verifier-options.js';
export {
  StaticTokenVerifier,
  type StaticToken,
  type StaticTokenVerifierOptions,
} from './verifiers/static.verifier.js';
export { TrustedIssuersVerifier } from './verifiers/trusted-issuers.verifier.js';
export type { TrustedIssuersVerifierOptions } from './verifiers/trusted-issuers-verifier-options.js';
export type { TrustIssuer } from './verifiers/issuer-trust.js';
export type { TokenVerifier, VerificationContext } from './verifiers/token-verifier.js';
export type { ChainVerdict } from './verifiers/verifier-chain.js';
export type { UnverifiedJwt } from './verifiers/unverified-jwt.js';
