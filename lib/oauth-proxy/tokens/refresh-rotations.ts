import type { Clock } from '../../common/clock.js';
import { randomToken } from '../../crypto/random.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { RefreshToken, RotatedRefreshToken, TokenResponse } from './grant.js';
import type { Lifetimes } from './lifetimes.js';

/**
 * For how much longer than the grace window an answer is kept, for whoever is slow to fetch it, and for
 * a client that was told to come back because the store had no answer.
 */
const marginSeconds = 60;

/**
 * The refresh tokens that were used. That a token was used is known as long as it could have lived;
 * what it was answered with, only until nobody may have that answer again.
 */
export class RefreshRotations {
  constructor(
    private readonly its: {
      readonly rotated: RecordCollection<RotatedRefreshToken>;
      readonly refreshAnswers: RecordCollection<TokenResponse>;
      readonly clock: Clock;
      readonly lifetimes: Lifetimes;
    },
  ) {}

  /** Of simultaneous uses of a token the first defines the answer: true for that one alone. */
  async claim(token: string, stands: RefreshToken, answer: TokenResponse): Promise<boolean> {
    const { rotated, refreshAnswers, clock, lifetimes } = this.its;
    const { grantId, clientId, expiresAt = 0 } = stands;
    const answerId = randomToken();
    // Before the claim: whoever finds the token used must find its answer, whatever happens here.
    await refreshAnswers.set(answerId, answer, lifetimes.refreshGrace + marginSeconds);
    const now = clock.now();
    const rotation = { grantId, clientId, at: now, answerId };
    // Its own record may be of a time when tokens were kept for longer, and be there still.
    const seconds = Math.max(lifetimes.refreshTokenIdle, expiresAt - now);
    if (await rotated.add(token, rotation, seconds)) return true;
    await refreshAnswers.delete(answerId);
    return false;
  }

  /** What became of a token, if it was used. */
  find(token: string): Promise<RotatedRefreshToken | undefined> {
    return this.its.rotated.get(token);
  }

  answerOf({ answerId }: RotatedRefreshToken): Promise<TokenResponse | undefined> {
    return this.its.refreshAnswers.get(answerId);
  }

  /**
   * Tells whether a lost response may explain that the token comes again. One that nobody was told is
   * spent may come later: the request that spent it failed.
   */
  isInGrace({ at }: RotatedRefreshToken, isTold: boolean): boolean {
    const { refreshGrace } = this.its.lifetimes;
    const seconds = isTold ? refreshGrace : refreshGrace + marginSeconds;
    // In whole seconds: without any grace the same second is too late as well.
    return refreshGrace > 0 && this.its.clock.now() - at <= seconds;
  }
}
