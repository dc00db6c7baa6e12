import { EventEmitter } from 'node:events';
import { isPromise } from './awaitable.js';

/** Every event and what it carries. Nothing in an event is a secret. */
export interface MultiAuthEventMap {
  /** A bearer token was accepted. */
  'token.accepted': { source: string; clientId: string; subject?: string; resource: string };
  /** A bearer token was accepted by no source. `reasons` holds one entry a source that gave one. */
  'token.rejected': { resource: string; reasons: readonly SourceReason[] };
  /** A source could not reach a verdict. */
  'source.failed': { source: string; resource: string; reason: string };
  /** A request was answered 403: the token is good and its scopes are too few. */
  'scope.insufficient': {
    source: string;
    clientId: string;
    required: readonly string[];
    resource: string;
  };
  /** A request named a session that belongs to another principal. */
  'session.foreign': { source: string; clientId: string; subject?: string };
  /** A client registered itself (RFC 7591). */
  'client.registered': { clientId: string; clientName?: string };
  /** A client id that is a URL was refused: the URL, what its host answered, or the document. */
  'client_metadata.refused': { clientId: string; reason: string };
  /** A URL that a client named leads to no public address: nothing was sent there. */
  'outbound.blocked': { origin: string; reason: string };
  /** A client's assertion (RFC 7523) did not prove who it is. */
  'client_assertion.refused': { clientId: string; reason: string };
  /** A client's assertion came a second time, with everything right. */
  'client_assertion.replayed': { clientId: string };
  /** The user agreed to, or refused, what a client asks for. */
  'consent.given': { clientId: string; scopes: readonly string[] };
  'consent.denied': { clientId: string };
  /** A login went to the upstream without the page. */
  'consent.skipped': {
    clientId: string;
    scopes: readonly string[];
    because: 'remembered' | 'external' | 'off';
  };
  /** A consent counts again in the browser in which it was given. */
  'consent.remembered': { clientId: string; subject: string };
  /** Somebody else is logged in than the user whose consent it was: they were asked. */
  'consent.subject_changed': { clientId: string };
  /** A step of a login arrived from a browser that did not begin it. */
  'browser.mismatch': { clientId: string; step: 'consent' | 'callback' };
  /** The upstream refused a login or could not be used. */
  'upstream.failed': { reason: string; kind: 'transient' | 'refused' };
  /** The upstream's token did not pass the upstream's own verifier: the configuration is wrong. */
  'upstream.token_unverifiable': { reason: string };
  'authorization_code.issued': { clientId: string; subject: string };
  'authorization_code.redeemed': { clientId: string; grantId: string };
  /** A redeemed code came back with everything right: the grant was revoked. */
  'authorization_code.replayed': { clientId: string; grantId: string };
  'refresh_token.rotated': { clientId: string; grantId: string };
  /** A superseded refresh token came back after its grace window: the grant was revoked. */
  'refresh_token.reused': { clientId: string; grantId: string };
  'grant.revoked': {
    clientId: string;
    grantId: string;
    cause:
      | 'client'
      | 'code_replay'
      | 'limit'
      | 'operator'
      | 'refresh_reuse'
      | 'upstream_refused'
      | 'user_gone';
  };
  /** An address used up what it may ask for until the window ends. Once a window. */
  'rate_limit.reached': {
    limit: 'registrations' | 'authorizations' | 'documentLookups' | 'failedAuthentications';
    /** An IPv4 address, the /64 of an IPv6 address, or `unknown`. */
    address: string;
    clientId?: string;
  };
  /** Requests are forwarded by a proxy that the host does not trust, so that clients share a limit. */
  'client_address.hidden': { address: string; advice: string };
  /** `revokeAll` ended all that the target was granted, listed or not. */
  'grants.revoked': { subject?: string; clientId?: string };
  /** Keys could not be read again: those in force stay. */
  'keys.reload_failed': { reason: string };
  /** At the start: an option that is allowed, and that the operator should think about. */
  'configuration.warning': { option: string; warning: string };
  /** An endpoint failed for a reason that is not the client's fault. */
  'endpoint.failed': { endpoint: string; reason: string };
}

/** Why one source refused a token. */
export interface SourceReason {
  readonly source: string;
  readonly reason: string;
}

/** The name of an event: a noun and what happened to it. */
export type MultiAuthEventName = keyof MultiAuthEventMap;

type AnyListener = <N extends MultiAuthEventName>(name: N, event: MultiAuthEventMap[N]) => void;

/** Observes what the library does. A listener that throws changes nothing for the request. */
export class MultiAuthEvents {
  readonly #emitter = new EventEmitter().setMaxListeners(0);
  readonly #ofAll = new Set<AnyListener>();

  /** Adds a listener and returns the function that removes it. */
  on<N extends MultiAuthEventName>(
    name: N,
    listener: (event: MultiAuthEventMap[N]) => void,
  ): () => void {
    const guarded = (event: MultiAuthEventMap[N]): void => harmless(() => listener(event));
    this.#emitter.on(name, guarded);
    return () => this.#emitter.off(name, guarded);
  }

  /** Adds a listener for every event, as a bridge to another bus needs it; returns its removal. */
  onAny(
    listener: (name: MultiAuthEventName, event: MultiAuthEventMap[MultiAuthEventName]) => void,
  ): () => void {
    const guarded: AnyListener = (name, event) => harmless(() => listener(name, event));
    this.#ofAll.add(guarded);
    return () => this.#ofAll.delete(guarded);
  }

  emit<N extends MultiAuthEventName>(name: N, event: MultiAuthEventMap[N]): void {
    this.#emitter.emit(name, event);
    for (const listener of this.#ofAll) listener(name, event);
  }
}

/** An observer's fault is not the request's. */
function harmless(observe: () => unknown): void {
  try {
    const outcome = observe();
    // A listener may be asynchronous although nobody waits for it.
    if (isPromise(outcome)) outcome.then(undefined, () => {});
  } catch {
    // Nobody to tell: the observer is the one who is told.
  }
}
