import { type Clock, SystemClock } from '../common/clock.js';
import {
  ConfigurationError,
  type ConfigurationIssue,
  VerifierUnavailableError,
} from '../common/errors.js';
import { commonOptionIssues, unknownOptionIssues } from '../common/option-issues.js';
import { OutboundClient } from '../http/outbound.js';
import type { VerifiedToken } from '../verifiers/access-token.js';
import type { TokenVerifier, VerificationContext } from '../verifiers/token-verifier.js';
import { VendorAnswers, type VendorVerdict } from './vendor-answers.js';

/** What every verifier that asks a vendor about its opaque tokens can be told. */
export interface VendorTokenVerifierOptions {
  /**
   * How long a positive answer is remembered, in seconds, 0 to 300; never beyond the token's end. A
   * token that is revoked meanwhile is accepted for as long. A refusal is remembered for 5 seconds.
   * @default 60
   */
  readonly cacheSeconds?: number | undefined;
  /** How many positive answers are remembered. @default 10_000 */
  readonly maxCacheEntries?: number | undefined;
  /** How long the vendor may take, in seconds, up to 60. @default 5 a call */
  readonly timeoutSeconds?: number | undefined;
  /** The scopes a token must have, in the vendor's terms. @default none */
  readonly requiredScopes?: readonly string[] | undefined;
  /** Names the verifier in events and in `AccessToken.source`. @default the name of the class */
  readonly name?: string | undefined;
  /** Replaces the network, for proxies and tests. @default the global `fetch` */
  readonly fetch?: typeof fetch | undefined;
  /** @default the clock of the machine */
  readonly clock?: Clock | undefined;
}

/** An answer of the vendor's API. */
export interface VendorAnswer {
  readonly status: number;
  /** The members of the JSON; none when a refusal is not JSON. */
  readonly body: Readonly<Record<string, unknown>>;
}

const names = [
  'cacheSeconds',
  'clock',
  'fetch',
  'maxCacheEntries',
  'name',
  'requiredScopes',
  'timeoutSeconds',
] as const satisfies readonly (keyof VendorTokenVerifierOptions)[];
const ranges = {
  cacheSeconds: [0, 300],
  maxCacheEntries: [1, 1_000_000],
} as const;
const maxTokenLength = 4096;
// Some APIs turn away callers that do not name themselves.
const userAgent = 'nestjs-mcp-multi-auth';

/**
 * Asks the vendor about an opaque token, once: what it accepts is remembered for a while, and for a
 * shorter one what it refuses, each within bounds of its own; a failure never.
 */
export abstract class VendorTokenVerifier implements TokenVerifier {
  readonly name: string;
  readonly requiredScopes: readonly string[];
  readonly timeoutSeconds: number | undefined;
  protected readonly clock: Clock;
  readonly #outbound: OutboundClient;
  readonly #answers: VendorAnswers;

  /** @throws ConfigurationError with the issues of the subclass too */
  protected constructor(
    options: VendorTokenVerifierOptions,
    owner: string,
    own: Readonly<Record<string, string | undefined>>,
  ) {
    ConfigurationError.assertNone(issuesOf(options, owner, own));
    this.name = options.name ?? owner;
    this.requiredScopes = [...(options.requiredScopes ?? [])];
    this.timeoutSeconds = options.timeoutSeconds;
    this.clock = options.clock ?? new SystemClock();
    this.#outbound = new OutboundClient({
      timeoutSeconds: options.timeoutSeconds ?? 5,
      maxBytes: 256 * 1024,
      ...(options.fetch && { fetch: options.fetch }),
    });
    const { cacheSeconds = 60, maxCacheEntries = 10_000 } = options;
    this.#answers = new VendorAnswers({ clock: this.clock, cacheSeconds, maxCacheEntries });
  }

  /** False for what cannot be a token of the vendor and must not be shown to it. */
  abstract recognizes(token: string, context: VerificationContext): boolean | undefined;

  /** What the vendor says of the token: whose it is, or why it is refused. */
  protected abstract ask(token: string): Promise<VendorVerdict>;

  async verifyToken(token: string, context: VerificationContext): Promise<VerifiedToken | null> {
    if (token.length > maxTokenLength) return context.reject('malformed');
    if (this.recognizes(token, context) === false) return context.reject('foreign_token');
    const verdict = await this.#answers.of(token, context.fresh === true, () => this.ask(token));
    return typeof verdict === 'string' ? context.reject(verdict) : verdict;
  }

  /**
   * Calls the vendor's API. No request's own signal ends it, as others may wait for it too.
   * @throws VerifierUnavailableError when the answer is no verdict on the token
   */
  protected async call(
    url: string,
    init: { method?: string; headers?: Readonly<Record<string, string>>; body?: string } = {},
  ): Promise<VendorAnswer> {
    const headers = { accept: 'application/json', 'user-agent': userAgent, ...init.headers };
    const response = await this.#outbound.fetch(url, { ...init, headers });
    const { status } = response;
    if (status >= 500 || status === 429) throw this.unavailable(response);
    const body = objectIn(await response.text());
    if (status === 200 && !body) throw this.unavailable(response);
    return { status, body: body ?? {} };
  }

  /** The answer says nothing of the token. */
  protected unavailable(answer: { readonly status: number; headers?: Headers }): Error {
    const seconds = Number(answer.headers?.get('retry-after'));
    return new VerifierUnavailableError(`${this.name}: the vendor answered ${answer.status}`, {
      ...(seconds > 0 && { retryAfterSeconds: seconds }),
    });
  }
}

function issuesOf(
  options: VendorTokenVerifierOptions,
  owner: string,
  own: Readonly<Record<string, string | undefined>>,
): ConfigurationIssue[] {
  const issues = [
    ...unknownOptionIssues(owner, options, [...names, ...Object.keys(own)]),
    ...commonOptionIssues(owner, options),
  ];
  const add = (option: string, problem: string): void => {
    issues.push({ path: `${owner}.${option}`, problem });
  };
  if (options.fetch !== undefined && typeof options.fetch !== 'function') {
    add('fetch', 'must be a function');
  }
  for (const [option, problem] of Object.entries(own)) {
    if (problem !== undefined) add(option, problem);
  }
  for (const [option, [min, max]] of Object.entries(ranges)) {
    const value = options[option as keyof typeof ranges];
    if (value === undefined) continue;
    if (typeof value === 'number' && value >= min && value <= max) continue;
    add(option, `must be a number from ${min} to ${max}`);
  }
  return issues;
}

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
