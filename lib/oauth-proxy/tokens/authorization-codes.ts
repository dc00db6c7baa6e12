import type { Clock } from '../../common/clock.js';
import type { MultiAuthEvents } from '../../common/events.js';
import { randomToken } from '../../crypto/random.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { AuthorizationRequest } from '../transactions/transaction.js';
import type { UpstreamIdentity, UpstreamTokenSet } from '../upstream/upstream.js';
import { toUpstreamSession, type UpstreamSession } from './upstream-session.js';

/** What a code stands for. */
export interface AuthorizationCode {
  readonly request: AuthorizationRequest;
  readonly subject: string;
  readonly claims: Readonly<Record<string, unknown>>;
  /** What the user agreed to, cut to what the upstream granted. */
  readonly scopes: readonly string[];
  /** Absent where there is no upstream. */
  readonly upstream?: UpstreamSession | undefined;
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

  /** Makes a code for who logged in; at an upstream, with the tokens that it gave. */
  async make(
    request: AuthorizationRequest,
    { subject, claims }: UpstreamIdentity,
    tokens?: UpstreamTokenSet,
  ): Promise<string> {
    const code = randomToken();
    const now = this.its.clock.now();
    await this.codes.set(
      code,
      {
        request,
        subject,
        claims,
        scopes: tokens?.grantedScopes ?? request.scopes,
        ...(tokens && { upstream: toUpstreamSession(tokens, now) }),
        issuedAt: now,
      },
      this.its.lifetimeSeconds,
    );
    return code;
  }

  /** Says that a client is given its code. */
  announce({ clientId }: AuthorizationRequest, subject: string): void {
    this.its.events.emit('authorization_code.issued', { clientId, subject });
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
