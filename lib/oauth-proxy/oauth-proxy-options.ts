import type { JWK } from 'jose';
import { ConfigurationError, type ConfigurationIssue } from '../common/errors.js';
import { isScopeToken } from '../common/scopes.js';
import { SecretRing } from '../crypto/secret-ring.js';
import { SigningKeys } from '../crypto/signing-keys.js';
import type { KeyValueStore } from '../storage/key-value-store.js';
import type { AuthProviderHost } from '../verifiers/auth-provider.js';
import type { Client } from './clients/client.js';
import { redirectUriProblem } from './clients/redirect-uri.js';
import { type Lifetimes, lifetimeIssues } from './tokens/lifetimes.js';
import type { Upstream } from './upstream/upstream.js';

/** A client the operator knows, which needs no registration. Public: it has no secret. */
export interface ConfiguredClient {
  readonly clientId: string;
  readonly clientName?: string;
  readonly redirectUris: readonly string[];
}

/** The options of `OAuthProxy`. */
export interface OAuthProxyOptions {
  /** The identity provider at which users log in. */
  readonly upstream: Upstream;
  /**
   * The secrets from which every key is derived, each of at least 32 random bytes. The first signs
   * and seals; all of them verify and open, so that one can be replaced without logging anyone out.
   *
   * @default on a loopback `baseUrl`, one that the embedded store keeps; elsewhere they are required
   */
  readonly secrets?: readonly string[];
  /**
   * Where clients, logins and tokens are kept.
   * @default `new LmdbStore()`: a folder `.mcp-auth` in the working directory
   */
  readonly storage?: KeyValueStore;
  /** The scopes every request needs, unless the module says otherwise. */
  readonly requiredScopes?: readonly string[];
  /** All scopes that clients may get. @default the required and the default ones */
  readonly validScopes?: readonly string[];
  /** The scopes every client gets, whatever it asks for. @default the required ones */
  readonly defaultScopes?: readonly string[];
  /** What the scopes allow, in words, for the consent page. */
  readonly scopeDescriptions?: Readonly<Record<string, string>>;
  /** The server's name on the consent page. @default the host of `baseUrl` */
  readonly serverName?: string;
  /** Clients that need no registration. */
  readonly clients?: readonly ConfiguredClient[];
  /** The path, below `baseUrl`, to which the upstream sends users back. @default `/auth/callback` */
  readonly redirectPath?: string;
  /**
   * Private keys that sign access tokens instead of a derived secret: ES256, RS256 or EdDSA. The
   * first signs, all verify, and their public parts are published at `/jwks`.
   */
  readonly signingKeys?: readonly JWK[];
  readonly lifetimes?: Partial<Lifetimes>;
  /** A page that documents the server for developers (RFC 8414 `service_documentation`). */
  readonly serviceDocumentation?: string;
}

/** @throws ConfigurationError with everything that is wrong. */
export function assertOAuthProxyOptions(options: OAuthProxyOptions, host: AuthProviderHost): void {
  const path = 'server';
  ConfigurationError.assertNone([
    ...unknownOptionIssues(options, path),
    ...upstreamIssues(options, host, path),
    ...secretIssues(options, path),
    ...(options.signingKeys ? SigningKeys.issues(options.signingKeys, `${path}.signingKeys`) : []),
    ...(['requiredScopes', 'validScopes', 'defaultScopes'] as const).flatMap((name) =>
      scopeIssues(options[name], `${path}.${name}`),
    ),
    ...clientIssues(options.clients ?? [], `${path}.clients`),
    ...lifetimeIssues(options.lifetimes ?? {}, `${path}.lifetimes`),
    ...pathIssues(options.redirectPath, `${path}.redirectPath`),
    ...storageIssues(options.storage, `${path}.storage`),
  ]);
}

const known = new Set<string>([
  'clients',
  'defaultScopes',
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
] satisfies (keyof OAuthProxyOptions)[]);

/** A misspelt option would silently be the default. */
function unknownOptionIssues(options: OAuthProxyOptions, path: string): ConfigurationIssue[] {
  return Object.keys(options)
    .filter((name) => !known.has(name))
    .map((name) => ({ path: `${path}.${name}`, problem: 'is not an option' }));
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

function scopeIssues(scopes: readonly string[] | undefined, path: string): ConfigurationIssue[] {
  if (scopes === undefined || (Array.isArray(scopes) && scopes.every(isScopeToken))) return [];
  return [{ path, problem: 'must be a list of scope tokens (RFC 6749 §3.3)' }];
}

function clientIssues(clients: readonly ConfiguredClient[], path: string): ConfigurationIssue[] {
  const seen = new Set<string>();
  return clients.flatMap((client, index) => {
    const at = `${path}[${index}]`;
    const issues: ConfigurationIssue[] = [];
    if (!client.clientId || /^https?:/i.test(client.clientId)) {
      issues.push({ path: `${at}.clientId`, problem: 'must be a plain identifier, not a URL' });
    }
    if (seen.has(client.clientId)) issues.push({ path: `${at}.clientId`, problem: 'is repeated' });
    seen.add(client.clientId);
    if (client.redirectUris.length === 0) {
      issues.push({ path: `${at}.redirectUris`, problem: 'is empty' });
    }
    client.redirectUris.forEach((uri, i) => {
      const problem = redirectUriProblem(uri);
      if (problem) issues.push({ path: `${at}.redirectUris[${i}]`, problem });
    });
    return issues;
  });
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

/** The operator's clients as the server sees them. */
export function toClient(configured: ConfiguredClient): Client {
  return {
    id: configured.clientId,
    origin: 'configured',
    ...(configured.clientName !== undefined && { name: configured.clientName }),
    redirectUris: [...configured.redirectUris],
    grantTypes: ['authorization_code', 'refresh_token'],
    authenticationMethod: 'none',
    issuedAt: 0,
  };
}
