import { ConfigurationError, type ConfigurationIssue } from '../common/errors.js';
import { scopeListIssues, unknownOptionIssues } from '../common/option-issues.js';
import { SecretRing } from '../crypto/secret-ring.js';
import { SigningKeys } from '../crypto/signing-keys.js';
import { baseUrlIssues } from '../http/base-url.js';
import type { KeyValueStore } from '../storage/key-value-store.js';
import type { AuthProviderHost } from '../verifiers/auth-provider.js';
import { configuredClientIssues } from './configured-client.js';
import { redirectUriPatternIssues } from './clients/redirect-uri-allow-list.js';
import type { OAuthProxyOptions } from './oauth-proxy-options.js';
import { lifetimeIssues } from './tokens/lifetimes.js';
import type { Upstream } from './upstream/upstream.js';

/** @throws ConfigurationError with everything that is wrong. */
export function assertOAuthProxyOptions(options: OAuthProxyOptions, host: AuthProviderHost): void {
  const path = 'server';
  ConfigurationError.assertNone([
    ...unknownOptionIssues(path, options, known),
    ...upstreamIssues(options, host, path),
    ...secretIssues(options, path),
    ...(options.signingKeys ? SigningKeys.issues(options.signingKeys, `${path}.signingKeys`) : []),
    ...(['requiredScopes', 'validScopes', 'defaultScopes'] as const).flatMap((name) =>
      scopeListIssues(`${path}.${name}`, options[name]),
    ),
    ...configuredClientIssues(options.clients ?? [], `${path}.clients`),
    ...redirectUriPatternIssues(
      options.allowedClientRedirectUris,
      `${path}.allowedClientRedirectUris`,
    ),
    ...baseUrlIssues(options.issuerUrl, `${path}.issuerUrl`),
    ...lifetimeIssues(options.lifetimes ?? {}, `${path}.lifetimes`),
    ...pathIssues(options.redirectPath, `${path}.redirectPath`),
    ...storageIssues(options.storage, `${path}.storage`),
  ]);
}

const known: readonly (keyof OAuthProxyOptions)[] = [
  'allowedClientRedirectUris',
  'clients',
  'defaultScopes',
  'issuerUrl',
  'lifetimes',
  'redirectPath',
  'requiredScopes',
  'scopeDescriptions',
  'secrets',
  'serverName',
  'serviceDocumentation',
  'signingKeys',
  'storage',
  'upstream',
  'validScopes',
];

function upstreamIssues(
  { upstream }: OAuthProxyOptions,
  host: AuthProviderHost,
  path: string,
): readonly ConfigurationIssue[] {
  return typeof (upstream as Upstream | undefined)?.exchange === 'function'
    ? upstream.issues(host, `${path}.upstream`)
    : [{ path: `${path}.upstream`, problem: 'is missing: give the identity provider' }];
}

function secretIssues(
  { secrets, upstream }: OAuthProxyOptions,
  path: string,
): ConfigurationIssue[] {
  if (secrets === undefined) return [];
  const issues = SecretRing.issues(secrets, `${path}.secrets`);
  const shared = (upstream as Upstream | undefined)?.clientSecret;
  if (shared !== undefined && secrets.includes(shared)) {
    issues.push({ path: `${path}.secrets`, problem: "must not be the upstream's client secret" });
  }
  return issues;
}

function pathIssues(redirectPath: string | undefined, path: string): ConfigurationIssue[] {
  if (redirectPath === undefined) return [];
  if (/^(?:\/[A-Za-z0-9_.~-]+)+$/.test(redirectPath) && !/\/\.\.?(?:\/|$)/.test(redirectPath))
    return [];
  return [{ path, problem: 'must be a plain path such as /auth/callback' }];
}

function storageIssues(storage: KeyValueStore | undefined, path: string): ConfigurationIssue[] {
  if (storage === undefined) return [];
  const missing = (['get', 'set', 'add', 'take', 'delete'] as const).filter(
    (name) => typeof storage[name] !== 'function',
  );
  return missing.length === 0
    ? []
    : [{ path, problem: `lacks ${missing.join(', ')}; see KeyValueStore` }];
}
