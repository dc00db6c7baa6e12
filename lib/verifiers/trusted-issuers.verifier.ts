import { isPromise } from '../common/awaitable.js';
import type { Awaitable } from '../common/awaitable.js';
import type { VerifiedToken } from './access-token.js';
import {
  type ResolvedTrustedIssuersOptions,
  resolveTrustedIssuersOptions,
  type TrustedIssuersVerifierOptions,
} from './trusted-issuers-verifier-options.js';
import type { TokenVerifier, VerificationContext } from './token-verifier.js';

/**
 * Accepts the JWTs of any of several issuers, whose keys it finds by their metadata when the first
 * token of each arrives. The keys of an issuer are good for its own tokens alone, and an issuer that
 * cannot be reached concerns nobody else.
 *
 * @throws {ConfigurationError} naming every option that is missing, wrong or unsafe.
 * @see OpenID Connect Discovery 1.0, RFC 8414; RFC 8725 §3.8
 */
export class TrustedIssuersVerifier implements TokenVerifier {
  readonly name: string;
  readonly requiredScopes: readonly string[];
  readonly clockToleranceSeconds: number;
  readonly timeoutSeconds: number | undefined;
  readonly boundToResource: boolean;
  readonly verifiesOffline = true;
  readonly #its: ResolvedTrustedIssuersOptions;

  constructor(options: TrustedIssuersVerifierOptions) {
    this.#its = resolveTrustedIssuersOptions(options);
    this.name = options.name ?? 'TrustedIssuersVerifier';
    this.requiredScopes = [...(options.requiredScopes ?? [])];
    this.clockToleranceSeconds = options.clockToleranceSeconds ?? 5;
    this.timeoutSeconds = options.timeoutSeconds;
    this.boundToResource = options.audience === undefined;
  }

  /**
   * True for JWTs that name a trusted issuer, false for everything else; undefined while a function
   * is being asked about an issuer.
   */
  recognizes(_token: string, context: VerificationContext): boolean | undefined {
    const issuer = issuerOf(context);
    if (issuer === undefined) return false;
    const trusted = this.#its.trust(issuer);
    return isPromise(trusted) ? undefined : trusted;
  }

  verifyToken(token: string, context: VerificationContext): Awaitable<VerifiedToken | null> {
    const issuer = issuerOf(context);
    if (issuer === undefined) return context.reject('malformed');
    const trusted = this.#its.trust(issuer);
    return isPromise(trusted)
      ? trusted.then((yes) => this.#verify(token, issuer, yes, context))
      : this.#verify(token, issuer, trusted, context);
  }

  #verify(
    token: string,
    issuer: string,
    trusted: boolean,
    context: VerificationContext,
  ): Awaitable<VerifiedToken | null> {
    if (!trusted) return context.reject('unknown_issuer');
    const { checks } = this.#its;
    const check = checks.get(issuer);
    const verdict = check.verify(token, context);
    if (!isPromise(verdict)) return verdict;
    return verdict.then((answer) => {
      if (answer) checks.confirm(issuer, check);
      return answer;
    });
  }
}

function issuerOf({ unverifiedJwt }: VerificationContext): string | undefined {
  const issuer = unverifiedJwt?.claims['iss'];
  return typeof issuer === 'string' ? issuer : undefined;
}
