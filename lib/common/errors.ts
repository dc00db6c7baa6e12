import { types } from 'node:util';

/** The base of every error the library throws at the operator (never at a client). */
export abstract class MultiAuthError extends Error {
  /** A stable, machine-readable code. */
  abstract readonly code: `ERR_MULTI_AUTH_${string}`;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** One wrong option: where it stands and what is wrong with it. Never holds the option's value. */
export interface ConfigurationIssue {
  /** The option's path, such as `verifiers[0].audience`. */
  readonly path: string;
  /** What is wrong and what would be right. */
  readonly problem: string;
}

/** The configuration cannot work or would not be safe; names every wrong option at once. */
export class ConfigurationError extends MultiAuthError {
  readonly code = 'ERR_MULTI_AUTH_CONFIGURATION';

  constructor(readonly issues: readonly ConfigurationIssue[]) {
    super(
      ['The configuration is not usable:', ...issues.map((i) => `  ${i.path}: ${i.problem}`)].join(
        '\n',
      ),
    );
  }

  /** Throws one error with all the issues, or nothing when there are none. */
  static assertNone(issues: readonly ConfigurationIssue[]): void {
    if (issues.length > 0) throw new ConfigurationError(issues);
  }
}

/**
 * A verifier could not reach a verdict (its keys or its issuer cannot be had right now).
 * Throw it from `verifyToken`; the request is answered with 503, not 401.
 */
export class VerifierUnavailableError extends MultiAuthError {
  readonly code = 'ERR_MULTI_AUTH_VERIFIER_UNAVAILABLE';
  /** When a client may try again, in seconds. */
  readonly retryAfterSeconds: number;

  constructor(message: string, options?: ErrorOptions & { retryAfterSeconds?: number }) {
    super(message, options);
    this.retryAfterSeconds = options?.retryAfterSeconds ?? 5;
  }
}

/** The upstream identity provider did not answer, or answered what cannot be used. */
export class UpstreamError extends MultiAuthError {
  readonly code = 'ERR_MULTI_AUTH_UPSTREAM';
  /** True when the user, or the upstream's policy, refused the login. */
  readonly denied: boolean;

  constructor(
    message: string,
    /** `transient`: trying again may work. `refused`: the upstream said no, for good. */
    readonly kind: 'transient' | 'refused',
    options?: ErrorOptions & { denied?: boolean },
  ) {
    super(message, options);
    this.denied = options?.denied ?? false;
  }
}

/** The store did not answer, refused the write, or holds what cannot be used. */
export class StorageError extends MultiAuthError {
  readonly code = 'ERR_MULTI_AUTH_STORAGE';
}

/** The app's own login hooks failed, took too long, or answered what cannot be used. */
export class LoginUnavailableError extends MultiAuthError {
  readonly code = 'ERR_MULTI_AUTH_LOGIN_UNAVAILABLE';
}

/** Text for the operator's log from anything that can be thrown, with the code of what caused it. */
export function describeError(thrown: unknown): string {
  if (!isError(thrown)) {
    return typeof thrown === 'string'
      ? thrown
      : `a thrown ${thrown === null ? 'null' : typeof thrown}`;
  }
  const text = thrown.message || codeOf(thrown) || thrown.name;
  const cause = causeCodeOf(thrown);
  return cause === undefined || text.includes(cause) ? text : `${text} (${cause})`;
}

/** The innermost code, such as `ECONNREFUSED`: what an operator needs first. */
function causeCodeOf(error: Error): string | undefined {
  let code: string | undefined;
  let cause: unknown = error.cause;
  for (let depth = 0; depth < 5 && isError(cause); depth++) {
    code = codeOf(cause) ?? code;
    cause = cause.cause;
  }
  return code;
}

function codeOf(error: Error): string | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : undefined;
}

function isError(thrown: unknown): thrown is Error {
  // Also errors of another realm, as of a Node built-in inside a VM context.
  return thrown instanceof Error || types.isNativeError(thrown);
}
