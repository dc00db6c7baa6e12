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
  'scope.insufficient': { clientId: string; required: readonly string[]; resource: string };
  /** A request named a session that belongs to another principal. */
  'session.foreign': { clientId: string; subject?: string };
  /** A client registered itself (RFC 7591). */
  'client.registered': { clientId: string; clientName?: string };
  /** The user agreed to, or refused, what a client asks for. */
  'consent.given': { clientId: string; scopes: readonly string[] };
  'consent.denied': { clientId: string };
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
    cause: 'client' | 'code_replay' | 'refresh_reuse' | 'upstream_refused';
  };
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

/** Observes what the library does. A listener that throws changes nothing for the request. */
export class MultiAuthEvents {
  readonly #emitter = new EventEmitter().setMaxListeners(0);

  /** Adds a listener and returns the function that removes it. */
  on<N extends MultiAuthEventName>(
    name: N,
    listener: (event: MultiAuthEventMap[N]) => void,
  ): () => void {
    const guarded = (event: MultiAuthEventMap[N]): void => {
      try {
        // A listener may be asynchronous although nobody waits for it.
        const outcome: unknown = listener(event);
        if (isPromise(outcome)) outcome.then(undefined, () => {});
      } catch {
        // An observer's fault is not the request's.
      }
    };
    this.#emitter.on(name, guarded);
    return () => this.#emitter.off(name, guarded);
  }

  emit<N extends MultiAuthEventName>(name: N, event: MultiAuthEventMap[N]): void {
    this.#emitter.emit(name, event);
  }
}
