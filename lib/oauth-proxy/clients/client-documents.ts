import { BoundedMap } from '../../common/bounded-map.js';
import type { Clock } from '../../common/clock.js';
import { StorageError } from '../../common/errors.js';
import type { MultiAuthEvents } from '../../common/events.js';
import type { EndpointRequest } from '../../http/endpoint.js';
import { OAuthError } from '../../http/oauth-error.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import { BadDocument } from './client-document.js';
import type { Client } from './client.js';
import {
  type ResolvedDocumentOptions,
  untrustedReason,
} from './client-id-metadata-document-options.js';
import { type DocumentCopy, type DocumentFetcher, HostUnavailable } from './document-fetcher.js';
import { documentUrlProblem } from './document-url.js';
import {
  FetchBudget,
  FetchBudgetExceeded,
  type LookupLimit,
  strangersBudget,
  usersBudget,
} from './fetch-budget.js';

const maxDocuments = 1000;
const staleSeconds = 3 * 86_400;
const retryAfterSeconds = 5;
const maxIdLength = 256;

/** A document that was good when its host was last asked. */
export interface KnownDocument {
  readonly verifiedAt: number;
  /** Absent where the host allows no copy, and where it has since taken the document back. */
  readonly copy?: DocumentCopy;
  /** Its client was given tokens: it is kept in the store as well, and fetched out of turn. */
  readonly isInUse: boolean;
}

export interface ClientDocumentsDependencies {
  readonly fetcher: DocumentFetcher;
  /** By URL: the documents of the clients in use, for all instances and for outages. */
  readonly known: RecordCollection<KnownDocument>;
  readonly options: ResolvedDocumentOptions;
  /** How long a client stays in use that gets no tokens, in seconds. */
  readonly idleSeconds: number;
  /** For the documents that nobody uses yet. */
  readonly lookups: LookupLimit;
  readonly clock: Clock;
  readonly events: MultiAuthEvents;
}

/**
 * The clients whose id is the URL of a document that describes them.
 * @see OAuth Client ID Metadata Document
 */
export class ClientDocuments {
  readonly #memory: BoundedMap<string, KnownDocument>;
  readonly #flights = new Map<string, Promise<Client>>();
  readonly #strangers = new FetchBudget(strangersBudget);
  readonly #users = new FetchBudget(usersBudget);

  constructor(private readonly its: ClientDocumentsDependencies) {
    const { clock } = its;
    this.#memory = new BoundedMap({ maxEntries: maxDocuments, ttlSeconds: staleSeconds, clock });
  }

  /**
   * The client of a document that its host vouches for; undefined for whatever is wrong with it.
   * @param request whose address is counted for a document that nobody uses yet
   * @throws OAuthError `temporarily_unavailable` when too much is being fetched, in all or for the
   * address
   */
  async find(url: string, request?: EndpointRequest): Promise<Client | undefined> {
    return this.#find(url, request, () => undefined);
  }

  /** As `find`; an outage of the host does not end the sessions of a client for three days. */
  async findForTokens(url: string, request?: EndpointRequest): Promise<Client | undefined> {
    return this.#find(url, request, () => this.#staleClient(url));
  }

  /** Tells, of a client that was just found, whether tokens were given to it. */
  isInUse(url: string): boolean {
    return this.#memory.get(url)?.isInUse ?? false;
  }

  /** Keeps the document of a client that was given tokens. Never fails: it is for later. */
  async remember(url: string): Promise<void> {
    const known = this.#memory.get(url);
    if (!known || known.isInUse) return;
    try {
      await this.#keep(url, { ...known, isInUse: true });
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
    }
  }

