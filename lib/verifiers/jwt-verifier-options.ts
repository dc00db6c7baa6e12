import { SystemClock } from '../common/clock.js';
import type { Clock } from '../common/clock.js';
import { ConfigurationError } from '../common/errors.js';
import type { ConfigurationIssue } from '../common/errors.js';
import { OutboundClient } from '../http/outbound.js';
import { JwksSource } from './jwks-source.js';
import { readJwtKeys } from './jwt-key-options.js';
import type { JwtKeyOptions, JwtKeys } from './jwt-key-options.js';
import { normalizedType } from './jwt-refusal.js';
import type { JwtPolicy } from './jwt-refusal.js';
import { SharedSecretSource, StaticKeySource } from './key-source.js';
import type { KeySource } from './key-source.js';
import { commonOptionIssues, isText, unknownOptionIssues } from '../common/option-issues.js';

const JWKS_TIMEOUT_SECONDS = 5;
const JWKS_MAX_BYTES = 256 * 1024;

/** What a `JwtVerifier` needs to know. */
export interface JwtVerifierOptions extends JwtKeyOptions {
  /** The `iss` the token must have, exactly; one of them when there are several. */
  readonly issuer: string | readonly string[];
  /**
   * What the token must be for: its `aud` must name it, exactly; one of them when there are several.
   * @default the resource at which the token is presented (RFC 8707)
   */
  readonly audience?: string | readonly string[] | undefined;
  /** The scopes a token must have. @default none */
  readonly requiredScopes?: readonly string[] | undefined;
  /** By how many seconds the issuer's clock may differ, 0 to 30. @default 5 */
  readonly clockToleranceSeconds?: number | undefined;
  /**
   * The `typ` headers accepted. When given, a token must have one (RFC 8725 §3.11).
   * @default `at+jwt` (RFC 9068 §2.1), `JWT`, or none
   */
  readonly typ?: string | readonly string[] | undefined;
  /** Names the verifier in events and in `AccessToken.source`. @default JwtVerifier */
  readonly name?: string | undefined;
  /** Fetches the keys, as `globalThis.fetch` does by default: for a proxy. */
  readonly fetch?: typeof fetch | undefined;
  /** @default the clock of the machine */
  readonly clock?: Clock | undefined;
}

export interface ResolvedJwtVerifierOptions {
  readonly name: string;
  readonly policy: JwtPolicy;
  /** The audience is the resource at which a token is presented; the policy names none. */
  readonly boundToResource: boolean;
  readonly keys: KeySource;
  readonly clock: Clock;
}

const OPTIONS = [
  'jwksUri',
  'publicKey',
  'sharedSecret',
  'algorithms',
  'issuer',
  'audience',
  'requiredScopes',
  'clockToleranceSeconds',
  'typ',
  'name',
  'fetch',
  'clock',
] as const satisfies readonly (keyof JwtVerifierOptions)[];

/** Fills in every default. Throws one `ConfigurationError` that names all that is wrong. */
export function resolveJwtVerifierOptions(options: JwtVerifierOptions): ResolvedJwtVerifierOptions {
  const { name = 'JwtVerifier', clock = new SystemClock(), clockToleranceSeconds = 5 } = options;
  const issues: ConfigurationIssue[] = [
    ...unknownOptionIssues('JwtVerifier', options, OPTIONS),
    ...textListIssues('issuer', options.issuer),
    ...(options.audience === undefined ? [] : textListIssues('audience', options.audience)),
    ...(options.typ === undefined ? [] : textListIssues('typ', options.typ)),
    ...toleranceIssues(clockToleranceSeconds),
    ...commonOptionIssues('JwtVerifier', options),
  ];
  if (options.fetch !== undefined && typeof options.fetch !== 'function') {
    issues.push({ path: 'JwtVerifier.fetch', problem: 'must be a function' });
  }
  const keys = readJwtKeys(options, issues);
  ConfigurationError.assertNone(issues);
  // Without an issue there are keys.
  const { algorithms } = keys as JwtKeys;
  const policy: JwtPolicy = {
    issuers: listOf(options.issuer),
    audiences: listOf(options.audience ?? []),
    algorithms: [...algorithms],
    types: acceptedTypes(options.typ),
    requiredScopes: [...(options.requiredScopes ?? [])],
    clockToleranceSeconds,
  };
  const boundToResource = options.audience === undefined;
  const source = keySourceOf(keys as JwtKeys, clock, options.fetch);
  return { name, clock, policy, boundToResource, keys: source };
}

function keySourceOf(
  keys: JwtKeys,
  clock: Clock,
  customFetch: typeof fetch | undefined,
): KeySource {
  if (keys.kind === 'public') return new StaticKeySource(keys.key.key);
  if (keys.kind === 'secret') return new SharedSecretSource(keys.secret);
  const outbound = new OutboundClient({
    timeoutSeconds: JWKS_TIMEOUT_SECONDS,
    maxBytes: JWKS_MAX_BYTES,
    ...(customFetch && { fetch: customFetch }),
  });
  return new JwksSource(keys.uri, { outbound, clock });
}

function textListIssues(option: string, value: unknown): ConfigurationIssue[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length > 0 && list.every(isText)) return [];
  return [{ path: `JwtVerifier.${option}`, problem: 'must be a text, or an array of one or more' }];
}

function toleranceIssues(seconds: unknown): ConfigurationIssue[] {
  if (typeof seconds === 'number' && seconds >= 0 && seconds <= 30) return [];
  return [{ path: 'JwtVerifier.clockToleranceSeconds', problem: 'must be a number from 0 to 30' }];
}

function acceptedTypes(typ: JwtVerifierOptions['typ']): readonly string[] {
  return typ === undefined
    ? [normalizedType('at+jwt'), normalizedType('JWT'), normalizedType(undefined)]
    : listOf(typ).map(normalizedType);
}

function listOf(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : [...value];
}
