import { readUnverifiedJwt } from './unverified-jwt.js';
import type { UnverifiedJwt } from './unverified-jwt.js';
import type { VerificationContext } from './token-verifier.js';

/** A token on its way through the chain; read as a JWT only when a source asks, and only once. */
export class PresentedToken {
  #unverifiedJwt: UnverifiedJwt | null | undefined;

  constructor(
    readonly token: string,
    readonly resource: string,
    readonly fresh = false,
  ) {}

  get unverifiedJwt(): UnverifiedJwt | undefined {
    if (this.#unverifiedJwt === undefined) {
      this.#unverifiedJwt = readUnverifiedJwt(this.token) ?? null;
    }
    return this.#unverifiedJwt ?? undefined;
  }
}

/** What one source sees of one request. Costs no AbortController unless the source wants one. */
export class SourceContext implements VerificationContext {
  readonly #presented: PresentedToken;
  #controller: AbortController | undefined;
  #expired = false;
  #reason: string | undefined;

  constructor(presented: PresentedToken) {
    this.#presented = presented;
  }

  get resource(): string {
    return this.#presented.resource;
  }

  get fresh(): boolean {
    return this.#presented.fresh;
  }

  get unverifiedJwt(): UnverifiedJwt | undefined {
    return this.#presented.unverifiedJwt;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#expired) this.#controller.abort();
    return this.#controller.signal;
  }

  /** What the source passed to `reject`, if it did. */
  get reason(): string | undefined {
    return this.#reason;
  }

  // A property, so that `const { reject } = context` works as well.
  readonly reject = (reason: string): null => {
    this.#reason = reason;
    return null;
  };

  /** Tells the source that its time is up. */
  expire(): void {
    this.#expired = true;
    this.#controller?.abort();
  }
}