  async #find(
    url: string,
    request: EndpointRequest | undefined,
    otherwise: () => Client | undefined,
  ): Promise<Client | undefined> {
    const problem = this.#urlProblem(url);
    if (problem !== null) return this.#refuse(url, `The URL ${problem}.`);
    try {
      return await this.#once(url, async () => {
        if (request) await this.its.lookups.assertCounted(request);
      });
    } catch (error) {
      if (error instanceof BadDocument) return undefined;
      const isLack = error instanceof HostUnavailable || error instanceof FetchBudgetExceeded;
      const client = isLack ? otherwise() : undefined;
      if (client) return client;
      if (error instanceof HostUnavailable) return undefined;
      throw error instanceof FetchBudgetExceeded ? busy() : error;
    }
  }

  #urlProblem(url: string): string | null {
    return documentUrlProblem(url) ?? untrustedReason(new URL(url), this.its.options);
  }

  /** One fetch for all who wait. Its failure is theirs alone: the next one tries again. */
  async #once(url: string, claim: () => Promise<void>): Promise<Client> {
    const joined = this.#flights.get(url);
    const flight = joined ?? this.#load(url, claim);
    this.#flights.set(url, flight);
    try {
      return await flight;
    } catch (error) {
      if (!joined || !(error instanceof OAuthError)) throw error;
    } finally {
      if (this.#flights.get(url) === flight) this.#flights.delete(url);
    }
    // Another address had asked too often. This one is judged by itself, and once.
    await claim();
    return this.#once(url, async () => {});
  }

  async #load(url: string, claim: () => Promise<void>): Promise<Client> {
    const held = this.#memory.get(url);
    if (this.#isFresh(held)) return held.copy.client;
    // Another instance may have asked in between, or may know that the client is in use.
    const stored = held?.isInUse ? undefined : await this.its.known.get(url);
    if (stored) this.#memory.set(url, stored);
    const known = stored ?? held;
    if (this.#isFresh(known)) return known.copy.client;
    if (!known?.isInUse) await claim();
    try {
      return await this.#fetch(url, known);
    } catch (error) {
      if (error instanceof BadDocument && known) await this.#forget(url, known);
      if (error instanceof Error && !(error instanceof StorageError)) {
        this.#refuse(url, error.message);
      }
      throw error;
    }
  }

  async #fetch(url: string, known: KnownDocument | undefined): Promise<Client> {
    const isInUse = known?.isInUse ?? false;
    // What strangers make the server fetch must not keep out the clients that people use.
    const budget = isInUse ? this.#users : this.#strangers;
    const { copy, keep } = await budget.spend(new URL(url).origin, () =>
      this.its.fetcher.fetch(url, known?.copy),
    );
    const verifiedAt = this.its.clock.now();
    await this.#keep(url, { verifiedAt, isInUse, ...(keep && { copy }) });
    return copy.client;
  }

  async #keep(url: string, document: KnownDocument): Promise<void> {
    // Tokens may still be given on a stale copy, and then lie idle.
    const seconds = this.its.idleSeconds + staleSeconds;
    if (document.isInUse) await this.its.known.set(url, document, seconds);
    this.#memory.set(url, document);
  }

  async #forget(url: string, { isInUse, verifiedAt }: KnownDocument): Promise<void> {
    this.#memory.set(url, { verifiedAt, isInUse: false });
    if (isInUse) await this.its.known.delete(url);
  }

  #isFresh(
    known: KnownDocument | undefined,
  ): known is KnownDocument & { readonly copy: DocumentCopy } {
    if (!known?.copy) return false;
    const age = this.its.clock.now() - known.verifiedAt;
    return age >= 0 && age < Math.min(known.copy.freshSeconds, this.its.options.maxAgeSeconds);
  }

  #staleClient(url: string): Client | undefined {
    const known = this.#memory.get(url);
    if (!known || this.its.clock.now() - known.verifiedAt > staleSeconds) return undefined;
    return known.copy?.client;
  }

  #refuse(url: string, reason: string): undefined {
    const clientId = url.length > maxIdLength ? `${url.slice(0, maxIdLength)}…` : url;
    this.its.events.emit('client_metadata.refused', { clientId, reason });
    return undefined;
  }
}

function busy(): OAuthError {
  return new OAuthError('temporarily_unavailable', 'Too many applications are being looked up.', {
    status: 429,
    headers: { 'Retry-After': String(retryAfterSeconds) },
  });
}
