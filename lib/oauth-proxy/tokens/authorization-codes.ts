import type { Clock } from '../../common/clock.js';
import type { MultiAuthEvents } from '../../common/events.js';
import { randomToken } from '../../crypto/random.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { AuthorizationRequest } from '../transactions/transaction.js';
import type { UpstreamGrant } from '../upstream/upstream.js';
import { toUpstreamSession, type UpstreamSession } from './upstream-session.js';

/** What a code stands for. */
export interface AuthorizationCode {
  readonly request: AuthorizationRequest;
  readonly subject: string;
  readonly claims: Readonly<Record<string, unknown>>;
  /** What the user agreed to, cut to what the upstream granted. */
  readonly scopes: readonly string[];
  readonly upstream: UpstreamSession;
  /** When the user logged in, in seconds since the epoch. */
  readonly issuedAt: number;
}

/** What is left of a redeemed code, so that a replay can be told from a guess. */
export interface RedeemedCode {
  readonly request: AuthorizationRequest;
  readonly grantId: string;
}

/** Authorization codes: random, short-lived, good for one redemption (OAuth 2.1 §4.1.2). */
export class AuthorizationCodes {
  constructor(
    private readonly codes: RecordCollection<AuthorizationCode>,
    private readonly redeemed: RecordCollection<RedeemedCode>,
    private readonly its: {
      readonly clock: Clock;
      readonly events: MultiAuthEvents;
      readonly lifetimeSeconds: number;
      readonly replayMemorySeconds: number;
    },
  ) {}

  async issue(request: AuthorizationRequest, grant: UpstreamGrant): Promise<string> {
    const code = randomToken();
    const { tokens, identity } = grant;
    const now = this.its.clock.now();
    await this.codes.set(
      code,
      {
        request,
        subject: identity.subject,
        claims: identity.claims,
        scopes: tokens.grantedScopes ?? request.scopes,
        upstream: toUpstreamSession(tokens, now),
        issuedAt: now,
      },
      this.its.lifetimeSeconds,
    );
    this.its.events.emit('authorization_code.issued', {
      clientId: request.clientId,
      subject: identity.subject,
    });
    return code;
  }

  find(code: string): Promise<AuthorizationCode | undefined> {
    return this.codes.get(code);
  }

  /** Spends the code: true for exactly one caller. */
  async claim(code: string): Promise<boolean> {
    return (await this.codes.take(code)) !== undefined;
  }

  async remember(code: string, redeemed: RedeemedCode): Promise<void> {
    await this.redeemed.set(code, redeemed, this.its.replayMemorySeconds);
  }

  findRedeemed(code: string): Promise<RedeemedCode | undefined> {
    return this.redeemed.get(code);
  }
}
