import type { Endpoint, EndpointRoute } from '../http/endpoint.js';
import type { AuthorizationServerMetadata } from '../metadata/authorization-server-metadata.js';
import { documentRoute } from '../metadata/document.endpoint.js';
import { authorizationServerPaths } from '../metadata/well-known-paths.js';
import { clientAssertionAlgorithms } from './clients/client-assertions.js';
import { clientAuthenticationMethods } from './clients/client.js';

interface ProxyFacts {
  readonly issuer: string;
  /** Under which the endpoints live; the issuer may be another URL. */
  readonly baseUrl: string;
  /** Absent where there is no upstream to come back from. */
  readonly callbackUrl: string | undefined;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  readonly serviceDocumentation: string | undefined;
  /** Tells the public keys, when tokens are signed with any. */
  readonly jwks: (() => unknown) | undefined;
  /** Whether a client id may be the URL of a document. */
  readonly clientDocuments: boolean;
}

interface ProxyEndpoints {
  /** Absent when nobody may register. */
  readonly register: Endpoint | undefined;
  readonly authorize: Endpoint;
  readonly consentPage: Endpoint;
  readonly consentDecision: Endpoint;
  readonly callback: Endpoint | undefined;
  /** How a person is shown what no endpoint foresaw. */
  readonly faultPage: NonNullable<EndpointRoute['faultPage']>;
  readonly token: Endpoint;
  readonly revoke: Endpoint;
  /** Absent when nobody may ask. */
  readonly introspect: Endpoint | undefined;
}

/** The route table of a server. */
export function proxyRoutes(facts: ProxyFacts, its: ProxyEndpoints): readonly EndpointRoute[] {
  const base = new URL(facts.baseUrl).pathname.replace(/\/$/, '');
  const page = { cors: 'none', audience: 'person', faultPage: its.faultPage } as const;
  const api = { cors: 'any', audience: 'client' } as const;
  const internal = { cors: 'none', audience: 'client' } as const;
  const document = metadata(facts, its);
  return [
    { ...page, path: `${base}/authorize`, methods: { GET: its.authorize, POST: its.authorize } },
    {
      ...page,
      path: `${base}/consent`,
      methods: { GET: its.consentPage, POST: its.consentDecision },
    },
    ...(its.callback && facts.callbackUrl !== undefined
      ? [{ ...page, path: new URL(facts.callbackUrl).pathname, methods: { GET: its.callback } }]
      : []),
    ...(its.register
      ? [{ ...api, path: `${base}/register`, methods: { POST: its.register } }]
      : []),
    { ...api, path: `${base}/token`, methods: { POST: its.token } },
    { ...api, path: `${base}/revoke`, methods: { POST: its.revoke } },
    ...(its.introspect
      ? [{ ...internal, path: `${base}/introspect`, methods: { POST: its.introspect } }]
      : []),
    ...(facts.jwks ? [documentRoute(`${base}/jwks`, facts.jwks)] : []),
    ...authorizationServerPaths(facts.issuer).map((path) => documentRoute(path, document)),
  ];
}

const introspectionAuthenticationMethods = ['client_secret_basic', 'client_secret_post'];

/** What the server can do, and nothing that it cannot. @see RFC 8414 §2 */
function metadata(
  facts: ProxyFacts,
  { register, introspect }: Pick<ProxyEndpoints, 'register' | 'introspect'>,
): AuthorizationServerMetadata {
  const { issuer, baseUrl, jwks, serviceDocumentation } = facts;
  return {
    issuer,
    authorization_endpoint: `${baseUrl}/authorize`,
    token_endpoint: `${baseUrl}/token`,
    ...(register && { registration_endpoint: `${baseUrl}/register` }),
    revocation_endpoint: `${baseUrl}/revoke`,
    ...(introspect && {
      introspection_endpoint: `${baseUrl}/introspect`,
      introspection_endpoint_auth_methods_supported: introspectionAuthenticationMethods,
    }),
    ...(jwks && { jwks_uri: `${baseUrl}/jwks` }),
    scopes_supported: facts.scopes,
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_methods_supported: clientAuthenticationMethods,
    token_endpoint_auth_signing_alg_values_supported: clientAssertionAlgorithms,
    revocation_endpoint_auth_methods_supported: clientAuthenticationMethods,
    revocation_endpoint_auth_signing_alg_values_supported: clientAssertionAlgorithms,
    code_challenge_methods_supported: ['S256'],
    ...(facts.clientDocuments && { client_id_metadata_document_supported: true }),
    authorization_response_iss_parameter_supported: true,
    protected_resources: facts.resources,
    ...(serviceDocumentation !== undefined && { service_documentation: serviceDocumentation }),
  };
}
