import { FormMac } from '../crypto/form-mac.js';
import type { SecretRing } from '../crypto/secret-ring.js';
import { Sealer } from '../crypto/sealer.js';
import { SigningKeys } from '../crypto/signing-keys.js';
import type { EndpointRoute } from '../http/endpoint.js';
import type { KeyValueStore } from '../storage/key-value-store.js';
import { RecordStore } from '../storage/record-collection.js';
import type { AuthProviderHost } from '../verifiers/auth-provider.js';
import { ClientAuthenticator } from './clients/client-authenticator.js';
import { ClientRepository } from './clients/client.repository.js';
import { ConsentDecisions } from './consent/consent-decisions.js';
import { ConsentPage } from './consent/consent-page.js';
import { AuthorizeEndpoint } from './endpoints/authorize.endpoint.js';
import { CallbackEndpoint } from './endpoints/callback.endpoint.js';
import { ConsentDecisionEndpoint, ConsentPageEndpoint } from './endpoints/consent.endpoint.js';
import { RegisterEndpoint } from './endpoints/register.endpoint.js';
import { RevokeEndpoint } from './endpoints/revoke.endpoint.js';
import { TokenEndpoint } from './endpoints/token.endpoint.js';
import { AuthorizationCodeGrant } from './grants/authorization-code.grant.js';
import type { GrantHandler } from './grants/grant-handler.js';
import { RefreshTokenGrant } from './grants/refresh-token.grant.js';
import { type OAuthProxyOptions, toClient } from './oauth-proxy-options.js';
import { proxyRoutes } from './routes.js';
import type { ScopePolicy } from './scope-policy.js';
import { AuthorizationCodes } from './tokens/authorization-codes.js';
import { Grants } from './tokens/grants.js';
import { type Lifetimes, resolveLifetimes } from './tokens/lifetimes.js';
import { OwnTokenVerifier } from './tokens/own-token.verifier.js';
import { TokenIssuer } from './tokens/token-issuer.js';
import { UpstreamRevocations } from './tokens/upstream-revocations.js';
import { UpstreamSessions } from './tokens/upstream-sessions.js';
import { BrowserBinding } from './transactions/browser-binding.js';
import { ClientRedirect } from './transactions/client-redirect.js';
import { recordCollections } from './record-collections.js';

export interface AuthorizationServerParts {
  readonly options: OAuthProxyOptions;
  readonly host: AuthProviderHost;
  readonly scopes: ScopePolicy;
  readonly storage: KeyValueStore;
  readonly ring: SecretRing;
}

/** The object graph of the proxy: every part is made here, once, and knows only what it needs. */
export class AuthorizationServer {
  readonly issuer: string;
  readonly ownTokens: OwnTokenVerifier;
  readonly #parts: AuthorizationServerParts;
  readonly #lifetimes: Lifetimes;
  readonly #keys: SigningKeys;
  readonly #records: ReturnType<typeof recordCollections>;
  readonly #clients: ClientRepository;
  readonly #revocations: UpstreamRevocations;
  readonly #sessions: UpstreamSessions;
  readonly #grants: Grants;
  readonly #codes: AuthorizationCodes;

