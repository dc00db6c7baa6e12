import type { Clock } from '../../common/clock.js';
import { renderScope } from '../../common/scopes.js';
import { randomToken } from '../../crypto/random.js';
import type { SigningKeys } from '../../crypto/signing-keys.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { Client } from '../clients/client.js';
import type { Grant, RefreshToken, TokenResponse } from './grant.js';
import type { Lifetimes } from './lifetimes.js';
import type { UpstreamSession } from './upstream-session.js';

/** The header `typ` of the access tokens (RFC 9068 §2.1). */
export const accessTokenType = 'at+jwt';

const maxAccessTokenSeconds = 86_400;

/** The record without which an access token is not accepted. */
export interface AccessTokenRecord {
  readonly grantId: string;
  /** The term of the grant in which it was issued. */
  readonly term: string;
}

export interface IssuedTokens {
  readonly response: TokenResponse;
  /** Takes the tokens back before anybody got them. */
  discard(): Promise<void>;
}

/** What tokens are issued for. */
export interface Issue {
  readonly grantId: string;
  readonly grant: Grant;
  readonly client: Client;
  /** Absent where there is no upstream. */
  readonly session: UpstreamSession | undefined;
  /** The scopes of the access token: the grant's, or fewer. */
  readonly scopes: readonly string[];
}

/** Makes this server's own tokens: a signed access token and an opaque refresh token. */
export class TokenIssuer {
  constructor(
    private readonly its: {
      readonly issuer: string;
      readonly keys: SigningKeys;
      readonly clock: Clock;
      readonly lifetimes: Lifetimes;
      readonly accessTokens: RecordCollection<AccessTokenRecord>;
      readonly refreshTokens: RecordCollection<RefreshToken>;
    },
  ) {}

  async issue(issue: Issue): Promise<IssuedTokens> {
    const left = issue.grant.expiresAt - this.its.clock.now();
    const seconds = this.#accessTokenSeconds(issue.session, left);
    const jti = randomToken(16);
    const accessToken = await this.#sign(issue, jti, seconds);
    const { grantId, grant } = issue;
    await this.its.accessTokens.set(jti, { grantId, term: grant.term.id }, seconds);
    const refreshToken = await this.#refreshToken(issue);
    return {
      response: {
        access_token: accessToken,
        token_type: 'Bearer',
        expires_in: seconds,
        scope: renderScope(issue.scopes),
        ...(refreshToken !== undefined && { refresh_token: refreshToken }),
      },
      discard: async () => {
        await this.its.accessTokens.delete(jti);
        if (refreshToken !== undefined) await this.its.refreshTokens.delete(refreshToken);
      },
    };
  }

  /** How long a login lives: as long as it can be refreshed, else as long as its access token. */
  loginSeconds(client: Client, session: UpstreamSession | undefined): number {
    const { refreshTokenAbsolute } = this.its.lifetimes;
    return isRefreshable(client, session)
      ? refreshTokenAbsolute
      : this.#accessTokenSeconds(session, refreshTokenAbsolute);
  }

  #sign({ grant, grantId, scopes }: Issue, jti: string, seconds: number): Promise<string> {
    const now = this.its.clock.now();
    return this.its.keys.sign(
      {
        ...grant.claims,
        iss: this.its.issuer,
        sub: grant.subject,
        aud: grant.resource,
        client_id: grant.clientId,
        scope: renderScope(scopes),
        sid: grantId,
        jti,
        iat: now,
        exp: now + seconds,
      },
      accessTokenType,
    );
  }

  async #refreshToken({ grant, grantId, client, session }: Issue): Promise<string | undefined> {
    if (!isRefreshable(client, session)) return undefined;
    const { clock, lifetimes, refreshTokens } = this.its;
    const now = clock.now();
    const expiresAt = Math.min(now + lifetimes.refreshTokenIdle, grant.expiresAt);
    const token = randomToken();
    const stands = { grantId, clientId: grant.clientId, expiresAt };
    await refreshTokens.set(token, stands, expiresAt - now);
    return token;
  }

  #accessTokenSeconds(session: UpstreamSession | undefined, loginLeft: number): number {
    const { clock, lifetimes } = this.its;
    const upstreamLeft = session?.expiresAt && session.expiresAt - clock.now();
    const wanted = lifetimes.accessToken ?? upstreamLeft ?? lifetimes.fallbackAccessToken;
    const allowed = isLasting(session) ? wanted : Math.min(wanted, upstreamLeft ?? wanted);
    return Math.max(1, Math.floor(Math.min(allowed, loginLeft, maxAccessTokenSeconds)));
  }
}

function isRefreshable(client: Client, session: UpstreamSession | undefined): boolean {
  return client.grantTypes.includes('refresh_token') && isLasting(session);
}

/** Tells whether the login can outlive the upstream's present access token. */
function isLasting(session: UpstreamSession | undefined): boolean {
  return !session || session.refreshToken !== undefined || session.expiresAt === undefined;
}
