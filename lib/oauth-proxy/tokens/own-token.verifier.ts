import type { Clock } from '../../common/clock.js';
import { parseScope } from '../../common/scopes.js';
import type { SigningKeys } from '../../crypto/signing-keys.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { VerifiedToken } from '../../verifiers/access-token.js';
import { isPlainJws } from '../../verifiers/jws-spelling.js';
import type { VerificationContext } from '../../verifiers/token-verifier.js';
import type { Grants } from './grants.js';
import { type AccessTokenRecord, accessTokenType } from './token-issuer.js';

/** By how much the clocks of the instances that issue and verify may differ. */
const clockSkewSeconds = 30;

/** Verifies this server's own access tokens: the signature, then that they are still alive. */
export class OwnTokenVerifier {
  constructor(
    private readonly its: {
      readonly issuer: string;
      readonly keys: SigningKeys;
      readonly clock: Clock;
      readonly accessTokens: RecordCollection<AccessTokenRecord>;
      readonly grants: Grants;
    },
  ) {}

  recognizes(context: VerificationContext): boolean {
    return context.unverifiedJwt?.claims['iss'] === this.its.issuer;
  }

  async verifyToken(token: string, context: VerificationContext): Promise<VerifiedToken | null> {
    if (!context.unverifiedJwt || !isPlainJws(token)) return context.reject('malformed');
    const now = this.its.clock.now();
    const claims = await this.its.keys.verify(token, {
      issuer: this.its.issuer,
      audience: context.resource,
      typ: accessTokenType,
      now,
    });
    if (!claims) return context.reject('invalid_or_expired');
    const { jti, sid, sub, aud, exp, iat, scope } = claims;
    if (iat !== undefined && iat > now + clockSkewSeconds) return context.reject('not_yet_valid');
    if (typeof jti !== 'string' || typeof sid !== 'string' || typeof scope !== 'string') {
      return context.reject('malformed');
    }
    // A signature says that a token was issued; only the records say that it was not revoked.
    const [record, grant] = await Promise.all([
      this.its.accessTokens.get(jti),
      this.its.grants.find(sid),
    ]);
    if (record?.grantId !== sid || !grant || grant.subject !== sub)
      return context.reject('revoked');
    return {
      clientId: grant.clientId,
      subject: sub,
      issuer: this.its.issuer,
      scopes: parseScope(scope) ?? [],
      expiresAt: exp,
      resource: typeof aud === 'string' ? aud : undefined,
      claims,
    };
  }
}
