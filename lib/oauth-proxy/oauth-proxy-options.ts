import type { JWK } from 'jose';
import { ConfigurationError, type ConfigurationIssue } from '../common/errors.js';
import { isText, scopeListIssues, unknownOptionIssues } from '../common/option-issues.js';
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
  readonly clientName?: string | undefined;
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
  readonly secrets?: readonly string[] | undefined;
  /**
   * Where clients, logins and tokens are kept; closed when the app closes.
   * @default `new LmdbStore()`: a folder `.mcp-auth` in the working directory
   */
  readonly storage?: KeyValueStore | undefined;
  /** The scopes every request needs, unless the module says otherwise. */
  readonly requiredScopes?: readonly string[] | undefined;
  /** The scopes clients may get beside the default ones and those a resource requires. @default none */
  readonly validScopes?: readonly string[] | undefined;
  /** The scopes every client gets, whatever it asks for. @default the required ones */
  readonly defaultScopes?: readonly string[] | undefined;
  /** What the scopes allow, in words, for the consent page. */
  readonly scopeDescriptions?: Readonly<Record<string, string>> | undefined;
  /** The server's name on the consent page. @default the host of `baseUrl` */
  readonly serverName?: string | undefined;
  /** Clients that need no registration. */
  readonly clients?: readonly ConfiguredClient[] | undefined;
  /** The path, below `baseUrl`, to which the upstream sends users back. @default `/auth/callback` */
  readonly redirectPath?: string | undefined;
  /**
   * Private keys that sign access tokens instead of a derived secret: ES256, RS256 or EdDSA. The
   * first signs, all verify, and their public parts are published at `/jwks`.
   */
  readonly signingKeys?: readonly JWK[] | undefined;
  /** How long things live, in seconds. @default see `Lifetimes` */
  readonly lifetimes?: Partial<Lifetimes> | undefined;
  /** A page that documents the server for developers (RFC 8414 `service_documentation`). */
  readonly serviceDocumentation?: string | undefined;
}

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
    ...clientIssues(options.clients ?? [], `${path}.clients`),
    ...lifetimeIssues(options.lifetimes ?? {}, `${path}.lifetimes`),
    ...pathIssues(options.redirectPath, `${path}.redirectPath`),
    ...storageIssues(options.storage, `${path}.storage`),
  ]);
}

const known: readonly (keyof OAuthProxyOptions)[] = [
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

function clientIssues(clients: readonly ConfiguredClient[], path: string): ConfigurationIssue[] {
  if (!Array.isArray(clients)) return [{ path, problem: 'must be a list of clients' }];
  const seen = new Set<string>();
  return clients.flatMap((client: ConfiguredClient, index) => {
    const at = `${path}[${index}]`;
    const issues = unknownOptionIssues(at, client, ['clientId', 'clientName', 'redirectUris']);
    if (!isText(client.clientId) || /^https?:/i.test(client.clientId)) {
      issues.push({ path: `${at}.clientId`, problem: 'must be a plain identifier, not a URL' });
    }
    if (seen.has(client.clientId)) issues.push({ path: `${at}.clientId`, problem: 'is repeated' });
    seen.add(client.clientId);
    return [...issues, ...redirectUriIssues(client.redirectUris, `${at}.redirectUris`)];
  });
}

function redirectUriIssues(uris: unknown, path: string): ConfigurationIssue[] {
  if (!Array.isArray(uris) || uris.length === 0) {
    return [{ path, problem: 'must be a list of at least one URI' }];
  }
  return uris.flatMap((uri: unknown, i) => {
    const problem = redirectUriProblem(uri);
    return problem === null ? [] : [{ path: `${path}[${i}]`, problem }];
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
