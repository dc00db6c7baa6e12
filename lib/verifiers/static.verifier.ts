import { SystemClock } from '../common/clock.js';
import type { Clock } from '../common/clock.js';
import { ConfigurationError } from '../common/errors.js';
import type { ConfigurationIssue } from '../common/errors.js';
import { frozenCopy } from '../common/frozen-copy.js';
import { coversScopes } from '../common/scopes.js';
import { hashSecret } from '../crypto/hash.js';
import type { VerifiedToken } from './access-token.js';
import { commonOptionIssues, unknownOptionIssues } from '../common/option-issues.js';
import { principalIssues } from './principal-issues.js';
import type { TokenVerifier, VerificationContext } from './token-verifier.js';

const MIN_TOKEN_LENGTH = 8;
const OPTIONS = ['tokens', 'requiredScopes', 'name', 'clock'] as const;

/** Whom a static token speaks for. */
export interface StaticToken {
  readonly clientId: string;
  /** @default none */
  readonly scopes?: readonly string[] | undefined;
  readonly subject?: string | undefined;
  /** When the token expires, in seconds since the epoch. @default never */
  readonly expiresAt?: number | undefined;
  /** @default none */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
}

/** The options of `StaticTokenVerifier`. */
export interface StaticTokenVerifierOptions {
  /** The tokens, each with at least 8 characters, and whom each speaks for. */
  readonly tokens: Readonly<Record<string, StaticToken>>;
  /** The scopes a token must have. @default none */
  readonly requiredScopes?: readonly string[] | undefined;
  /** Names the verifier in events and in `AccessToken.source`. @default StaticTokenVerifier */
  readonly name?: string | undefined;
  /** @default the clock of the machine */
  readonly clock?: Clock | undefined;
}

/**
 * Accepts tokens that are written in the configuration: for development and tests.
 *
 * @throws {ConfigurationError} naming every option that is wrong; a token is named by its position.
 */
export class StaticTokenVerifier implements TokenVerifier {
  readonly name: string;
  readonly requiredScopes: readonly string[];
  readonly #clock: Clock;
  // By hash: what the time of a look-up tells about a hash says nothing about a token.
  readonly #tokens: ReadonlyMap<string, VerifiedToken>;

  constructor(options: StaticTokenVerifierOptions) {
    ConfigurationError.assertNone(issuesOf(options));
    this.name = options.name ?? 'StaticTokenVerifier';
    this.requiredScopes = [...(options.requiredScopes ?? [])];
    this.#clock = options.clock ?? new SystemClock();
    this.#tokens = new Map(
      Object.entries(options.tokens).map(([token, content]) => [
        hashSecret(token),
        frozenCopy({ ...content, scopes: content.scopes ?? [], claims: content.claims ?? {} }),
      ]),
    );
  }

  recognizes(token: string): boolean {
    return this.#tokens.has(hashSecret(token));
  }

  verifyToken(token: string, context: VerificationContext): VerifiedToken | null {
    const known = this.#tokens.get(hashSecret(token));
    if (!known) return context.reject('unknown_token');
    if (known.expiresAt !== undefined && known.expiresAt <= this.#clock.now()) {
      return context.reject('expired');
    }
    return coversScopes(known.scopes, this.requiredScopes)
      ? known
      : context.reject('insufficient_scope');
  }
}

function issuesOf(options: StaticTokenVerifierOptions): ConfigurationIssue[] {
  const owner = 'StaticTokenVerifier';
  const issues = [
    ...unknownOptionIssues(owner, options, OPTIONS),
    ...commonOptionIssues(owner, options),
  ];
  const entries = Object.entries(options.tokens ?? {});
  if (entries.length === 0) issues.push({ path: `${owner}.tokens`, problem: 'holds no token' });
  for (const [index, [token, content]] of entries.entries()) {
    const path = `${owner}.tokens[${index}]`;
    // RFC 6750 §2.1: nothing else can arrive in an Authorization header.
    if (token.length < MIN_TOKEN_LENGTH || !/^[A-Za-z0-9._~+/-]+=*$/.test(token)) {
      issues.push({
        path,
        problem: `must have ${MIN_TOKEN_LENGTH} or more of the characters a bearer token may have`,
      });
    }
    issues.push(...contentIssues(path, content));
  }
  return issues;
}

function contentIssues(path: string, content: StaticToken): ConfigurationIssue[] {
  if (typeof content !== 'object' || content === null) {
    return [{ path, problem: 'must say whom the token speaks for' }];
  }
  const issues = principalIssues(path, content);
  if (content.clientId === undefined) {
    issues.push({ path: `${path}.clientId`, problem: 'is missing' });
  }
  return issues;
}
