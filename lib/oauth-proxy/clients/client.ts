export type GrantType = 'authorization_code' | 'refresh_token';

export type ClientAuthenticationMethod = 'none' | 'client_secret_basic' | 'client_secret_post';

export const clientAuthenticationMethods: readonly ClientAuthenticationMethod[] = [
  'none',
  'client_secret_basic',
  'client_secret_post',
];

/** An OAuth client (RFC 6749 §2), however it became known. */
export interface Client {
  readonly id: string;
  /** Where it is known from: the operator's configuration, or its own registration (RFC 7591). */
  readonly origin: 'configured' | 'registered';
  /** What it calls itself. Nobody checked it. */
  readonly name?: string;
  readonly uri?: string;
  readonly redirectUris: readonly string[];
  readonly grantTypes: readonly GrantType[];
  readonly authenticationMethod: ClientAuthenticationMethod;
  readonly secretHash?: string;
  /** The scopes it gets when it asks for none. Not a ceiling. */
  readonly scopes?: readonly string[];
  readonly applicationType?: 'native' | 'web';
  readonly issuedAt: number;
}
