import { SystemClock } from '../common/clock.js';
import { ConfigurationError } from '../common/errors.js';
import type { ConfigurationIssue } from '../common/errors.js';
import { unknownOptionIssues } from '../common/option-issues.js';
import { DiscoveredKeys } from './discovered-keys.js';
import { issuerProblem, publishedClient } from './issuer-metadata.js';
import { IssuerTable } from './issuer-table.js';
import { type IssuerTrust, trustAsked, type TrustIssuer, trustListed } from './issuer-trust.js';
import { JwtCheck } from './jwt-check.js';
import { readPublicAlgorithms } from './jwt-key-options.js';
import {
  jwtPolicyIssues,
  jwtPolicyOf,
  type JwtPolicyOptions,
  jwtPolicyOptions,
} from './jwt-policy-options.js';

/** What a `TrustedIssuersVerifier` needs to know. */
export interface TrustedIssuersVerifierOptions extends JwtPolicyOptions {
  /**
   * The issuers, each spelt exactly as in the `iss` of its tokens: https, or http on loopback, in the
   * plain form of a URL. Or a function that says which are trusted; it is asked with the unverified
   * `iss` of a token, https URLs in that form only. From whatever it says `true` to documents are
   * fetched: compare whole identifiers.
   */
  readonly issuers: readonly string[] | TrustIssuer;
  /** The signature algorithms accepted, of all issuers: none of HMAC. @default RS256 */
  readonly algorithms?: readonly string[] | undefined;
  /** With a function: of how many issuers the keys are kept. @default 1000 */
  readonly maxIssuers?: number | undefined;
}

export interface ResolvedTrustedIssuersOptions {
  readonly trust: IssuerTrust;
  readonly checks: IssuerTable<JwtCheck>;
}

/** How many issuers may be looked for at a time, when the tokens of strangers can name them. */
const MAX_DISCOVERIES = 20;

const owner = 'TrustedIssuersVerifier';
const options = [
  'issuers',
  'algorithms',
  'maxIssuers',
  ...jwtPolicyOptions,
] as const satisfies readonly (keyof TrustedIssuersVerifierOptions)[];

/** Fills in every default. Throws one `ConfigurationError` that names all that is wrong. */
export function resolveTrustedIssuersOptions(
  given: TrustedIssuersVerifierOptions,
): ResolvedTrustedIssuersOptions {
  const { algorithms, problem } = readPublicAlgorithms(given.algorithms);
  ConfigurationError.assertNone([
    ...unknownOptionIssues(owner, given, options),
    ...issuersIssues(given.issuers),
    ...(problem ? [{ path: `${owner}.algorithms`, problem }] : []),
    ...maxIssuersIssues(given),
    ...jwtPolicyIssues(owner, given),
  ]);
  const { clock = new SystemClock(), issuers, audience, maxIssuers = 1000 } = given;
  const isAsked = typeof issuers === 'function';
  const discoveries = { running: 0, max: isAsked ? MAX_DISCOVERIES : Infinity };
  const parts = { outbound: publishedClient(given.fetch), clock, discoveries };
  const checkOf = (issuer: string): JwtCheck =>
    new JwtCheck({
      policy: jwtPolicyOf(given, [issuer], algorithms),
      boundToResource: audience === undefined,
      keys: new DiscoveredKeys(issuer, parts),
      clock,
    });
  const max = isAsked ? maxIssuers : issuers.length;
  return {
    trust: isAsked ? trustAsked(issuers, clock, given.timeoutSeconds) : trustListed(issuers),
    checks: new IssuerTable(checkOf, max, clock),
  };
}

function issuersIssues(issuers: unknown): ConfigurationIssue[] {
  const path = `${owner}.issuers`;
  if (typeof issuers === 'function') return [];
  if (!Array.isArray(issuers) || issuers.length === 0) {
    return [{ path, problem: 'must be a list of one or more issuers, or a function' }];
  }
  return issuers.flatMap((issuer, index) => {
    const problem = issuerProblem(issuer);
    return problem === null ? [] : [{ path: `${path}[${index}]`, problem }];
  });
}

function maxIssuersIssues({
  issuers,
  maxIssuers,
}: TrustedIssuersVerifierOptions): ConfigurationIssue[] {
  if (maxIssuers === undefined) return [];
  const path = `${owner}.maxIssuers`;
  if (typeof issuers !== 'function') return [{ path, problem: 'goes with a function for issuers' }];
  if (Number.isInteger(maxIssuers) && maxIssuers >= 1 && maxIssuers <= 100_000) return [];
  return [{ path, problem: 'must be a whole number from 1 to 100000' }];
}
