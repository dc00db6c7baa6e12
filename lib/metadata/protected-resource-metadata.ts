import type { ProtectedResource } from '../resources/protected-resource.js';

/** The metadata document of a protected resource, as on the wire (RFC 9728 §2). */
export interface ProtectedResourceMetadata {
  readonly resource: string;
  readonly authorization_servers?: readonly string[];
  readonly scopes_supported?: readonly string[];
  readonly bearer_methods_supported: readonly ['header'];
  readonly resource_name?: string;
  readonly resource_documentation?: string;
}

/** What a resource's document says beside the resource itself. */
export interface AdvertisedAuthorization {
  /** The issuers whose tokens the resource accepts; clients use the first one. */
  readonly authorizationServers: readonly string[];
  /** The scopes a client should ask for. */
  readonly scopes: readonly string[];
}

/** Renders the metadata document of a resource. */
export function renderProtectedResourceMetadata(
  resource: ProtectedResource,
  advertised: AdvertisedAuthorization,
): ProtectedResourceMetadata {
  // `offline_access` concerns the client and the authorization server, never the resource.
  const scopes = advertised.scopes.filter((scope) => scope !== 'offline_access');
  const { authorizationServers: servers } = advertised;
  return Object.freeze({
    resource: resource.identifier,
    // RFC 9728 §3.2: members without a value are left out.
    ...(servers.length > 0 && { authorization_servers: [...servers] }),
    ...(scopes.length > 0 && { scopes_supported: scopes }),
    bearer_methods_supported: ['header'] as const,
    ...(resource.displayName !== undefined && { resource_name: resource.displayName }),
    ...(resource.documentation !== undefined && { resource_documentation: resource.documentation }),
  });
}
