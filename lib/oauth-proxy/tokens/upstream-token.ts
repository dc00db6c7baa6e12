import { inspect } from 'node:util';

/** What a token is made of. */
interface UpstreamTokenParts {
  readonly accessToken: string;
  readonly expiresAt?: number | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly issuedTokenType?: string | undefined;
}

/** An access token of the upstream. Printed or turned into JSON it shows everything but itself. */
export class UpstreamToken {
  // Private for good, and not enumerable: logs, JSON and copies get the facts alone.
  readonly #accessToken: string;
  /** When it expires, in seconds since the epoch; absent when the upstream did not say. */
  readonly expiresAt: number | undefined;
  /** Its scopes in the upstream's terms; absent when the upstream did not name them. */
  readonly scopes: readonly string[] | undefined;
  /** What an exchange gave out (RFC 8693 §3); absent for the token of a login. */
  readonly issuedTokenType: string | undefined;

  constructor(parts: UpstreamTokenParts) {
    this.#accessToken = parts.accessToken;
    this.expiresAt = parts.expiresAt;
    this.scopes = parts.scopes && [...parts.scopes];
    this.issuedTokenType = parts.issuedTokenType;
  }

  /** The token itself, to be sent to the upstream's APIs and nowhere else. */
  get accessToken(): string {
    return this.#accessToken;
  }

  /** What `console.log` shows, also with `getters: true`. */
  [inspect.custom](): object {
    const { expiresAt, scopes, issuedTokenType } = this;
    return { expiresAt, scopes, issuedTokenType };
  }
}
