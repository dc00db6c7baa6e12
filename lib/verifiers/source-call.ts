import { isPromise } from '../common/awaitable.js';
import type { Awaitable } from '../common/awaitable.js';
import type { Clock } from '../common/clock.js';
import { describeError, VerifierUnavailableError } from '../common/errors.js';
import { coversScopes } from '../common/scopes.js';
import { sameResource } from '../resources/resource-identifier.js';
import { acceptedToken } from './accepted-token.js';
import type { AccessToken, VerifiedToken } from './access-token.js';
import { AuthProvider } from './auth-provider.js';
import { PresentedToken, SourceContext } from './source-context.js';
import type { TokenVerifier } from './token-verifier.js';

const MAX_RETRY_AFTER_SECONDS = 3600;
const DEFAULT_RETRY_AFTER_SECONDS = 5;
const MAX_CLOCK_TOLERANCE_SECONDS = 30;
const MAX_REASON_LENGTH = 300;
/** What is shorter is no secret, and might be a part of any word. */
const MIN_SECRET_LENGTH = 8;

/** What became of asking one source. */
export type SourceOutcome =
  | { readonly kind: 'accepted'; readonly token: AccessToken }
  | { readonly kind: 'rejected'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string; readonly retryAfterSeconds: number };

/** What holds for every call of a chain. */
export interface CallLimits {
  readonly clock: Clock;
  readonly timeoutSeconds: number;
  readonly otherResources?: readonly string[];
  readonly ownIssuer?: OwnIssuer;
}

/** The issuer that the module's own server is, and the one source that may speak for it. */
export interface OwnIssuer {
  readonly source: TokenVerifier;
  readonly issuers: readonly string[];
}

/** One token offered to one source. Nothing the source does makes it throw. */
export class SourceCall {
  readonly #context: SourceContext;

  constructor(
    private readonly source: TokenVerifier,
    readonly name: string,
    private readonly presented: PresentedToken,
    private readonly limits: CallLimits,
  ) {
    this.#context = new SourceContext(presented);
  }

  /** What the source says of the token at a glance; undefined also when it could not say. */
  recognizes(): boolean | undefined {
    try {
      const answer: unknown = this.source.recognizes?.(this.presented.token, this.#context);
      if (isPromise(answer)) answer.then(undefined, () => undefined);
      return typeof answer === 'boolean' ? answer : undefined;
    } catch {
      return undefined;
    }
  }

  /** Asks the source for its verdict; without a promise when the source needs none. */
  verify(): Awaitable<SourceOutcome> {
    try {
      const answer = this.source.verifyToken(this.presented.token, this.#context);
      return isPromise(answer) ? this.#inTime(answer) : this.#outcomeOf(answer);
    } catch (thrown) {
      return this.#failure(thrown);
    }
  }

  #inTime(answer: Promise<VerifiedToken | null>): Promise<SourceOutcome> {
    const { timeoutSeconds } = this.limits;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        resolve(this.#failure(`gave no answer within ${timeoutSeconds} seconds`));
        this.#context.expire();
      }, timeoutSeconds * 1000);
      // The handlers stay on after the timeout: a late rejection is nobody's unhandled one.
      Promise.resolve(answer).then(
        (value) => {
          clearTimeout(timer);
          resolve(this.#outcomeOf(value));
        },
        (thrown: unknown) => {
          clearTimeout(timer);
          resolve(this.#failure(thrown));
        },
      );
    });
  }

  #outcomeOf(answer: VerifiedToken | null | undefined): SourceOutcome {
    if (answer === null || answer === undefined) {
      return { kind: 'rejected', reason: this.#operatorText(this.#context.reason ?? 'rejected') };
    }
    try {
      const token = acceptedToken(answer, this.presented.token, this.name);
      const refusal = this.#refusalOf(token);
      return refusal ? { kind: 'rejected', reason: refusal } : { kind: 'accepted', token };
    } catch (thrown) {
      return this.#failure(thrown);
    }
  }

  #refusalOf(token: AccessToken): string | undefined {
    const tolerance = clockTolerance(this.source);
    if (token.expiresAt !== undefined && token.expiresAt <= this.limits.clock.now() - tolerance) {
      return 'expired';
    }
    if (this.#isForAnother(token)) return 'wrong_resource';
    if (this.#speaksAsOurs(token)) return 'wrong_issuer';
    return coversScopes(token.scopes, ownScopes(this.source)) ? undefined : 'insufficient_scope';
  }

  // RFC 8707 §2: one issuer may serve several resources, and one verifier accept them all.
  #isForAnother({ resource }: AccessToken): boolean {
    if (resource === undefined || resource === this.presented.resource) return false;
    return this.limits.otherResources?.some((other) => sameResource(other, resource)) ?? false;
  }

  // Who is who depends on the issuer: a partner's server must not be able to name ours.
  #speaksAsOurs({ issuer }: AccessToken): boolean {
    const { ownIssuer } = this.limits;
    if (issuer === undefined || !ownIssuer || this.source === ownIssuer.source) return false;
    return ownIssuer.issuers.includes(issuer);
  }

  #failure(thrown: unknown): SourceOutcome {
    const seconds = thrown instanceof VerifierUnavailableError ? thrown.retryAfterSeconds : NaN;
    return {
      kind: 'failed',
      reason: this.#operatorText(describeError(thrown)),
      retryAfterSeconds:
        seconds > 0
          ? Math.ceil(Math.min(seconds, MAX_RETRY_AFTER_SECONDS))
          : DEFAULT_RETRY_AFTER_SECONDS,
    };
  }

  // A source may quote the token in what it throws or gives as its reason; events never do.
  #operatorText(text: unknown): string {
    if (typeof text !== 'string') return 'no reason given';
    const { token } = this.presented;
    const safe = token.length < MIN_SECRET_LENGTH ? text : text.replaceAll(token, '[token]');
    return safe.slice(0, MAX_REASON_LENGTH);
  }
}

function clockTolerance(source: TokenVerifier): number {
  const seconds = source.clockToleranceSeconds ?? 0;
  return seconds > 0 ? Math.min(seconds, MAX_CLOCK_TOLERANCE_SECONDS) : 0;
}

// A server's list is what its module requires unless it says otherwise, and is answered with 403.
function ownScopes(source: TokenVerifier): readonly string[] {
  return source instanceof AuthProvider ? [] : (source.requiredScopes ?? []);
}
