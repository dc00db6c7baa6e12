import type { Clock } from '../common/clock.js';
import { UpstreamError } from '../common/errors.js';
import { endpointUrlProblem } from '../http/endpoint-url.js';
import type { OutboundClient } from '../http/outbound.js';
import { OutboundError } from '../http/outbound-error.js';
import { authorizationServerPaths } from '../metadata/well-known-paths.js';

const maxAgeSeconds = 600;
const maxStaleSeconds = 24 * 3600;
const failureCooldownSeconds = 5;

/** The metadata document of an authorization server (RFC 8414 §2), as it was answered. */
export type ServerDocument = Readonly<Record<string, unknown>>;

/** What the metadata is fetched with, and as whose it is taken. */
export interface ServerMetadataParts {
  readonly outbound: Pick<OutboundClient, 'fetch'>;
  readonly clock: Clock;
  /** What its `issuer` may be. */
  readonly issuers: readonly string[];
}

/**
 * The metadata of a remote authorization server, found where clients find it. Kept for ten minutes;
 * old, and asked for anew by the by, for a day. One fetch at a time, one in five seconds when it fails.
 */
export class ServerMetadata {
  readonly #urls: readonly string[];
  readonly #parts: ServerMetadataParts;
  readonly #closing = new AbortController();
  #known: { readonly document: ServerDocument; readonly at: number } | undefined;
  #failure: { readonly error: UpstreamError; readonly at: number } | undefined;
  #fetching: Promise<ServerDocument> | undefined;

  constructor(server: string, parts: ServerMetadataParts) {
    const { origin } = new URL(server);
    this.#urls = authorizationServerPaths(server).map((path) => origin + path);
    this.#parts = parts;
  }

  /** @throws UpstreamError `transient` when trying again may help, else `refused`. */
  async document(): Promise<ServerDocument> {
    const age = this.#age(this.#known?.at);
    if (!this.#known || age >= maxStaleSeconds) return this.#refetch();
    if (age >= maxAgeSeconds) this.#refetch().catch(() => {});
    return this.#known.document;
  }

  /** Ends a fetch that is under way. */
  close(): void {
    this.#closing.abort(new UpstreamError('the app is closing', 'transient'));
  }

  // The absolute value: a clock that was set back must not keep anything alive.
  #age(at: number | undefined): number {
    return at === undefined ? Infinity : Math.abs(this.#parts.clock.now() - at);
  }

  #refetch(): Promise<ServerDocument> {
    const failure = this.#failure;
    if (failure && this.#age(failure.at) < failureCooldownSeconds) {
      return Promise.reject(failure.error);
    }
    this.#fetching ??= this.#load().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #load(): Promise<ServerDocument> {
    try {
      const document = this.#judged(await this.#fetch());
      this.#known = { document, at: this.#parts.clock.now() };
      this.#failure = undefined;
      return document;
    } catch (thrown) {
      const error = failureOf(thrown);
      this.#failure = { error, at: this.#parts.clock.now() };
      throw error;
    }
  }

  async #fetch(): Promise<unknown> {
    for (const url of this.#urls) {
      const headers = { accept: 'application/json' };
      const { signal } = this.#closing;
      const response = await this.#parts.outbound.fetch(url, { headers, signal });
      if (response.status === 200) return parsed(await response.text());
      // What is missing here may be at the next place; a server that fails is no answer at all.
      if (response.status >= 500 || response.status === 429) {
        throw new UpstreamError(`the metadata answered ${response.status}`, 'transient');
      }
    }
    throw new UpstreamError('the server has no metadata', 'refused');
  }

  /** RFC 8414 §3.3, and §6.2 for what a poisoned document could send clients to. */
  #judged(value: unknown): ServerDocument {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new UpstreamError('the metadata is no JSON object', 'refused');
    }
    const document = value as ServerDocument;
    const { issuer } = document;
    if (typeof issuer !== 'string' || !this.#parts.issuers.some((i) => isSame(i, issuer))) {
      throw new UpstreamError('the metadata is of another issuer', 'refused');
    }
    for (const [name, url] of Object.entries(document)) {
      if (/_endpoint$|^jwks_uri$/.test(name) && endpointUrlProblem(url) !== null) {
        throw new UpstreamError(`the metadata has no usable ${name}`, 'refused');
      }
    }
    return document;
  }
}

function isSame(expected: string, issuer: string): boolean {
  return issuer === expected || `${issuer}/` === expected;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UpstreamError('the metadata is not JSON', 'refused');
  }
}

function failureOf(thrown: unknown): UpstreamError {
  if (thrown instanceof UpstreamError) return thrown;
  const mayPass =
    !(thrown instanceof OutboundError) || ['network', 'timeout'].includes(thrown.problem);
  return new UpstreamError('the metadata cannot be had', mayPass ? 'transient' : 'refused', {
    cause: thrown,
  });
}
