import type { Awaitable } from '../common/awaitable.js';
import type { VerifiedToken } from './access-token.js';
import { JwtCheck } from './jwt-check.js';
import { resolveJwtVerifierOptions } from './jwt-verifier-options.js';
import type { JwtVerifierOptions } from './jwt-verifier-options.js';
import type { TokenVerifier, VerificationContext } from './token-verifier.js';

/**
 * Accepts the JWTs of one issuer (RFC 7519): signed by its keys, for this audience, in their time.
 *
 * @throws {ConfigurationError} naming every option that is missing, wrong or unsafe.
 * @see RFC 8725 for the reasons of what it refuses.
 */
export class JwtVerifier implements TokenVerifier {
  readonly name: string;
  readonly requiredScopes: readonly string[];
  readonly clockToleranceSeconds: number;
  readonly timeoutSeconds: number | undefined;
  readonly boundToResource: boolean;
  readonly verifiesOffline = true;
  readonly #issuers: readonly string[];
  readonly #check: JwtCheck;

  constructor(options: JwtVerifierOptions) {
    const resolved = resolveJwtVerifierOptions(options);
    this.name = resolved.name;
    this.boundToResource = resolved.boundToResource;
    this.requiredScopes = resolved.policy.requiredScopes;
    this.clockToleranceSeconds = resolved.policy.clockToleranceSeconds;
    this.timeoutSeconds = options.timeoutSeconds;
    this.#issuers = resolved.policy.issuers;
    this.#check = new JwtCheck(resolved);
  }

  /** True for JWTs that name one of the issuers, false for everything else. */
  recognizes(_token: string, context: VerificationContext): boolean {
    const issuer = context.unverifiedJwt?.claims['iss'];
    return typeof issuer === 'string' && this.#issuers.includes(issuer);
  }

  verifyToken(token: string, context: VerificationContext): Awaitable<VerifiedToken | null> {
    return this.#check.verify(token, context);
  }
}
