import type { Clock } from '../common/clock.js';
import type { MultiAuthEvents } from '../common/events.js';
import type { AccessToken } from '../verifiers/access-token.js';

/** The part of Node's response that shows which session a server opens. */
export interface SessionResponse {
  writeHead(...args: unknown[]): unknown;
  getHeader(name: string): unknown;
}

export interface SessionBindingOptions {
  readonly events: MultiAuthEvents;
  readonly clock: Clock;
  /** Sessions remembered in all. @default 10000 */
  readonly maxSessions?: number;
  /** Sessions remembered for one user, so that nobody can push out those of others. @default 1000 */
  readonly maxSessionsPerUser?: number;
  /** How long an unused session is remembered. @default 86400 */
  readonly idleSeconds?: number;
}

interface BoundSession {
  readonly principal: string;
  readonly user: string;
  usedAt: number;
}

const HEADER = 'mcp-session-id';
const MAX_ID_LENGTH = 2048;
const TOUCH_SECONDS = 60;

/** `this`: the principal of the token; `unknown`: not seen before, or forgotten. */
export type SessionOwner = 'this' | 'another' | 'unknown';

/**
 * Binds the sessions of the 2025 protocol to the principal that opened them: issuer, subject and
 * client. What a session id names is then useless with somebody else's token.
 */
export class SessionBinding {
  /** The least recently used session comes first. */
  readonly #sessions = new Map<string, BoundSession>();
  readonly #sessionsOfUser = new Map<string, Set<string>>();
  readonly #options: Required<SessionBindingOptions>;

  constructor(options: SessionBindingOptions) {
    this.#options = {
      maxSessions: 10_000,
      maxSessionsPerUser: 1000,
      idleSeconds: 86_400,
      ...options,
    };
  }

  /** Whose session it is, as far as is known. */
  ownerOf(sessionId: string, token: AccessToken, resource: string): SessionOwner {
    if (sessionId.length > MAX_ID_LENGTH) return 'another';
    const key = `${resource} ${sessionId}`;
    const bound = this.#live(key);
    if (bound === undefined) return 'unknown';
    if (bound.principal === principalOf(token)) {
      this.#touch(key, bound);
      return 'this';
    }
    this.#options.events.emit('session.foreign', {
      source: token.source,
      clientId: token.clientId,
      ...(token.subject !== undefined && { subject: token.subject }),
    });
    return 'another';
  }

  /**
   * Binds the session that the response opens, before the client can read its id; and the session
   * that the request names and nobody is known to own, when the server turns out to know it.
   */
  watch(response: SessionResponse, token: AccessToken, resource: string, named?: string): void {
    const writeHead = response.writeHead.bind(response);
    response.writeHead = (...args: unknown[]): unknown => {
      const opened = sessionIdAmong(args) ?? response.getHeader(HEADER);
      const id = opened ?? (isSuccess(args[0]) ? named : undefined);
      if (typeof id === 'string' && id.length <= MAX_ID_LENGTH) {
        this.#bind(`${resource} ${id}`, token);
      }
      response.writeHead = writeHead;
      return writeHead(...args);
    };
  }

  /** Moving an entry on every request would fill the map with the places it left. */
  #touch(key: string, bound: BoundSession): void {
    const now = this.#options.clock.now();
    if (now - bound.usedAt < TOUCH_SECONDS) return;
    this.#sessions.delete(key);
    this.#sessions.set(key, { ...bound, usedAt: now });
  }

  #live(key: string): BoundSession | undefined {
    const bound = this.#sessions.get(key);
    if (bound === undefined) return undefined;
    if (this.#options.clock.now() - bound.usedAt < this.#options.idleSeconds) return bound;
    this.#forget(key, bound);
    return undefined;
  }

  #bind(key: string, token: AccessToken): void {
    const previous = this.#sessions.get(key);
    if (previous !== undefined) this.#forget(key, previous);
    const user = userOf(token);
    const own = this.#sessionsOfUser.get(user) ?? new Set<string>();
    if (own.size >= this.#options.maxSessionsPerUser) this.#forgetOldest(own);
    if (this.#sessions.size >= this.#options.maxSessions) this.#forgetOldest(this.#sessions.keys());
    own.add(key);
    this.#sessionsOfUser.set(user, own);
    const usedAt = this.#options.clock.now();
    this.#sessions.set(key, { principal: principalOf(token), user, usedAt });
  }

  #forgetOldest(keys: Iterable<string>): void {
    for (const key of keys) {
      const bound = this.#sessions.get(key);
      if (bound !== undefined) this.#forget(key, bound);
      return;
    }
  }

  #forget(key: string, { user }: BoundSession): void {
    this.#sessions.delete(key);
    const own = this.#sessionsOfUser.get(user);
    own?.delete(key);
    if (own?.size === 0) this.#sessionsOfUser.delete(user);
  }
}

function principalOf({ issuer, source, subject, clientId }: AccessToken): string {
  // Without an issuer a subject means something only within its source.
  return JSON.stringify([issuer ?? [source], subject, clientId]);
}

/** Anyone may register clients, so the share of memory is the user's and not the client's. */
function userOf({ issuer, source, subject, clientId }: AccessToken): string {
  const origin = issuer ?? [source];
  return JSON.stringify(subject === undefined ? [origin, null, clientId] : [origin, subject]);
}

function isSuccess(status: unknown): boolean {
  return typeof status === 'number' && status >= 200 && status < 300;
}

/** `writeHead(status[, message][, headers])`, headers being an object or a flat list. */
function sessionIdAmong(args: readonly unknown[]): unknown {
  const headers = args.at(-1);
  if (typeof headers !== 'object' || headers === null) return undefined;
  const entries = Array.isArray(headers) ? pairs(headers) : Object.entries(headers);
  return entries.find(([name]) => String(name).toLowerCase() === HEADER)?.[1];
}

function pairs(flat: readonly unknown[]): (readonly [unknown, unknown])[] {
  // Node also takes a list of pairs.
  if (Array.isArray(flat[0])) return flat as (readonly [unknown, unknown])[];
  return flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1]] as const] : []));
}
