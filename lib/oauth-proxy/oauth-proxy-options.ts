import type { JWK } from 'jose';
import type { KeyValueStore } from '../storage/key-value-store.js';
import type { ConfiguredClient } from './configured-client.js';
import type { Lifetimes } from './tokens/lifetimes.js';
import type { Upstream } from './upstream/upstream.js';

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
  /**
   * The server's issuer identifier (RFC 8414 §2), when it is not the URL under which the endpoints
   * live. Its well-known document is served at the path that RFC 8414 §3 derives from it.
   * @default the module's `baseUrl`
   */
  readonly issuerUrl?: string | undefined;
  /**
   * Patterns outside of which no client may have a redirect URI, registered or not: a narrowing of
   * the exact match with the registered ones, never a replacement. `*.` before a host stands for its
   * subdomains, `/*` at the end for every path below; on loopback every port is meant.
   * @default every redirect URI may be registered; an empty list allows none
   */
  readonly allowedClientRedirectUris?: readonly string[] | undefined;
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
