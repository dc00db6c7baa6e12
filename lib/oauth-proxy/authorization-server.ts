import { Sealer } from '../crypto/sealer.js';
import { SigningKeys } from '../crypto/signing-keys.js';
import type { EndpointRoute } from '../http/endpoint.js';
import { RecordStore } from '../storage/record-collection.js';
import { clientEndpoints } from './client-endpoints.js';
import { ClientRepository } from './clients/client.repository.js';
import { RedirectUriAllowList } from './clients/redirect-uri-allow-list.js';
import { loginEndpoints } from './login-endpoints.js';
import { toClient } from './configured-client.js';
import { recordCollections } from './record-collections.js';
import { proxyRoutes } from './routes.js';
import type { AuthorizationServerParts, SharedParts } from './server-parts.js';
import { AuthorizationCodes } from './tokens/authorization-codes.js';
import { Grants } from './tokens/grants.js';
import { resolveLifetimes } from './tokens/lifetimes.js';
import { OwnTokenVerifier } from './tokens/own-token.verifier.js';
import { UpstreamRevocations } from './tokens/upstream-revocations.js';
import { UpstreamSessions } from './tokens/upstream-sessions.js';

/** The object graph of the proxy: every part is made here, once, and knows only what it needs. */
export class AuthorizationServer {
  readonly issuer: string;
  readonly ownTokens: OwnTokenVerifier;
  readonly #parts: SharedParts;

  constructor(parts: AuthorizationServerParts) {
    this.#parts = sharedParts(parts);
    this.issuer = this.#parts.issuer;
    const { keys, records, grants, host } = this.#parts;
    this.ownTokens = new OwnTokenVerifier({
      issuer: this.issuer,
      keys,
      clock: host.clock,
      accessTokens: records.accessTokens,
      grants,
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
        jwks: keys.publicJwks(),
      },
      { ...clientEndpoints(this.#parts), ...loginEndpoints(this.#parts) },
    );
  }

  /** Waits for what still goes on after the answers were given. */
  settled(): Promise<void> {
    return this.#parts.revocations.settled();
  }
}

function sharedParts(parts: AuthorizationServerParts): SharedParts {
  const { options, host, ring, storage } = parts;
  const { clock, events, baseUrl } = host;
  const { upstream } = options;
  const issuer = options.issuerUrl?.replace(/\/$/, '') ?? baseUrl;
  const lifetimes = resolveLifetimes(options.lifetimes);
  const keys = options.signingKeys
    ? SigningKeys.fromJwks(options.signingKeys)
    : SigningKeys.fromSecrets(ring);
  const records = recordCollections(new RecordStore(storage, new Sealer(ring), clock, issuer));
  const configured = (options.clients ?? []).map(toClient);
  const allowed = options.allowedClientRedirectUris;
  const clients = new ClientRepository(
    configured,
    records.clients,
    clock,
    lifetimes.unusedClient,
    allowed && new RedirectUriAllowList(allowed),
  );
  const revocations = new UpstreamRevocations(upstream, events);
  const sessions = new UpstreamSessions({ ...records, upstream, revocations, clock });
  const grants = new Grants(records.grants, sessions, { clock, events, revocations });
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
    keys,
    records,
    clients,
    revocations,
    sessions,
    grants,
    codes,
  };
}
