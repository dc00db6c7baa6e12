import { ConfigurationError, type ConfigurationIssue } from '../common/errors.js';
import type { AuthProviderHost } from '../verifiers/auth-provider.js';
import type { OAuthProxyOptions } from './oauth-proxy-options.js';
import { oauthServerOptionIssues } from './oauth-server-option-issues.js';
import { recheckIntervalIssues } from './tokens/login-recheck.js';
import type { Upstream } from './upstream/upstream.js';

const own: readonly (keyof OAuthProxyOptions)[] = [
  'redirectPath',
  'upstream',
  'upstreamRecheckSeconds',
];

/** @throws ConfigurationError with everything that is wrong. */
export function assertOAuthProxyOptions(options: OAuthProxyOptions, host: AuthProviderHost): void {
  const path = 'server';
  ConfigurationError.assertNone([
    ...upstreamIssues(options, host, path),
    ...oauthServerOptionIssues(options, host, { path, own }),
    ...recheckIntervalIssues(options.upstreamRecheckSeconds, `${path}.upstreamRecheckSeconds`),
    ...pathIssues(options.redirectPath, `${path}.redirectPath`),
  ]);
}

function upstreamIssues(
  { upstream }: OAuthProxyOptions,
  host: AuthProviderHost,
  path: string,
): readonly ConfigurationIssue[] {
  return typeof (upstream as Upstream | undefined)?.exchange === 'function'
    ? upstream.issues(host, `${path}.upstream`)
    : [{ path: `${path}.upstream`, problem: 'is missing: give the identity provider' }];
}

function pathIssues(redirectPath: string | undefined, path: string): ConfigurationIssue[] {
  if (redirectPath === undefined) return [];
  if (/^(?:\/[A-Za-z0-9_.~-]+)+$/.test(redirectPath) && !/\/\.\.?(?:\/|$)/.test(redirectPath))
    return [];
  return [{ path, problem: 'must be a plain path such as /auth/callback' }];
}
