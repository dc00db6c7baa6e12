// Compiled, never run: what the option types refuse. Each line that must not compile says so.
import {
  DebugTokenVerifier,
  externalConsent,
  JwtVerifier,
  MultiAuthModule,
  type MultiAuthOptions,
  OAuth2Upstream,
  OAuthProxy,
  type OAuthProxyOptions,
  StaticTokenVerifier,
  type TokenVerifier,
} from '../../lib/index.js';

const verifier: TokenVerifier = { verifyToken: () => null };
const later: TokenVerifier = { verifyToken: async () => ({ clientId: 'c', scopes: [] }) };

export const one: MultiAuthOptions = { verifiers: verifier };
export const several: MultiAuthOptions = { verifiers: [verifier, later], requiredScopes: [] };
export const verifierAsServer: MultiAuthOptions = { server: verifier };

// @ts-expect-error a typo
export const typo: MultiAuthOptions = { verifiers: verifier, requiredScope: ['mcp:use'] };
// @ts-expect-error a scope is a list
export const scope: MultiAuthOptions = { verifiers: verifier, requiredScopes: 'mcp:use' };
// @ts-expect-error an object without verifyToken
export const noVerifier: MultiAuthOptions = { verifiers: { verify: () => null } };
// What an environment may not have is as good as absent.
export const absent: MultiAuthOptions = { verifiers: verifier, baseUrl: undefined };
// @ts-expect-error resources have names
export const nameless: MultiAuthOptions = { verifiers: verifier, resources: ['/a'] };
// @ts-expect-error a URL is a text
export const url: MultiAuthOptions = { baseUrl: new URL('https://a.example') };

// @ts-expect-error no text switches consent off
export const consentless: OAuthProxyOptions['consent'] = 'external';
export const external: OAuthProxyOptions['consent'] = externalConsent;
export const translated: OAuthProxyOptions['messages'] = { de: { approve: 'Ja' } };
// @ts-expect-error a message that there is not
export const unknown: OAuthProxyOptions['messages'] = { de: { aprove: 'Ja' } };

// @ts-expect-error a verified token says whose client it is
export const anonymous: TokenVerifier = { verifyToken: () => ({ scopes: [] }) };
// @ts-expect-error the scopes of a token are a list
export const text: TokenVerifier = { verifyToken: () => ({ clientId: 'c', scopes: 'a b' }) };
// @ts-expect-error a boolean is no verdict
export const yes: TokenVerifier = { verifyToken: () => true };

const upstream = new OAuth2Upstream({
  authorizationEndpoint: 'https://idp.example.com/authorize',
  tokenEndpoint: 'https://idp.example.com/token',
  clientId: 'app',
  tokenVerifier: verifier,
});
export const built = [
  new JwtVerifier({ jwksUri: 'https://a.example/jwks', issuer: 'https://a.example' }),
  // @ts-expect-error an issuer is not optional
  new JwtVerifier({ jwksUri: 'https://a.example/jwks', audience: 'mcp' }),
  // @ts-expect-error debug tokens need their symbol
  new DebugTokenVerifier({}),
  // @ts-expect-error a static token has a client
  new StaticTokenVerifier({ tokens: { 'a-long-token': { scopes: [] } } }),
  // @ts-expect-error a proxy needs an upstream
  new OAuthProxy({ secrets: [] }),
  new OAuthProxy({ upstream, lifetimes: { accessToken: 60 } }),
  // @ts-expect-error secrets are a list
  new OAuthProxy({ upstream, secrets: 'one' }),
  // @ts-expect-error lifetimes are seconds
  new OAuthProxy({ upstream, lifetimes: { accessToken: '1h' } }),
  // @ts-expect-error says who logged in
  new OAuth2Upstream({ authorizationEndpoint: 'a', tokenEndpoint: 'b', clientId: 'c' }),
];

MultiAuthModule.forRoot({ verifiers: verifier, isGlobal: true, controllerDecorators: [] });
// @ts-expect-error no option of the module
MultiAuthModule.forRoot({ verifiers: verifier, global: true });
