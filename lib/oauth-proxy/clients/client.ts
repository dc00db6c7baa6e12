import type { ClientKeySet } from './client-keys.js';

export type GrantType = 'authorization_code' | 'refresh_token';

/** The grants a client may use (RFC 7591 §2 `grant_types`). */
export const clientGrantTypes: readonly GrantType[] = ['authorization_code', 'refresh_token'];

/** How a client proves who it is (RFC 7591 §2 `token_endpoint_auth_method`, RFC 7523). */
export type ClientAuthenticationMethod =
  'none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt';

export const clientAuthenticationMethods: readonly ClientAuthenticationMethod[] = [
  'none',
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
];

/** An OAuth client (RFC 6749 §2), however it became known. */
export interface Client {
  readonly id: string;
  /**
   * Where it is known from: the operator's configuration, its own registration (RFC 7591), or the
   * document its id points to (OAuth Client ID Metadata Document).
   */
  readonly origin: 'configured' | 'registered' | 'metadata_document';
  /** What it calls itself. Nobody checked it. */
  readonly name?: string;
  readonly uri?: string;
  readonly redirectUris: readonly string[];
  readonly grantTypes: readonly GrantType[];
  readonly authenticationMethod: ClientAuthenticationMethod;
  /** With `client_secret_basic` and `client_secret_post`: the secret's `hashSecret`. */
  readonly secretHash?: string;
  /** With `private_key_jwt`: its public keys, or where they are published. One of the two. */
  readonly jwks?: ClientKeySet;
  readonly jwksUri?: string;
  /** The scopes it gets when it asks for none. Not a ceiling. */
  readonly scopes?: readonly string[];
  readonly applicationType?: 'native' | 'web';
  /** Registered by one who had an initial access token. */
  readonly vetted?: true;
  readonly issuedAt: number;
}
