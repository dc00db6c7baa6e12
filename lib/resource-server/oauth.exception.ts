import { HttpException } from '@nestjs/common';

import type { OAuthErrorCode } from '../http/oauth-error.js';
import type { Refusal } from './refusal.js';

const exceptions = new WeakMap<Refusal, OAuthException>();

/** A protocol error answered as `{ error, error_description }`: constant text, safe to show. */
export class OAuthException extends HttpException {
  /** Headers of the answer; the guard has set them before it throws. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    readonly error: OAuthErrorCode,
    readonly description: string,
    details: {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
    },
  ) {
    super(Object.freeze({ error, error_description: description }), details.status);
    this.message = `${error}: ${description}`;
    this.headers = details.headers ?? {};
  }

  /** The exception of a refusal: always the same one, so that refusing records no stack. */
  static of(refusal: Refusal): OAuthException {
    let exception = exceptions.get(refusal);
    if (exception === undefined) {
      exception = new OAuthException(refusal.error, refusal.description, refusal);
      exceptions.set(refusal, exception);
    }
    return exception;
  }
}

/** Answers a CORS preflight that nothing before the guard has answered: empty, and no handler runs. */
export class PreflightException extends HttpException {
  constructor() {
    super('', 204);
  }
}
