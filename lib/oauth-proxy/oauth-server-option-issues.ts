import type { ConfigurationIssue } from '../common/errors.js';
import { scopeListIssues, unknownOptionIssues } from '../common/option-issues.js';
import { baseUrlIssues } from '../http/base-url.js';
import type { KeyValueStore } from '../storage/key-value-store.js';
import { TimeLimitedStore } from '../storage/time-limited.store.js';
import type { AuthProviderHost } from '../verifiers/auth-provider.js';
import { configuredClientIssues } from './configured-client-issues.js';
import { documentOptionIssues } from './clients/client-id-metadata-document-options.js';
import { redirectUriPatternIssues } from './clients/redirect-uri-allow-list.js';
import { registrationIssues } from './clients/registration-options.js';
import { rateLimitIssues } from './limits/rate-limit-options.js';
import { introspectionClientIssues } from './introspection-clients.js';
import { consentModeIssues } from './consent/consent-mode.js';
import type { OAuthServerOptions } from './oauth-server-options.js';
import { ServerKeys } from './server-keys.js';
import { pageOptionIssues } from './pages/page-option-issues.js';
import { lifetimeIssues } from './tokens/lifetimes.js';

/** What is wrong with the options that every server has; `own` are the names of its others. */
export function oauthServerOptionIssues(
  options: OAuthServerOptions,
  host: AuthProviderHost,
  { path, own }: { readonly path: string; readonly own: readonly string[] },
): readonly ConfigurationIssue[] {
  return [
    ...unknownOptionIssues(path, options, [...known, ...own]),
    ...ServerKeys.issues(options, path),
    ...(['requiredScopes', 'validScopes', 'defaultScopes'] as const).flatMap((name) =>
      scopeListIssues(`${path}.${name}`, options[name]),
    ),
    ...configuredClientIssues(options.clients ?? [], `${path}.clients`),
    ...redirectUriPatternIssues(
      options.allowedClientRedirectUris,
      `${path}.allowedClientRedirectUris`,
    ),
    ...consentModeIssues(options, path),
    ...pageOptionIssues(options, path),
    ...registrationIssues(options.registration, `${path}.registration`),
    ...rateLimitIssues(options.rateLimits, `${path}.rateLimits`),
    ...documentOptionIssues(options.clientIdMetadataDocuments, `${path}.clientIdMetadataDocuments`),
    ...introspectionClientIssues(
      options.introspectionClients,
      host.resources,
      `${path}.introspectionClients`,
    ),
    ...baseUrlIssues(options.issuerUrl, `${path}.issuerUrl`),
    ...lifetimeIssues(options.lifetimes ?? {}, `${path}.lifetimes`),
    ...storageIssues(options.storage, `${path}.storage`),
    ...TimeLimitedStore.issues(options.storageTimeoutSeconds, `${path}.storageTimeoutSeconds`),
  ];
}

const known: readonly (keyof OAuthServerOptions)[] = [
  'allowedClientRedirectUris',
  'clientIdMetadataDocuments',
  'clients',
  'consent',
  'consentPage',
  'contentSecurityPolicy',
  'defaultScopes',
  'introspectionClients',
  'icon',
  'issuerUrl',
  'lifetimes',
  'messages',
  'rateLimits',
  'registration',
  'requiredScopes',
  'scopeDescriptions',
  'secrets',
  'serverName',
  'serviceDocumentation',
  'signingKeys',
  'storage',
  'storageTimeoutSeconds',
  'unconsentedClients',
  'validScopes',
];

function storageIssues(storage: KeyValueStore | undefined, path: string): ConfigurationIssue[] {
  if (storage === undefined) return [];
  const missing = (['get', 'set', 'add', 'take', 'delete'] as const).filter(
    (name) => typeof storage[name] !== 'function',
  );
  return missing.length === 0
    ? []
    : [{ path, problem: `lacks ${missing.join(', ')}; see KeyValueStore` }];
}
