import type { JWTPayload } from 'jose';
import type { Clock } from '../../common/clock.js';
import { parseScope } from '../../common/scopes.js';
import type { SigningKeys } from '../../crypto/signing-keys.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { VerifiedToken } from '../../verifiers/access-token.js';
import { isPlainJws } from '../../verifiers/jws-spelling.js';
import type { VerificationContext } from '../../verifiers/token-verifier.js';
import type { Grant } from './grant.js';
import type { Grants } from './grants.js';
import type { LoginRecheck } from './login-recheck.js';
import type { RevocationMarks } from './revocation-marks.js';
import { type AccessTokenRecord, accessTokenType } from './token-issuer.js';

/** By how much the clocks of the instances that issue and verify may differ. */
const clockSkewSeconds = 30;

/** An access token that is genuine and alive. */
export interface LivingToken {
  readonly claims: OwnClaims;
  readonly grant: Grant;
  readonly scopes: readonly string[];
}

/** What every access token of this server carries, and whatever else it does. */
interface OwnClaims extends JWTPayload {
  readonly jti: string;
  readonly sid: string;
  readonly scope: string;
}

/** Verifies this server's own access tokens: the signature, then that they are still alive. */
export class OwnTokenVerifier {
  constructor(
    private readonly its: {
      readonly issuer: string;
      readonly keys: SigningKeys;
      readonly clock: Clock;
      readonly accessTokens: RecordCollection<AccessTokenRecord>;
      readonly grants: Grants;
      readonly marks: RevocationMarks;
      readonly recheck: LoginRecheck | undefined;
    },
  ) {}

  recognizes(context: VerificationContext): boolean {
    return context.unverifiedJwt?.claims['iss'] === this.its.issuer;
  }

  async verifyToken(token: string, context: VerificationContext): Promise<VerifiedToken | null> {
    if (!context.unverifiedJwt) return context.reject('malformed');
    const living = await this.check(token, context.resource);
    if (typeof living === 'string') return context.reject(living);
    const { claims, grant } = living;
    return {
      clientId: grant.clientId,
      subject: grant.subject,
      issuer: this.its.issuer,
      scopes: living.scopes,
      expiresAt: claims.exp,
      resource: typeof claims.aud === 'string' ? claims.aud : undefined,
      claims,
    };
  }

  /** Judges a token, at one resource or at any; the answer may be why not, in a word. */
  async check(token: string, resource?: string): Promise<LivingToken | string> {
    if (!isPlainJws(token)) return 'malformed';
    const now = this.its.clock.now();
    const claims = await this.its.keys.verify(token, {
      issuer: this.its.issuer,
      ...(resource !== undefined && { audience: resource }),
      typ: accessTokenType,
      now,
    });
    if (!claims) return 'invalid_or_expired';
    if (claims.iat !== undefined && claims.iat > now + clockSkewSeconds) return 'not_yet_valid';
    const scopes = isOwn(claims) && parseScope(claims.scope);
    if (!scopes) return 'malformed';
    const grant = await this.#livingGrant(claims);
    if (!grant) return 'revoked';
    return isWithin(grant, claims, scopes) ? { claims, grant, scopes } : 'beyond_its_grant';
  }

  /** A signature says that a token was issued; only the records say that it was not revoked. */
  async #livingGrant({ jti, sid, sub }: OwnClaims): Promise<Grant | undefined> {
    const { accessTokens, grants, marks, recheck } = this.its;
    const [record, grant] = await Promise.all([accessTokens.get(jti), grants.find(sid)]);
    if (record?.grantId !== sid || !grant || grant.subject !== sub) return undefined;
    // A grant that a refresh brought back from a revocation is of a term that no token knows.
    if (record.term !== grant.term.id && (await grants.wasRevoked(sid))) return undefined;
    if (await marks.coverLately(grant)) return undefined;
    return !recheck || (await recheck.admits(sid, grant)) ? grant : undefined;
  }
}

/** A key that got out can sign anything; what was granted is written down elsewhere. */
function isWithin(grant: Grant, { aud }: OwnClaims, scopes: readonly string[]): boolean {
  return aud === grant.resource && scopes.every((scope) => grant.scopes.includes(scope));
}

function isOwn(claims: JWTPayload): claims is OwnClaims {
  return [claims.jti, claims['sid'], claims['scope']].every((claim) => typeof claim === 'string');
}
