import { isPromise } from '../common/awaitable.js';
import type { Awaitable } from '../common/awaitable.js';
import { ConfigurationError } from '../common/errors.js';
import type { ConfigurationIssue } from '../common/errors.js';
import type { VerifiedToken } from './access-token.js';
import {
  commonOptionIssues,
  isText,
  scopeListIssues,
  unknownOptionIssues,
} from '../common/option-issues.js';
import type { TokenVerifier, VerificationContext } from './token-verifier.js';

/**
 * Set to true, it lets a `DebugTokenVerifier` be built.
 *
 * @deprecated Not because it will go away, but so that every use stands out: never outside a
 *   developer's machine.
 */
export const allowDebugTokens: unique symbol = Symbol('multi-auth:allow-debug-tokens');

/** The options of `DebugTokenVerifier`. */
export interface DebugTokenVerifierOptions {
  readonly [allowDebugTokens]: true;
  /** Decides which tokens are accepted. @default all of them */
  readonly validate?: ((token: string) => Awaitable<boolean>) | undefined;
  /** The client all tokens belong to. @default debug-client */
  readonly clientId?: string | undefined;
  /** The scopes all tokens have. @default none */
  readonly scopes?: readonly string[] | undefined;
  /** The scopes a token must have. @default none */
  readonly requiredScopes?: readonly string[] | undefined;
  /** Names the verifier in events and in `AccessToken.source`. @default DebugTokenVerifier */
  readonly name?: string | undefined;
}

const OPTIONS = ['validate', 'clientId', 'scopes', 'requiredScopes', 'name'] as const;

/**
 * Accepts every token your function accepts, and all of them without one: for a developer's machine.
 *
 * @throws {ConfigurationError} unless `allowDebugTokens` is set.
 */
export class DebugTokenVerifier implements TokenVerifier {
  readonly name: string;
  readonly requiredScopes: readonly string[];
  readonly #validate: (token: string) => Awaitable<boolean>;
  readonly #answer: VerifiedToken;

  constructor(options: DebugTokenVerifierOptions) {
    ConfigurationError.assertNone(issuesOf(options));
    this.name = options.name ?? 'DebugTokenVerifier';
    this.requiredScopes = [...(options.requiredScopes ?? [])];
    this.#validate = options.validate ?? (() => true);
    this.#answer = {
      clientId: options.clientId ?? 'debug-client',
      scopes: [...(options.scopes ?? [])],
    };
  }

  /** It owns no token: it gets those that no other source claims. */
  recognizes(): undefined {
    return undefined;
  }

  verifyToken(token: string, context: VerificationContext): Awaitable<VerifiedToken | null> {
    if (token.trim() === '') return context.reject('malformed');
    const verdict = this.#validate(token);
    return isPromise(verdict)
      ? verdict.then((valid) => this.#answerTo(valid, context))
      : this.#answerTo(verdict, context);
  }

  // Compared with true: a function that answers something else, by mistake, accepts nothing.
  #answerTo(valid: unknown, context: VerificationContext): VerifiedToken | null {
    return valid === true ? this.#answer : context.reject('refused_by_validate');
  }
}

function issuesOf(options: DebugTokenVerifierOptions | undefined): ConfigurationIssue[] {
  const owner = 'DebugTokenVerifier';
  if (options?.[allowDebugTokens] !== true) {
    const problem =
      'accepts every token; never outside a developer’s machine, and only with ' +
      '`[allowDebugTokens]: true` among its options';
    return [{ path: owner, problem }];
  }
  const issues = [
    ...unknownOptionIssues(owner, options, OPTIONS),
    ...commonOptionIssues(owner, options),
    ...scopeListIssues(`${owner}.scopes`, options.scopes),
  ];
  if (options.clientId !== undefined && !isText(options.clientId)) {
    issues.push({ path: `${owner}.clientId`, problem: 'must be a text that is not empty' });
  }
  if (options.validate !== undefined && typeof options.validate !== 'function') {
    issues.push({ path: `${owner}.validate`, problem: 'must be a function' });
  }
  return issues;
}
