import { isPromise } from '../common/awaitable.js';
import type { Awaitable } from '../common/awaitable.js';
import { BoundedMap } from '../common/bounded-map.js';
import type { Clock } from '../common/clock.js';
import { VerifierUnavailableError } from '../common/errors.js';
import { late, within } from '../common/within.js';
import { issuerProblem } from './issuer-metadata.js';

const TRUST_SECONDS = 60;
const DISTRUST_SECONDS = 10;
const MAX_REMEMBERED = 1000;
const MAX_ASKED = 1000;
const ANSWER_SECONDS = 10;

/** Says whether an issuer is trusted. It is asked with what a token says of itself. */
export type TrustIssuer = (issuer: string) => Awaitable<boolean>;

/** Which issuers are trusted: those of a list, or those a function of the app says yes to. */
export type IssuerTrust = (issuer: string) => Awaitable<boolean>;

/** Trusts the issuers of a list, spelt exactly so. */
export function trustListed(issuers: readonly string[]): IssuerTrust {
  const listed = new Set(issuers);
  return (issuer) => listed.has(issuer);
}

/**
 * Trusts whom the function says `true` to; it is never asked about what is no https URL. An answer
 * that has to be waited for is asked for once at a time, and remembered: a yes for a minute, a no for
 * ten seconds. Many unknown issuers push no trusted one out of memory, and an answer that does not
 * come in time is asked for again.
 */
export function trustAsked(
  ask: TrustIssuer,
  clock: Clock,
  answerSeconds = ANSWER_SECONDS,
): IssuerTrust {
  const remember = (ttlSeconds: number) =>
    new BoundedMap<string, true>({ ttlSeconds, maxEntries: MAX_REMEMBERED, clock });
  const trusted = remember(TRUST_SECONDS);
  const others = remember(DISTRUST_SECONDS);
  const asked = new Map<string, Promise<boolean>>();

  const settled = async (issuer: string, answer: Promise<unknown>): Promise<boolean> => {
    try {
      const isTrusted = await answerInTime(answer, answerSeconds);
      (isTrusted ? trusted : others).set(issuer, true);
      return isTrusted;
    } finally {
      asked.delete(issuer);
    }
  };

  return (issuer) => {
    if (!issuer.startsWith('https://') || issuerProblem(issuer) !== null) return false;
    if (trusted.get(issuer)) return true;
    if (others.get(issuer)) return false;
    const waiting = asked.get(issuer);
    if (waiting) return waiting;
    if (asked.size >= MAX_ASKED) {
      throw new VerifierUnavailableError('too many issuers are asked about at once');
    }
    // Not taken at its word: whatever is not true is a no.
    const answer: Awaitable<unknown> = ask(issuer);
    if (!isPromise(answer)) return answer === true;
    const pending = settled(issuer, answer);
    // Whoever only wanted to know whether the answer is there does not wait for it.
    pending.catch(() => {});
    asked.set(issuer, pending);
    return pending;
  };
}

async function answerInTime(answer: Promise<unknown>, seconds: number): Promise<boolean> {
  const said = await within(answer, seconds);
  if (said !== late) return said === true;
  throw new VerifierUnavailableError(`no answer about the issuer within ${seconds} seconds`);
}
