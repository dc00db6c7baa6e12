import { Sealer } from '../crypto/sealer.js';
import type { EndpointRoute } from '../http/endpoint.js';
import { RecordStore } from '../storage/record-collection.js';
import { clientEndpoints } from './client-endpoints.js';
import { IntrospectEndpoint } from './endpoints/introspect.endpoint.js';
import { grantParts } from './grant-parts.js';
import { IntrospectionClients } from './introspection-clients.js';
import { requestLimits } from './limits/request-limits.js';
import { knownClients } from './known-clients.js';
import { loginEndpoints } from './login-endpoints.js';
import { markConfiguration } from './configuration-mark.js';
import { recordCollections } from './record-collections.js';
import { proxyRoutes } from './routes.js';
import type { AuthorizationServerParts, SharedParts } from './server-parts.js';
import { AuthorizationCodes } from './tokens/authorization-codes.js';
import { GrantAdministration } from './tokens/grant-administration.js';
import { resolveLifetimes } from './tokens/lifetimes.js';
import { OwnTokenVerifier } from './tokens/own-token.verifier.js';
import { UpstreamTokens } from './tokens/upstream-tokens.js';

/** The object graph of the proxy: every part is made here, once, and knows only what it needs. */
export class AuthorizationServer {
  readonly issuer: string;
  readonly ownTokens: OwnTokenVerifier;
  readonly administration: GrantAdministration;
  readonly upstreamTokens: UpstreamTokens;
  readonly #parts: SharedParts;

  constructor(parts: AuthorizationServerParts) {
    this.#parts = sharedParts(parts);
    this.issuer = this.#parts.issuer;
    const { keys, records, index, marks, grants, host, life, recheck } = this.#parts;
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
    this.upstreamTokens = new UpstreamTokens({
      issuer: this.issuer,
      grants,
      life,
      upstream: parts.options.upstream,
      clock: host.clock,
      events: host.events,
    });
  }

  routes(): readonly EndpointRoute[] {
    const { options, host, scopes, keys } = this.#parts;
    return proxyRoutes(
      {
        issuer: this.issuer,
        baseUrl: host.baseUrl,
        callbackUrl: this.#parts.callbackUrl,
        scopes: scopes.supported,
        serviceDocumentation: options.serviceDocumentation,
        resources: host.resources.all.map((r) => r.identifier),
        jwks: keys.publicJwks() && (() => keys.publicJwks()),
        clientDocuments: options.clientIdMetadataDocuments !== false,
      },
      {
        ...clientEndpoints(this.#parts),
        ...loginEndpoints(this.#parts),
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

  /** Tells the operator when the instances of this server do not agree. */
  markConfiguration(): Promise<void> {
    const { options, records, host } = this.#parts;
    return markConfiguration(options, records.configurations, host.events);
  }

  /** Waits for what still goes on after the answers were given. */
  async settled(): Promise<void> {
    const { recheck, sessions, revocations } = this.#parts;
    await recheck?.settled();
    await sessions.settled();
    await revocations.settled();
  }
}

function sharedParts(parts: AuthorizationServerParts): SharedParts {
  const { options, host, ring, storage } = parts;
  const { clock, events, baseUrl } = host;
  const issuer = options.issuerUrl?.replace(/\/$/, '') ?? baseUrl;
  const lifetimes = resolveLifetimes(options.lifetimes);
  const records = recordCollections(new RecordStore(storage, new Sealer(ring), clock, issuer));
  const limits = requestLimits(options.rateLimits, {
    slots: records.rateLimitSlots,
    clock,
    events,
  });
  const lookups = limits.documentLookups;
  const known = knownClients({ options, host, records, lifetimes, lookups });
  const grantsAndLogins = grantParts({ options, host, records, lifetimes });
  const codes = new AuthorizationCodes(records.codes, records.redeemedCodes, {
    clock,
    events,
    lifetimeSeconds: lifetimes.authorizationCode,
    replayMemorySeconds: lifetimes.refreshTokenAbsolute,
  });
  const callbackUrl = baseUrl + (options.redirectPath ?? '/auth/callback');
  return {
    ...parts,
    issuer,
    callbackUrl,
    lifetimes,
    records,
    ...known,
    ...grantsAndLogins,
    codes,
    limits,
  };
}
