import type { VerifiedToken } from '../verifiers/access-token.js';
import { JwtVerifier } from '../verifiers/jwt.verifier.js';
import type { JwtVerifierOptions } from '../verifiers/jwt-verifier-options.js';
import type { VerificationContext } from '../verifiers/token-verifier.js';
import type { RemotePresetOptions } from './preset-options.js';

/** Judges what one vendor alone says in its tokens: the token as it is to be taken, or null. */
export type VendorJudgement = (
  token: VerifiedToken,
  context: VerificationContext,
) => VerifiedToken | null;

type KeysAndParties = Pick<JwtVerifierOptions, 'issuer' | 'jwksUri' | 'algorithms' | 'audience'>;

/** The JWTs of a vendor. */
export class VendorJwtVerifier extends JwtVerifier {
  readonly #judge: VendorJudgement;

  constructor(
    { clockToleranceSeconds, fetch, clock }: RemotePresetOptions,
    vendor: KeysAndParties,
    judge: VendorJudgement = (token) => token,
  ) {
    super({ ...vendor, clockToleranceSeconds, fetch, clock });
    this.#judge = judge;
  }

  override async verifyToken(
    token: string,
    context: VerificationContext,
  ): Promise<VerifiedToken | null> {
    const accepted = await super.verifyToken(token, context);
    return accepted && this.#judge(accepted, context);
  }
}
