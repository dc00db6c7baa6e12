import type { JWK } from 'jose';
import { hashSecret, readSecretHash } from '../crypto/hash.js';
import type { Client, ClientAuthenticationMethod, GrantType } from './clients/client.js';

/**
 * A client the operator knows, which needs no registration. It is public unless it has a secret or
 * keys.
 */
export interface ConfiguredClient {
  readonly clientId: string;
  /** What the consent page calls it. @default none */
  readonly clientName?: string | undefined;
  /** The client's home page. @default none */
  readonly clientUri?: string | undefined;
  readonly redirectUris: readonly string[];
  /** `web` keeps its redirect URIs to https on a real host. @default no such limit */
  readonly applicationType?: 'native' | 'web' | undefined;
  /** The grants it may use; `authorization_code` is one of them. @default both */
  readonly grantTypes?: readonly GrantType[] | undefined;
  /** The scopes it gets when it asks for none. @default the server's default ones */
  readonly scopes?: readonly string[] | undefined;
  /**
   * The one way in which it proves who it is.
   * @default `client_secret_basic` with a secret, `private_key_jwt` with keys, else `none`
   */
  readonly tokenEndpointAuthMethod?: ClientAuthenticationMethod | undefined;
  /** Its secret: at least 32 random bytes. Only the hash is kept. */
  readonly clientSecret?: string | undefined;
  /** The SHA-256 of such a secret instead, in hexadecimal or base64url, as `sha256sum` prints it. */
  readonly clientSecretHash?: string | undefined;
  /** Its public keys, for `private_key_jwt`. */
  readonly jwks?: { readonly keys: readonly JWK[] } | undefined;
  /** Where it publishes them instead: https, or http on this very machine. */
  readonly jwksUri?: string | undefined;
}

/** The operator's clients as the server sees them; nothing of them is a secret any more. */
export function toClient(configured: ConfiguredClient): Client {
  const { clientName, clientUri, applicationType, scopes, jwks, jwksUri } = configured;
  const secretHash = secretHashOf(configured);
  return {
    id: configured.clientId,
    origin: 'configured',
    redirectUris: [...configured.redirectUris],
    grantTypes: [...(configured.grantTypes ?? ['authorization_code', 'refresh_token'])],
    authenticationMethod: authenticationMethodOf(configured),
    issuedAt: 0,
    ...(clientName !== undefined && { name: clientName }),
    ...(clientUri !== undefined && { uri: clientUri }),
    ...(applicationType !== undefined && { applicationType }),
    ...(scopes !== undefined && { scopes: [...scopes] }),
    ...(secretHash !== undefined && { secretHash }),
    ...(jwks !== undefined && { jwks: { keys: [...jwks.keys] } }),
    ...(jwksUri !== undefined && { jwksUri }),
  };
}

/** The method that is named, or that follows from what the client has. */
export function authenticationMethodOf(client: ConfiguredClient): ClientAuthenticationMethod {
  if (client.tokenEndpointAuthMethod !== undefined) return client.tokenEndpointAuthMethod;
  if (client.clientSecret !== undefined || client.clientSecretHash !== undefined) {
    return 'client_secret_basic';
  }
  return client.jwks !== undefined || client.jwksUri !== undefined ? 'private_key_jwt' : 'none';
}

function secretHashOf({ clientSecret, clientSecretHash }: ConfiguredClient): string | undefined {
  return clientSecret === undefined ? readSecretHash(clientSecretHash) : hashSecret(clientSecret);
}
