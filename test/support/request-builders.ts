import { createHash, randomBytes } from 'node:crypto';

/** An immutable list of parameters: each change gives a new one. */
export class Params {
  readonly #entries: readonly (readonly [string, string])[];

  constructor(entries: readonly (readonly [string, string])[] | Readonly<Record<string, string>>) {
    this.#entries = Array.isArray(entries)
      ? (entries as readonly (readonly [string, string])[])
      : Object.entries(entries as Record<string, string>);
  }

  get(name: string): string | undefined {
    return this.#entries.find(([key]) => key === name)?.[1];
  }

  /** With these values instead of, or beside, the present ones. */
  with(values: Readonly<Record<string, string>>): Params {
    return new Params([
      ...this.without(...Object.keys(values)).#entries,
      ...Object.entries(values),
    ]);
  }

  without(...names: readonly string[]): Params {
    return new Params(this.#entries.filter(([name]) => !names.includes(name)));
  }

  /** With the parameter sent a second time, by default with its own value. */
  twice(name: string, value = this.get(name) ?? 'again'): Params {
    const present = this.get(name) === undefined ? this.with({ [name]: value }) : this;
    return new Params([...present.#entries, [name, value]]);
  }

  /** The other way round: the last parameter first. */
  reversed(): Params {
    return new Params(this.#entries.toReversed());
  }

  toString(): string {
    return new URLSearchParams(this.#entries as [string, string][]).toString();
  }
}

/** A request to the authorization endpoint, with the verifier that its challenge was made of. */
export class AuthorizationRequest {
  constructor(
    private readonly endpoint: string,
    readonly params: Params,
    readonly verifier: string,
  ) {}

  get url(): string {
    return `${this.endpoint}?${this.params.toString()}`;
  }

  get state(): string | undefined {
    return this.params.get('state');
  }

  with(values: Readonly<Record<string, string>>): AuthorizationRequest {
    return this.#changed(this.params.with(values));
  }

  without(...names: readonly string[]): AuthorizationRequest {
    return this.#changed(this.params.without(...names));
  }

  twice(name: string, value?: string): AuthorizationRequest {
    return this.#changed(this.params.twice(name, value));
  }

  reversed(): AuthorizationRequest {
    return this.#changed(this.params.reversed());
  }

  #changed(params: Params): AuthorizationRequest {
    return new AuthorizationRequest(this.endpoint, params, this.verifier);
  }
}

export function newVerifier(): string {
  return randomBytes(32).toString('base64url');
}

export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}
