import { StorageError } from '../common/errors.js';
import { randomToken } from '../crypto/random.js';
import { Sealer } from '../crypto/sealer.js';
import type { EndpointRoute } from '../http/endpoint.js';
import { RecordStore } from '../storage/record-collection.js';
import { clientEndpoints } from './client-endpoints.js';
import { IntrospectEndpoint } from './endpoints/introspect.endpoint.js';
import { IntrospectionClients } from './introspection-clients.js';
import { requestLimits } from './limits/request-limits.js';
import { knownClients } from './known-clients.js';
import { markConfiguration } from './configuration-mark.js';
import { type RecordCollections, recordCollections } from './record-collections.js';
import { proxyRoutes } from './routes.js';
import type { AuthorizationServerParts, LoginParts, SharedParts } from './server-parts.js';
import { AuthorizationCodes } from './tokens/authorization-codes.js';
import { GrantAdministration } from './tokens/grant-administration.js';
import { resolveLifetimes } from './tokens/lifetimes.js';
import { OwnTokenVerifier } from './tokens/own-token.verifier.js';

const probeSeconds = 60;

/** The object graph of a server: every part is made here, once, and knows only what it needs. */
export class AuthorizationServer {
  readonly issuer: string;
  readonly ownTokens: OwnTokenVerifier;
  readonly administration: GrantAdministration;
  readonly #login: LoginParts;
  readonly #parts: SharedParts;

  constructor(parts: AuthorizationServerParts) {
    const { login, shared } = sharedParts(parts);
    this.#login = login;
    this.#parts = shared;
    this.issuer = shared.issuer;
    const { keys, records, host } = shared;
    const { index, marks, grants, recheck } = login;
    const { events } = host;
    this.administration = new GrantAdministration({ grants, index, marks, events });
    this.ownTokens = new OwnTokenVerifier({
      issuer: this.issuer,
      keys,
      clock: host.clock,
      accessTokens: records.accessTokens,
      grants,
      marks,
      recheck,
    });
  }

  routes(): readonly EndpointRoute[] {
    const { options, host, scopes, keys } = this.#parts;
    const { callback, ...login } = this.#login.endpoints(this.#parts);
    return proxyRoutes(
      {
        issuer: this.issuer,
        baseUrl: host.baseUrl,
        callbackUrl: callback?.url,
        scopes: scopes.supported,
        serviceDocumentation: options.serviceDocumentation,
        resources: host.resources.all.map((r) => r.identifier),
        jwks: keys.publicJwks() && (() => keys.publicJwks()),
        clientDocuments: options.clientIdMetadataDocuments !== false,
      },
      {
        ...clientEndpoints(this.#parts),
        ...login,
        callback: callback?.endpoint,
        introspect: this.#introspectEndpoint(),
      },
    );
  }

  #introspectEndpoint(): IntrospectEndpoint | undefined {
    const { options, host, limits } = this.#parts;
    const { introspectionClients: given = [] } = options;
    if (given.length === 0) return undefined;
    const { resources } = host;
    const clients = new IntrospectionClients(given, resources, limits.failedAuthentications);
    return new IntrospectEndpoint({ clients, ownTokens: this.ownTokens });
  }

  /**
   * Writes down what concerns all instances, and tells the operator when they do not agree. A store
   * that is down keeps nobody from starting.
   */
  async announce(): Promise<void> {
    const { options, loginKind, records, host, marks } = this.#parts;
    await markConfiguration({ ...options, loginKind }, records.configurations, host.events);
    await marks.begin();
  }

  /** Uses the store as a login does: one that can only be read is of no use. @throws StorageError */
  async checkStore(): Promise<void> {
    const { probes } = this.#parts.records;
    const id = randomToken(8);
    const isKept = (await probes.add(id, {}, probeSeconds)) && (await probes.take(id));
    if (!isKept) throw new StorageError('The store does not keep what is written to it.');
  }

  /** Waits for what still goes on after the answers were given. */
  async settled(): Promise<void> {
    await this.#login.settled();
  }
}

function sharedParts({ login: method, ...parts }: AuthorizationServerParts): {
  readonly login: LoginParts;
  readonly shared: SharedParts;
} {
  const { options, host } = parts;
  const { clock, events, baseUrl } = host;
  const issuer = options.issuerUrl?.replace(/\/$/, '') ?? baseUrl;
  const lifetimes = resolveLifetimes(options.lifetimes);
  const records = recordsOf(parts, issuer);
  const limits = requestLimits(options.rateLimits, {
    slots: records.rateLimitSlots,
    clock,
    events,
  });
  const lookups = limits.documentLookups;
  const known = knownClients({ options, host, records, lifetimes, lookups });
  const stored = { options, host, issuer, lifetimes, records };
  const login = method(stored);
  const codes = new AuthorizationCodes(records.codes, records.redeemedCodes, {
    clock,
    events,
    lifetimeSeconds: lifetimes.authorizationCode,
    replayMemorySeconds: lifetimes.refreshTokenAbsolute,
  });
  const { index, marks, grants, life } = login;
  const kept = { index, marks, grants, life };
  return { login, shared: { ...parts, ...stored, ...kept, ...known, codes, limits } };
}

/** Servers that log users in elsewhere share no records: the same subject is somebody else there. */
function recordsOf(
  { loginKind, host: { clock }, ring, storage }: Omit<AuthorizationServerParts, 'login'>,
  issuer: string,
): RecordCollections {
  const sealer = new Sealer(ring);
  const within = (namespace: string): RecordCollections =>
    recordCollections(new RecordStore(storage, sealer, clock, namespace));
  const common = within(issuer);
  if (loginKind === 'upstream') return common;
  // What they are configured to do they share, to notice each other. No issuer has a space.
  return { ...within(`${issuer} ${loginKind}`), configurations: common.configurations };
}
