import { isPromise } from '../common/awaitable.js';
import type { Awaitable } from '../common/awaitable.js';
import type { Clock } from '../common/clock.js';
import { ConfigurationError } from '../common/errors.js';
import type { MultiAuthEvents, SourceReason } from '../common/events.js';
import type { AccessToken } from './access-token.js';
import { SourceCall } from './source-call.js';
import type { CallLimits, OwnIssuer, SourceOutcome } from './source-call.js';
import { PresentedToken } from './source-context.js';
import { sourceNames } from './source-names.js';
import type { TokenVerifier } from './token-verifier.js';

/** What all the sources together say of a token. */
export type ChainVerdict =
  | { readonly outcome: 'accepted'; readonly token: AccessToken }
  | { readonly outcome: 'rejected'; readonly reasons: readonly SourceReason[] }
  | { readonly outcome: 'unavailable'; readonly retryAfterSeconds: number };

export interface VerifierChainOptions {
  /** The resource tokens are presented at, as published. */
  readonly resource: string;
  /** The module's other resources: a token made for one of them is refused. @default none */
  readonly otherResources?: readonly string[];
  /** The issuer for which only the module's own server may speak. @default none */
  readonly ownIssuer?: OwnIssuer;
  /** Whether the sources must not answer from memory. @default false */
  readonly fresh?: boolean;
  readonly events: MultiAuthEvents;
  readonly clock: Clock;
  /** How long a source may take that names no time of its own. */
  readonly timeoutSeconds: number;
}

/**
 * Offers a token to the sources in their order; the first that accepts it wins.
 *
 * When one or more sources own the token it is offered to those alone. A source that fails does
 * not stop the others; when none accepts and one failed, there is no verdict.
 *
 * @throws {ConfigurationError} without any source: nothing must ever be open by mistake.
 */
export class VerifierChain {
  readonly #sources: readonly ChainSource[];
  readonly #options: VerifierChainOptions;

  constructor(sources: readonly TokenVerifier[], options: VerifierChainOptions) {
    ConfigurationError.assertNone(issuesOf(sources, options));
    const names = sourceNames(sources);
    this.#sources = sources.map((source, i) => {
      const { timeoutSeconds = options.timeoutSeconds } = source;
      const header = source.header?.toLowerCase();
      return { source, name: names[i] ?? '', header, limits: { ...options, timeoutSeconds } };
    });
    this.#options = options;
  }

  /**
   * Answers with a plain verdict when the sources do, else with a promise; never throws. What came
   * in a header of its own is for the sources that named the header, and for no others.
   */
  verify(token: string, header?: string): Awaitable<ChainVerdict> {
    const { resource, fresh } = this.#options;
    const presented = new PresentedToken(token, resource, fresh);
    return this.#ask(this.#candidates(presented, header), {
      next: 0,
      reasons: [],
      retryAfterSeconds: 0,
    });
  }

  #candidates(presented: PresentedToken, cameIn: string | undefined): readonly SourceCall[] {
    const owners: SourceCall[] = [];
    const others: SourceCall[] = [];
    for (const { source, name, limits, header } of this.#sources) {
      if (cameIn !== undefined && cameIn !== header) continue;
      const call = new SourceCall(source, name, presented, limits);
      const recognized = call.recognizes();
      if (recognized === true) owners.push(call);
      else if (recognized === undefined) others.push(call);
    }
    return owners.length > 0 ? owners : others;
  }

  #ask(calls: readonly SourceCall[], progress: Progress): Awaitable<ChainVerdict> {
    for (let call = calls[progress.next]; call; call = calls[progress.next]) {
      progress.next++;
      const { name } = call;
      const outcome = call.verify();
      if (isPromise(outcome)) {
        return outcome.then((o) => this.#settle(name, o, progress) ?? this.#ask(calls, progress));
      }
      const verdict = this.#settle(name, outcome, progress);
      if (verdict) return verdict;
    }
    const { reasons, retryAfterSeconds } = progress;
    return retryAfterSeconds > 0
      ? { outcome: 'unavailable', retryAfterSeconds }
      : { outcome: 'rejected', reasons };
  }

  #settle(source: string, outcome: SourceOutcome, progress: Progress): ChainVerdict | undefined {
    if (outcome.kind === 'accepted') return { outcome: 'accepted', token: outcome.token };
    const { reason } = outcome;
    if (outcome.kind === 'rejected') {
      progress.reasons.push({ source, reason });
      return undefined;
    }
    const { resource, events } = this.#options;
    events.emit('source.failed', { source, resource, reason });
    progress.retryAfterSeconds = Math.max(progress.retryAfterSeconds, outcome.retryAfterSeconds);
    return undefined;
  }
}

/** A source with what was found out about it once. */
interface ChainSource {
  readonly source: TokenVerifier;
  readonly name: string;
  readonly header: string | undefined;
  readonly limits: CallLimits;
}

/** How far one token has come. */
interface Progress {
  next: number;
  readonly reasons: SourceReason[];
  /** 0 as long as no source failed. */
  retryAfterSeconds: number;
}

function issuesOf(sources: readonly TokenVerifier[], options: VerifierChainOptions) {
  const issues: { path: string; problem: string }[] = [];
  if (sources.length === 0) {
    issues.push({ path: 'verifiers', problem: 'at least a server or one verifier is needed' });
  }
  if (!(options.timeoutSeconds > 0) || options.timeoutSeconds > 3600) {
    issues.push({ path: 'timeoutSeconds', problem: 'must be more than 0 and at most 3600' });
  }
  return issues;
}
