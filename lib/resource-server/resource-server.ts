import { isPromise } from '../common/awaitable.js';
import type { Awaitable } from '../common/awaitable.js';
import { describeError } from '../common/errors.js';
import type { MultiAuthEvents } from '../common/events.js';
import { coversScopes, unionScopes } from '../common/scopes.js';
import type { ImpliedScopes } from '../common/scopes.js';
import type { ProtectedResource } from '../resources/protected-resource.js';
import type { ResourceRegistry } from '../resources/resource-registry.js';
import type { AccessToken } from '../verifiers/access-token.js';
import type { ChainVerdict } from '../verifiers/verifier-chain.js';
import type { BearerCredentials, RequestHeaders } from './bearer-token.js';
import { prepareRefusals, unavailableRefusal } from './refusal.js';
import type { PreparedRefusals, Refusal } from './refusal.js';
import { parseCredentials } from './request-credentials.js';
import type { SessionBinding } from './session-binding.js';

/** The verdict on a request. */
export type Admission =
  | { readonly admitted: true; readonly token: AccessToken }
  | { readonly admitted: false; readonly refusal: Refusal };

export interface ResourceServerOptions {
  readonly resources: ResourceRegistry;
  /** The sources that judge the tokens presented at a resource. */
  readonly chain: (resource: ProtectedResource) => TokenJudge;
  readonly events: MultiAuthEvents;
  readonly impliedScopes: ImpliedScopes;
  /** The URL of a resource's metadata document; undefined when none is published. */
  readonly metadataUrl: (resource: ProtectedResource) => string | undefined;
  /** Translates scopes to the names a client must ask its authorization server for. */
  readonly challengeScopes: (scopes: readonly string[]) => readonly string[];
  /** The headers beside `Authorization` that may bring a token, in lower case. @default none */
  readonly tokenHeaders?: readonly string[];
  /** Binds sessions to principals; without it nothing is bound. */
  readonly sessions?: SessionBinding;
}

/** What a resource server needs of a verifier chain. */
export interface TokenJudge {
  /** `header`: where the token came, when not in `Authorization`. */
  verify(token: string, header?: string): Awaitable<ChainVerdict>;
}

/** What is asked for: a resource, and the scopes the operation needs beside the resource's own. */
export interface Operation {
  readonly resource: ProtectedResource;
  /** Keep the list: what is prepared for it is found by its identity. */
  readonly requiredScopes: readonly string[];
}

/** A request, as far as its admission depends on it. */
export interface BearerCall extends Operation {
  readonly headers: RequestHeaders | undefined;
  /** Names and values in turn, as sent. */
  readonly rawHeaders?: readonly string[] | undefined;
}

interface Requirement {
  readonly resource: ProtectedResource;
  readonly scopes: readonly string[];
  readonly refusals: PreparedRefusals;
}

const RETRY_AFTER_SECONDS = 5;

/** Tells whether a request may pass: credentials, then the token, then its scopes. Fails closed. */
export class ResourceServer {
  readonly #requirements = new WeakMap<
    ProtectedResource,
    WeakMap<readonly string[], Requirement>
  >();
  #unavailable: { readonly seconds: number; readonly refusal: Refusal } | undefined;

  constructor(private readonly options: ResourceServerOptions) {}

  get resources(): ResourceRegistry {
    return this.options.resources;
  }

  get tokenHeaders(): readonly string[] {
    return this.options.tokenHeaders ?? [];
  }

  get sessions(): SessionBinding | undefined {
    return this.options.sessions;
  }

  metadataUrl(resource: ProtectedResource): string | undefined {
    return this.options.metadataUrl(resource);
  }

  /** Judges a request by its headers. Never throws, never rejects. */
  authenticate(call: BearerCall): Awaitable<Admission> {
    return this.judge(call, parseCredentials(call.headers, call.rawHeaders, this.tokenHeaders));
  }

  /** Judges credentials that were parsed already. Never throws, never rejects. */
  judge(operation: Operation, credentials: BearerCredentials): Awaitable<Admission> {
    try {
      const requirement = this.#requirementOf(operation);
      if (credentials.kind !== 'token') return refused(unreadable(requirement, credentials));
      const { token, header } = credentials;
      const verdict = this.options.chain(operation.resource).verify(token, header);
      if (!isPromise(verdict)) return this.#conclude(requirement, verdict);
      return verdict
        .then((reached) => this.#conclude(requirement, reached))
        .catch((thrown: unknown) => refused(this.fail(thrown)));
    } catch (thrown) {
      return refused(this.fail(thrown));
    }
  }

  /** Tells whether a token has the scopes, implied ones included. */
  covers(token: AccessToken, scopes: readonly string[]): boolean {
    return coversScopes(token.scopes, scopes, this.options.impliedScopes);
  }

  /** The answer to a request that met a fault nobody foresaw, which it reports. */
  fail(thrown: unknown): Refusal {
    this.options.events.emit('endpoint.failed', {
      endpoint: 'resource-server',
      reason: describeError(thrown),
    });
    return this.#cannotTell(RETRY_AFTER_SECONDS);
  }

  #conclude(requirement: Requirement, verdict: ChainVerdict): Admission {
    const resource = requirement.resource.identifier;
    if (verdict.outcome === 'accepted') return this.#accept(requirement, verdict.token);
    if (verdict.outcome === 'unavailable') {
      return refused(this.#cannotTell(verdict.retryAfterSeconds));
    }
    this.options.events.emit('token.rejected', { resource, reasons: verdict.reasons });
    return refused(requirement.refusals.invalidToken);
  }

  #accept(requirement: Requirement, token: AccessToken): Admission {
    const resource = requirement.resource.identifier;
    const { source, clientId, subject } = token;
    this.options.events.emit('token.accepted', {
      source,
      clientId,
      ...(subject !== undefined && { subject }),
      resource,
    });
    if (this.covers(token, requirement.scopes)) return { admitted: true, token };
    this.options.events.emit('scope.insufficient', {
      source,
      clientId,
      required: requirement.scopes,
      resource,
    });
    return refused(requirement.refusals.insufficientScope);
  }

  /** Kept while the answer stays the same, as it does in an outage. */
  #cannotTell(seconds: number): Refusal {
    if (this.#unavailable?.seconds !== seconds) {
      this.#unavailable = { seconds, refusal: unavailableRefusal(seconds) };
    }
    return this.#unavailable.refusal;
  }

  #requirementOf({ resource, requiredScopes }: Operation): Requirement {
    let ofResource = this.#requirements.get(resource);
    if (ofResource === undefined) this.#requirements.set(resource, (ofResource = new WeakMap()));
    let requirement = ofResource.get(requiredScopes);
    if (requirement === undefined) {
      requirement = this.#prepare(resource, requiredScopes);
      ofResource.set(requiredScopes, requirement);
    }
    return requirement;
  }

  #prepare(resource: ProtectedResource, requiredScopes: readonly string[]): Requirement {
    const scopes = Object.freeze(unionScopes(resource.requiredScopes, requiredScopes));
    const refusals = prepareRefusals({
      resource,
      challengedScopes: this.options.challengeScopes(scopes),
      metadataUrl: this.options.metadataUrl(resource),
    });
    return { resource, scopes, refusals };
  }
}

function unreadable(
  { refusals }: Requirement,
  credentials: Exclude<BearerCredentials, { kind: 'token' }>,
): Refusal {
  if (credentials.kind === 'none') return refusals.missingToken;
  return credentials.status === 400 ? refusals.malformedRequest : refusals.invalidToken;
}

function refused(refusal: Refusal): Admission {
  return { admitted: false, refusal };
}
