import { SystemClock } from '../common/clock.js';
import type { Clock } from '../common/clock.js';
import { ConfigurationError } from '../common/errors.js';
import type { ConfigurationIssue } from '../common/errors.js';
import { unknownOptionIssues } from '../common/option-issues.js';
import { publishedClient } from './issuer-metadata.js';
import { JwksSource } from './jwks-source.js';
import type { JwtCheckParts } from './jwt-check.js';
import { readJwtKeys } from './jwt-key-options.js';
import type { JwtKeyOptions, JwtKeys } from './jwt-key-options.js';
import {
  jwtPolicyIssues,
  jwtPolicyOf,
  jwtPolicyOptions,
  listOf,
  textListIssues,
} from './jwt-policy-options.js';
import type { JwtPolicyOptions } from './jwt-policy-options.js';
import { SharedSecretSource, StaticKeySource } from './key-source.js';
import type { KeySource } from './key-source.js';

/** What a `JwtVerifier` needs to know. */
export interface JwtVerifierOptions extends JwtKeyOptions, JwtPolicyOptions {
  /** The `iss` the token must have, exactly; one of them when there are several. */
  readonly issuer: string | readonly string[];
}

export interface ResolvedJwtVerifierOptions extends JwtCheckParts {
  readonly name: string;
}

const OPTIONS = [
  'jwksUri',
  'publicKey',
  'sharedSecret',
  'algorithms',
  'issuer',
  ...jwtPolicyOptions,
] as const satisfies readonly (keyof JwtVerifierOptions)[];

/** Fills in every default. Throws one `ConfigurationError` that names all that is wrong. */
export function resolveJwtVerifierOptions(options: JwtVerifierOptions): ResolvedJwtVerifierOptions {
  const { name = 'JwtVerifier', clock = new SystemClock() } = options;
  const issues: ConfigurationIssue[] = [
    ...unknownOptionIssues('JwtVerifier', options, OPTIONS),
    ...textListIssues('JwtVerifier.issuer', options.issuer),
    ...jwtPolicyIssues('JwtVerifier', options),
  ];
  const keys = readJwtKeys(options, issues);
  ConfigurationError.assertNone(issues);
  // Without an issue there are keys.
  const { algorithms } = keys as JwtKeys;
  const policy = jwtPolicyOf(options, listOf(options.issuer), algorithms);
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
  return new JwksSource(keys.uri, { outbound: publishedClient(customFetch), clock });
}
