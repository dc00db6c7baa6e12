import type { JWK } from 'jose';
import type { KeyListSource } from '../crypto/key-list.js';
import type { KeyValueStore } from '../storage/key-value-store.js';
import type { ClientIdMetadataDocumentOptions } from './clients/client-id-metadata-document-options.js';
import type { RegistrationOptions } from './clients/registration-options.js';
import type { ConfiguredClient } from './configured-client.js';
import type { IntrospectionClient } from './introspection-clients.js';
import type { RateLimits } from './limits/rate-limit-options.js';
import type { ConsentMode, dangerouslyTrustUnknownClients } from './consent/consent-mode.js';
import type { ConsentPageRenderer } from './consent/consent-page.js';
import type { LocalizedText, MessageTranslations } from './pages/message-catalogue.js';
import type { Lifetimes } from './tokens/lifetimes.js';

/** The options that every authorization server of this library has, however its users log in. */
export interface OAuthServerOptions {
  /**
   * The secrets from which every key is derived, each of at least 32 random bytes. The first signs
   * and seals; all of them verify and open, so that one can be replaced without logging anyone out.
   * A function is asked for them at the start and, while they are in use, once a minute.
   *
   * @default on a loopback `baseUrl`, one that the embedded store keeps; elsewhere they are required
   */
  readonly secrets?: KeyListSource<string> | undefined;
  /**
   * Where clients, logins and tokens are kept; closed when the app closes.
   * @default `new LmdbStore()`: a folder `.mcp-auth` in the working directory
   */
  readonly storage?: KeyValueStore | undefined;
  /**
   * How long one call of the store may take, in seconds: more than 0, at most 60. What takes longer
   * counts as a store that is down: the request is answered with 503. @default 5
   */
  readonly storageTimeoutSeconds?: number | undefined;
  /** The scopes every request needs, unless the module says otherwise. */
  readonly requiredScopes?: readonly string[] | undefined;
  /** The scopes clients may get beside the default ones and those a resource requires. @default none */
  readonly validScopes?: readonly string[] | undefined;
  /** The scopes every client gets, whatever it asks for. @default the required ones */
  readonly defaultScopes?: readonly string[] | undefined;
  /**
   * Who asks users which client may act for them. `'always'`: this server, at each login.
   * `'remember'`: this server, but not again in a browser where the same user agreed to the same, when
   * no site led there and the client is not one that anybody can name. `externalConsent` and
   * `dangerouslyWithoutConsent`: not this server. A login is bound to one browser all the same.
   * @default always
   */
  readonly consent?: ConsentMode | undefined;
  /**
   * Lets clients that nobody vetted (registered without a token, or with a document of any host) log
   * users in where this server asks for no consent.
   */
  readonly unconsentedClients?: typeof dangerouslyTrustUnknownClients | undefined;
  /** What the scopes allow, in words, for the consent page; of several languages by their tags. */
  readonly scopeDescriptions?: Readonly<Record<string, LocalizedText>> | undefined;
  /**
   * The texts of the pages in further languages, by their tags (BCP 47), such as `de` or `pt-BR`. Who
   * looks at a page gets the best by `Accept-Language`; what a language lacks is said in English.
   */
  readonly messages?: MessageTranslations | undefined;
  /**
   * The server's icon on the consent page: a path of this origin, or a `data:` URI of a PNG, SVG, WebP
   * or JPEG in base64, of at most 32 kB.
   */
  readonly icon?: string | undefined;
  /**
   * The Content-Security-Policy of the pages. It must have `frame-ancestors 'none'` and let no inline
   * script run; what the built-in page needs of `style-src`, `img-src` and `base-uri` is added where
   * it does not say. Chromium applies a `form-action` to every redirect of a login.
   */
  readonly contentSecurityPolicy?: string | undefined;
  /**
   * Renders the consent page: a whole HTML document. Status, headers and form handling stay this
   * server's, and a renderer that fails is replaced by the built-in page.
   */
  readonly consentPage?: ConsentPageRenderer | undefined;
  /** The server's name on the consent page. @default the host of `baseUrl` */
  readonly serverName?: string | undefined;
  /** Whether clients may register themselves (RFC 7591), and who may. @default true: everyone */
  readonly registration?: boolean | RegistrationOptions | undefined;
  /** How often one address may ask; false: as often as it likes. @default see `RateLimits` */
  readonly rateLimits?: RateLimits | false | undefined;
  /**
   * Whether a client id may be the URL of a document in which the client describes itself, as MCP
   * prefers, and whose (OAuth Client ID Metadata Document).
   * @default true: those of every public host
   */
  readonly clientIdMetadataDocuments?: boolean | ClientIdMetadataDocumentOptions | undefined;
  /**
   * The resource servers that may ask at `/introspect` what an access token is worth (RFC 7662).
   * @default none, and no such endpoint
   */
  readonly introspectionClients?: readonly IntrospectionClient[] | undefined;
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
  /**
   * Private keys that sign access tokens instead of a derived secret: ES256, RS256 or EdDSA. The
   * first signs, all verify, and their public parts are published at `/jwks`. A function is asked
   * for them as for `secrets`.
   */
  readonly signingKeys?: KeyListSource<JWK> | undefined;
  /** How long things live, in seconds. @default see `Lifetimes` */
  readonly lifetimes?: Partial<Lifetimes> | undefined;
  /** A page that documents the server for developers (RFC 8414 `service_documentation`). */
  readonly serviceDocumentation?: string | undefined;
}
