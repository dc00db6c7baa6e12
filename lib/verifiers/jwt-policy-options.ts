import type { Clock } from '../common/clock.js';
import type { ConfigurationIssue } from '../common/errors.js';
import { commonOptionIssues, isText } from '../common/option-issues.js';
import { normalizedType } from './jwt-refusal.js';
import type { JwtPolicy } from './jwt-refusal.js';

/** The options of everything that verifies JWTs: what a token must be, whoever signed it. */
export interface JwtPolicyOptions {
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
  /** How long a verification may take, in seconds, up to 60. @default the module's */
  readonly timeoutSeconds?: number | undefined;
  /** Names the verifier in events and in `AccessToken.source`. @default the name of its class */
  readonly name?: string | undefined;
  /** Fetches what the issuer publishes, as `globalThis.fetch` does by default: for a proxy. */
  readonly fetch?: typeof fetch | undefined;
  /** @default the clock of the machine */
  readonly clock?: Clock | undefined;
}

/** The names of these options. */
export const jwtPolicyOptions = [
  'audience',
  'requiredScopes',
  'clockToleranceSeconds',
  'typ',
  'timeoutSeconds',
  'name',
  'fetch',
  'clock',
] as const satisfies readonly (keyof JwtPolicyOptions)[];

/** Everything that is wrong with these options; never a value. */
export function jwtPolicyIssues(owner: string, options: JwtPolicyOptions): ConfigurationIssue[] {
  const { audience, typ, clockToleranceSeconds: tolerance = 5 } = options;
  const issues = [
    ...(audience === undefined ? [] : textListIssues(`${owner}.audience`, audience)),
    ...(typ === undefined ? [] : textListIssues(`${owner}.typ`, typ)),
  ];
  if (!(typeof tolerance === 'number' && tolerance >= 0 && tolerance <= 30)) {
    const path = `${owner}.clockToleranceSeconds`;
    issues.push({ path, problem: 'must be a number from 0 to 30' });
  }
  issues.push(...commonOptionIssues(owner, options));
  if (options.fetch !== undefined && typeof options.fetch !== 'function') {
    issues.push({ path: `${owner}.fetch`, problem: 'must be a function' });
  }
  return issues;
}

/** What options without issues ask of a token. */
export function jwtPolicyOf(
  options: JwtPolicyOptions,
  issuers: readonly string[],
  algorithms: readonly string[],
): JwtPolicy {
  return {
    issuers,
    audiences: listOf(options.audience ?? []),
    algorithms: [...algorithms],
    types: acceptedTypes(options.typ),
    requiredScopes: [...(options.requiredScopes ?? [])],
    clockToleranceSeconds: options.clockToleranceSeconds ?? 5,
  };
}

/** The issues of an option that is a text, or a list of one or more. */
export function textListIssues(path: string, value: unknown): ConfigurationIssue[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length > 0 && list.every(isText)) return [];
  return [{ path, problem: 'must be a text, or an array of one or more' }];
}

/** The list that an option is, or the list of the one text. */
export function listOf(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : [...value];
}

function acceptedTypes(typ: JwtPolicyOptions['typ']): readonly string[] {
  return typ === undefined
    ? [normalizedType('at+jwt'), normalizedType('JWT'), normalizedType(undefined)]
    : listOf(typ).map(normalizedType);
}
