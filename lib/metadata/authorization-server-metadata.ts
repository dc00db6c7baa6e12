/** The metadata document of an authorization server, as on the wire (RFC 8414 §2). */
export interface AuthorizationServerMetadata {
  /** Byte-equal to the `iss` of authorization responses and tokens. */
  readonly issuer: string;
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
  readonly registration_endpoint?: string;
  readonly revocation_endpoint?: string;
  readonly introspection_endpoint?: string;
  readonly jwks_uri?: string;
  readonly scopes_supported?: readonly string[];
  readonly response_types_supported: readonly string[];
  readonly response_modes_supported: readonly ['query'];
  readonly grant_types_supported: readonly string[];
  readonly token_endpoint_auth_methods_supported: readonly string[];
  /** With `private_key_jwt`: how its assertions may be signed. */
  readonly token_endpoint_auth_signing_alg_values_supported?: readonly string[];
  readonly revocation_endpoint_auth_methods_supported?: readonly string[];
  readonly revocation_endpoint_auth_signing_alg_values_supported?: readonly string[];
  readonly introspection_endpoint_auth_methods_supported?: readonly string[];
  readonly code_challenge_methods_supported: readonly string[];
  /** The server takes URLs as client ids (OAuth Client ID Metadata Document). */
  readonly client_id_metadata_document_supported?: boolean;
  /** Authorization responses carry `iss` (RFC 9207 §3). */
  readonly authorization_response_iss_parameter_supported: boolean;
  readonly service_documentation?: string;
  /** The resources this server issues tokens for (RFC 9728 §4). */
  readonly protected_resources?: readonly string[];
}
