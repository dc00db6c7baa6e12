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
    super({ error, error_description: description }, details.status);
    this.message = `${error}: ${description}`;
    this.headers = details.headers ?? {};
  }

  /** The exception of a refusal: of one prepared once, so that refusing records no stack. */
  static of(refusal: Refusal): OAuthException {
    let prepared = exceptions.get(refusal);
    if (prepared === undefined) {
      prepared = new OAuthException(refusal.error, refusal.description, refusal);
      exceptions.set(refusal, prepared);
    }
    // Filters and error trackers write on what they catch: each request has an object of its own.
    return Object.create(prepared) as OAuthException;
  }

  override getResponse(): { error: OAuthErrorCode; error_description: string } {
    return { error: this.error, error_description: this.description };
  }
}

/** Answers a CORS preflight that nothing before the guard has answered: empty, and no handler runs. */
export class PreflightException extends HttpException {
  constructor() {
    super('', 204);
  }
}
