import type { Awaitable } from '../common/awaitable.js';
import type { VerifiedToken } from './access-token.js';
import type { UnverifiedJwt } from './unverified-jwt.js';

/** What a verifier may know of the request beside the token. */
export interface VerificationContext {
  /** The resource the token was presented at, as published (RFC 9728 `resource`). */
  readonly resource: string;
  /** The token read as a JWT, nothing of it verified; undefined when it is none. A hint only. */
  readonly unverifiedJwt: UnverifiedJwt | undefined;
  /** True when what was remembered of the token does not do: at the re-check of a login. */
  readonly fresh?: boolean | undefined;
  /** Aborts when the source's time is up. Pass it on to whatever you call. */
  readonly signal: AbortSignal;
  /**
   * Says why the token is refused, for events and logs alone, and returns null:
   * `return context.reject('expired')`.
   */
  reject(reason: string): null;
}

/**
 * Tells whether a token is genuine, and whose it is.
 *
 * `verifyToken` answers with the token's content; or null when the token is not acceptable; or
 * throws when it cannot know (the request is then answered 503 unless another source accepts).
 */
export interface TokenVerifier {
  /** Names the source in events, logs and `AccessToken.source`. Default: the class name. */
  readonly name?: string;
  /** The scopes a token must have for this source to accept it. */
  readonly requiredScopes?: readonly string[];
  /**
   * By how many seconds the issuer's clock may differ when the expiry is judged; 30 at most.
   * @default 0
   */
  readonly clockToleranceSeconds?: number;
  /**
   * True when a token must name the resource it is presented at (RFC 8707). Such a source does not
   * boot where no resource has a URL.
   * @default false
   */
  readonly boundToResource?: boolean;
  /**
   * True when the source judges by the token alone, as by a signature: it goes on to accept what
   * was revoked meanwhile, and re-checks no login.
   * @default false
   */
  readonly verifiesOffline?: boolean;
  /**
   * How long the source may take to answer, in seconds, up to 60.
   * @default the module's `sourceTimeoutSeconds`
   */
  readonly timeoutSeconds?: number | undefined;
  /**
   * A header in which its tokens may come as well, beside `Authorization: Bearer`, such as
   * `x-api-key`. What comes there is offered to the sources that name the header and to no others; a
   * request that has both is refused. Default: none
   */
  readonly header?: string | undefined;

  verifyToken(token: string, context: VerificationContext): Awaitable<VerifiedToken | null>;

  /**
   * Tells cheaply, without any network, whether the token could be this source's own: `true` for a
   * token it owns (its issuer), `false` for one it cannot accept, undefined when it cannot tell.
   * A token that one or more sources own is offered to those alone. Never a verdict.
   */
  recognizes?(token: string, context: VerificationContext): boolean | undefined;

  /**
   * Translates scopes to the names a client must ask its authorization server for,
   * as some vendors prefix them. Default: unchanged.
   */
  challengeScopes?(scopes: readonly string[]): readonly string[];
}