  constructor(parts: AuthorizationServerParts) {
    const { options, host, ring, storage } = parts;
    const { clock, events, baseUrl: issuer } = host;
    this.#parts = parts;
    this.issuer = issuer;
    this.#lifetimes = resolveLifetimes(options.lifetimes);
    this.#keys = options.signingKeys
      ? SigningKeys.fromJwks(options.signingKeys)
      : SigningKeys.fromSecrets(ring);
    const records = recordCollections(new RecordStore(storage, new Sealer(ring), clock, issuer));
    this.#records = records;
    const { upstream } = options;
    this.#clients = new ClientRepository(
      (options.clients ?? []).map(toClient),
      records.clients,
      clock,
      this.#lifetimes.unusedClient,
    );
    this.#revocations = new UpstreamRevocations(upstream, events);
    const revocations = this.#revocations;
    this.#sessions = new UpstreamSessions({ ...records, upstream, revocations, clock });
    this.#grants = new Grants(records.grants, this.#sessions, { clock, events, revocations });
    this.#codes = new AuthorizationCodes(records.codes, records.redeemedCodes, {
      clock,
      events,
      lifetimeSeconds: this.#lifetimes.authorizationCode,
      replayMemorySeconds: this.#lifetimes.refreshTokenAbsolute,
    });
    this.ownTokens = new OwnTokenVerifier({
      issuer,
      keys: this.#keys,
      clock,
      accessTokens: records.accessTokens,
      grants: this.#grants,
    });
  }

  routes(): readonly EndpointRoute[] {
    const { options, host, scopes } = this.#parts;
    const authenticator = new ClientAuthenticator(this.#clients);
    return proxyRoutes(
      {
        issuer: this.issuer,
        redirectPath: options.redirectPath ?? '/auth/callback',
        scopes: scopes.supported,
        serviceDocumentation: options.serviceDocumentation,
        resources: host.resources.all.map((r) => r.identifier),
        jwks: this.#keys.publicJwks(),
      },
      {
        register: new RegisterEndpoint(this.#clients, scopes, host.events),
        token: new TokenEndpoint(authenticator, this.#grantHandlers()),
        revoke: new RevokeEndpoint({
          ...this.#records,
          clients: authenticator,
          grants: this.#grants,
          keys: this.#keys,
          issuer: this.issuer,
          clock: host.clock,
        }),
        ...this.#login(),
      },
    );
  }

  /** Waits for what still goes on after the answers were given. */
  settled(): Promise<void> {
    return this.#revocations.settled();
  }

  #login() {
    const { options, host, scopes, ring } = this.#parts;
    const { events, clock, resources } = host;
    const transactionSeconds = this.#lifetimes.transaction;
    const common = {
      clients: this.#clients,
      transactions: this.#records.transactions,
      logins: this.#records.logins,
      decisions: this.#records.decisions,
      browsers: new BrowserBinding(this.issuer, transactionSeconds),
      redirects: new ClientRedirect(this.issuer),
      upstream: options.upstream,
      revocations: this.#revocations,
      callbackUrl: this.issuer + (options.redirectPath ?? '/auth/callback'),
      consentUrl: `${this.issuer}/consent`,
      origin: new URL(this.issuer).origin,
      codes: this.#codes,
      now: () => clock.now(),
      events,
      resources,
      scopes,
      transactionSeconds,
    };
    const serverName = options.serverName ?? new URL(this.issuer).host;
    const scopeDescriptions = options.scopeDescriptions ?? {};
    const consent = {
      ...common,
      decisions: new ConsentDecisions(common),
      mac: new FormMac(ring),
      page: new ConsentPage({ serverName, scopeDescriptions }, resources),
    };
    return {
      authorize: new AuthorizeEndpoint(common),
      consentPage: new ConsentPageEndpoint(consent),
      consentDecision: new ConsentDecisionEndpoint(consent),
      callback: new CallbackEndpoint(common),
    };
  }

  #grantHandlers(): ReadonlyMap<string, GrantHandler> {
    const { clock, events } = this.#parts.host;
    const lifetimes = this.#lifetimes;
    const tokens = new TokenIssuer({
      ...this.#records,
      issuer: this.issuer,
      keys: this.#keys,
      clock,
      lifetimes,
    });
    const common = { grants: this.#grants, tokens, clock, events };
    const grantSeconds = lifetimes.refreshTokenAbsolute;
    return new Map<string, GrantHandler>([
      [
        'authorization_code',
        new AuthorizationCodeGrant({ ...common, codes: this.#codes, grantSeconds }),
      ],
      [
        'refresh_token',
        new RefreshTokenGrant({
          ...common,
          ...this.#records,
          grants: this.#grants,
          sessions: this.#sessions,
          lifetimes,
        }),
      ],
    ]);
  }
}
