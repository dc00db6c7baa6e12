import type { JWK } from 'jose';
import type { Clock } from '../common/clock.js';
import type { ConfigurationIssue } from '../common/errors.js';
import { commonOptionIssues, isText, unknownOptionIssues } from '../common/option-issues.js';
import { endpointUrlProblem } from '../http/endpoint-url.js';
import { type ClientAuthentication, credentialProblems } from './client-authentication.js';

/** For `IntrospectionVerifierOptions.audience`: the authorization server names no audience. */
export const anyAudience: unique symbol = Symbol('multi-auth:any-audience');

/** What an `IntrospectionVerifier` needs to know. */
export interface IntrospectionVerifierOptions {
  /** Where tokens are asked about (RFC 7662 §2): https, or http on loopback. */
  readonly introspectionEndpoint: string;
  /** Who the app is at that server. */
  readonly clientId: string;
  /** The app's secret there, if it has one. */
  readonly clientSecret?: string | undefined;
  /** The app's private key there, for `private_key_jwt`. */
  readonly clientKey?: JWK | undefined;
  /**
   * How the app authenticates.
   * @default `private_key_jwt` with a key, else `client_secret_basic`
   */
  readonly clientAuthentication?: ClientAuthentication | undefined;
  /**
   * The issuer whose tokens these are. An answer that names another one is refused, and JWTs of
   * this issuer are recognized by it.
   * @default none: whatever the endpoint answers for is accepted
   */
  readonly issuer?: string | undefined;
  /**
   * What the token must be for: the answer's `aud` must name it, exactly; one of them when there are
   * several. `anyAudience` when the server names none: then it alone decides what a token is for.
   * @default the resource at which the token is presented
   */
  readonly audience?: string | readonly string[] | typeof anyAudience | undefined;
  /**
   * Whether JWTs that do not name `issuer` are sent to the endpoint too. They are somebody else's
   * tokens, and sending one gives it away.
   * @default false
   */
  readonly introspectForeignJwts?: boolean | undefined;
  /**
   * How long a positive answer is remembered, in seconds, 0 to 300; never beyond the token's end. A
   * token that is revoked meanwhile is accepted for as long.
   * @default 0: every request asks
   */
  readonly cacheSeconds?: number | undefined;
  /** How many answers are remembered. @default 10_000 */
  readonly maxCacheEntries?: number | undefined;
  /**
   * How long the endpoint may take, in seconds, up to 60.
   * @default 5, and no longer than the module's `sourceTimeoutSeconds`
   */
  readonly timeoutSeconds?: number | undefined;
  /** The scopes a token must have. @default none */
  readonly requiredScopes?: readonly string[] | undefined;
  /** By how many seconds the server's clock may differ, 0 to 30. @default 5 */
  readonly clockToleranceSeconds?: number | undefined;
  /** Names the verifier in events and in `AccessToken.source`. @default IntrospectionVerifier */
  readonly name?: string | undefined;
  /** Replaces the network, for proxies and tests. @default the global `fetch` */
  readonly fetch?: typeof fetch | undefined;
  /** @default the clock of the machine */
  readonly clock?: Clock | undefined;
}

const owner = 'IntrospectionVerifier';
const options = [
  'audience',
  'cacheSeconds',
  'clientAuthentication',
  'clientId',
  'clientKey',
  'clientSecret',
  'clock',
  'clockToleranceSeconds',
  'fetch',
  'introspectForeignJwts',
  'introspectionEndpoint',
  'issuer',
  'maxCacheEntries',
  'name',
  'requiredScopes',
  'timeoutSeconds',
] as const satisfies readonly (keyof IntrospectionVerifierOptions)[];

const ranges = {
  cacheSeconds: [0, 300],
  clockToleranceSeconds: [0, 30],
  maxCacheEntries: [1, 1_000_000],
} as const satisfies Partial<Record<keyof IntrospectionVerifierOptions, readonly [number, number]>>;

/** Everything that is wrong with the options; never a value. */
export function introspectionVerifierIssues(
  given: IntrospectionVerifierOptions,
): ConfigurationIssue[] {
  const issues: ConfigurationIssue[] = [
    ...unknownOptionIssues(owner, given, options),
    ...commonOptionIssues(owner, given),
  ];
  const add = (option: string, problem: string): void => {
    issues.push({ path: `${owner}.${option}`, problem });
  };
  const urlProblem = endpointUrlProblem(given.introspectionEndpoint);
  if (urlProblem) add('introspectionEndpoint', urlProblem);
  if (!isText(given.clientId)) add('clientId', 'is missing');
  for (const [option, problem] of credentialProblems(given)) add(option, problem);
  if (given.issuer !== undefined && !isText(given.issuer)) add('issuer', 'must be a text');
  if (!isAudience(given.audience)) add('audience', 'must be a text, a list, or anyAudience');
  if (given.fetch !== undefined && typeof given.fetch !== 'function') {
    add('fetch', 'must be a function');
  }
  // A text such as `false`, as an environment variable has it, would count as true.
  if (!['undefined', 'boolean'].includes(typeof given.introspectForeignJwts)) {
    add('introspectForeignJwts', 'must be true or false');
  }
  for (const [option, [min, max]] of Object.entries(ranges)) {
    const value = given[option as keyof typeof ranges];
    if (value === undefined || (value >= min && value <= max)) continue;
    add(option, `must be a number from ${min} to ${max}`);
  }
  return issues;
}

function isAudience(audience: unknown): boolean {
  if (audience === undefined || audience === anyAudience) return true;
  return Array.isArray(audience) ? audience.length > 0 && audience.every(isText) : isText(audience);
}
