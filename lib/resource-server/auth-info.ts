import type { ProtectedResource } from '../resources/protected-resource.js';
import type { AccessToken } from '../verifiers/access-token.js';

/** The token as MCP SDKs want it on `req.auth`; assignable to their `AuthInfo`. */
export interface AuthInfo {
  token: string;
  clientId: string;
  scopes: string[];
  /** In seconds since the epoch. */
  expiresAt?: number;
  /** The resource the request was made to. */
  readonly resource: URL;
  /** Where a scope challenge of the SDK points to. */
  resourceMetadataUrl?: string;
  extra: Record<string, unknown>;
}

/** Renders a token as the SDK's `AuthInfo`. What the SDK may change is a copy. */
export function toAuthInfo(
  token: AccessToken,
  resource: ProtectedResource,
  metadataUrl: string | undefined,
): AuthInfo {
  const info: AuthInfo = {
    token: token.token,
    clientId: token.clientId,
    scopes: [...token.scopes],
    // Parsed when read, which most requests never do.
    get resource() {
      return new URL(resource.identifier);
    },
    extra: {
      subject: token.subject,
      issuer: token.issuer,
      source: token.source,
      claims: token.claims,
    },
  };
  if (token.expiresAt !== undefined) info.expiresAt = token.expiresAt;
  if (metadataUrl !== undefined) info.resourceMetadataUrl = metadataUrl;
  return info;
}
