import type { Endpoint, EndpointRoute } from '../http/endpoint.js';
import type { AuthorizationServerMetadata } from '../metadata/authorization-server-metadata.js';
import { documentRoute } from '../metadata/document.endpoint.js';
import { authorizationServerPaths } from '../metadata/well-known-paths.js';
import { clientAuthenticationMethods } from './clients/client.js';

interface ProxyFacts {
  readonly issuer: string;
  /** Under which the endpoints live; the issuer may be another URL. */
  readonly baseUrl: string;
  readonly callbackUrl: string;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  readonly serviceDocumentation: string | undefined;
  /** The public keys, when tokens are signed with any. */
  readonly jwks: object | undefined;
}

interface ProxyEndpoints {
  readonly register: Endpoint;
  readonly authorize: Endpoint;
  readonly consentPage: Endpoint;
  readonly consentDecision: Endpoint;
  readonly callback: Endpoint;
  readonly token: Endpoint;
  readonly revoke: Endpoint;
}

/** The route table of the proxy. */
export function proxyRoutes(facts: ProxyFacts, its: ProxyEndpoints): readonly EndpointRoute[] {
  const base = new URL(facts.baseUrl).pathname.replace(/\/$/, '');
  const page = { cors: 'none', audience: 'person' } as const;
  const api = { cors: 'any', audience: 'client' } as const;
  return [
    { ...page, path: `${base}/authorize`, methods: { GET: its.authorize, POST: its.authorize } },
    {
      ...page,
      path: `${base}/consent`,
      methods: { GET: its.consentPage, POST: its.consentDecision },
    },
    { ...page, path: new URL(facts.callbackUrl).pathname, methods: { GET: its.callback } },
    { ...api, path: `${base}/register`, methods: { POST: its.register } },
    { ...api, path: `${base}/token`, methods: { POST: its.token } },
    { ...api, path: `${base}/revoke`, methods: { POST: its.revoke } },
    ...(facts.jwks ? [documentRoute(`${base}/jwks`, facts.jwks)] : []),
    ...authorizationServerPaths(facts.issuer).map((path) => documentRoute(path, metadata(facts))),
  ];
}

/** What the server can do, and nothing that it cannot. @see RFC 8414 §2 */
function metadata(facts: ProxyFacts): AuthorizationServerMetadata {
  const { issuer, baseUrl, jwks, serviceDocumentation } = facts;
  return {
    issuer,
    authorization_endpoint: `${baseUrl}/authorize`,
    token_endpoint: `${baseUrl}/token`,
    registration_endpoint: `${baseUrl}/register`,
    revocation_endpoint: `${baseUrl}/revoke`,
    ...(jwks && { jwks_uri: `${baseUrl}/jwks` }),
    scopes_supported: facts.scopes,
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_methods_supported: clientAuthenticationMethods,
    revocation_endpoint_auth_methods_supported: clientAuthenticationMethods,
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    protected_resources: facts.resources,
    ...(serviceDocumentation !== undefined && { service_documentation: serviceDocumentation }),
  };
}
