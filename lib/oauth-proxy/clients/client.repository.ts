import type { Clock } from '../../common/clock.js';
import { StorageError } from '../../common/errors.js';
import { hashSecret } from '../../crypto/hash.js';
import { randomToken } from '../../crypto/random.js';
import type { EndpointRequest } from '../../http/endpoint.js';
import { OAuthError } from '../../http/oauth-error.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { BegunLogin } from '../transactions/transaction.js';
import type { Client } from './client.js';
import type { ClientDocuments } from './client-documents.js';
import type { ClientMetadata } from './client-metadata.js';
import { looksLikeDocumentUrl } from './document-url.js';
import type { RedirectUriAllowList } from './redirect-uri-allow-list.js';

const daySeconds = 86_400;

/** A client that registered itself, as it is stored. */
export type RegisteredClient = Client & {
  /** When it last got tokens, or up to a day before; absent until it first does. */
  readonly usedAt?: number;
};

export interface ClientRepositoryDependencies {
  readonly configured: readonly Client[];
  readonly registered: RecordCollection<RegisteredClient>;
  /** Absent where a client id cannot be the URL of a document. */
  readonly documents: ClientDocuments | undefined;
  /** Absent where every redirect URI may be registered. */
  readonly allowed: RedirectUriAllowList | undefined;
  readonly clock: Clock;
  readonly unusedLifetimeSeconds: number;
  /** For a registration with which nobody logged in yet. */
  readonly unconfirmedLifetimeSeconds: number;
}

/**
 * The clients the server knows: the configured ones first, then the registered ones, then those
 * that a document describes.
 */
export class ClientRepository {
  readonly #configured: ReadonlyMap<string, Client>;
  readonly #renewalSeconds: number;

  constructor(private readonly its: ClientRepositoryDependencies) {
    this.#configured = new Map(its.configured.map((c) => [c.id, c]));
    this.#renewalSeconds = Math.min(daySeconds, its.unusedLifetimeSeconds / 2);
  }

  /**
   * The client with those of its redirect URIs that the operator allows today.
   * @throws OAuthError `temporarily_unavailable` when too many documents are being fetched
   */
  async find(id: string, request?: EndpointRequest): Promise<Client | undefined> {
    return this.#narrowed((await this.#own(id)) ?? (await this.#documents(id)?.find(id, request)));
  }

  /** As `find`, for the token endpoint: an outage of a document's host ends nobody's session. */
  async findForTokens(id: string, request?: EndpointRequest): Promise<Client | undefined> {
    const own = await this.#own(id);
    return this.#narrowed(own ?? (await this.#documents(id)?.findForTokens(id, request)));
  }

  /** The client of a login on its way: one with a document is what it was when the login began. */
  async findForLogin({ client, request }: BegunLogin): Promise<Client | undefined> {
    return client && this.its.documents ? this.#narrowed(client) : this.find(request.clientId);
  }

  /** Hears that the client was given tokens. Never fails: they are on their way. */
  async wasGivenTokens(client: Client): Promise<void> {
    if (client.origin === 'metadata_document') await this.its.documents?.remember(client.id);
    if (client.origin === 'registered') await this.#keep(client.id);
  }

  /**
   * Registers a client; the secret of a confidential one is returned once and kept as a hash. It is
   * vetted when the operator let this one register it: what is open today may be closed tomorrow.
   * @throws OAuthError `invalid_redirect_uri` when the operator does not allow one of its URIs
   */
  async register(
    metadata: ClientMetadata,
    { vetted }: { vetted: boolean },
  ): Promise<{ client: Client; secret?: string }> {
    if (!metadata.redirectUris.every((uri) => this.its.allowed?.allows(uri) ?? true)) {
      throw new OAuthError('invalid_redirect_uri', 'A redirect URI is not allowed on this server.');
    }
    const now = this.its.clock.now();
    const hasSecret = metadata.authenticationMethod.startsWith('client_secret');
    const secret = hasSecret ? randomToken() : undefined;
    const client: RegisteredClient = {
      ...metadata,
      id: randomToken(),
      origin: 'registered',
      issuedAt: now,
      ...(vetted && { vetted }),
      ...(secret !== undefined && { secretHash: hashSecret(secret) }),
    };
    const { unusedLifetimeSeconds, unconfirmedLifetimeSeconds } = this.its;
    const seconds = Math.min(unusedLifetimeSeconds, unconfirmedLifetimeSeconds);
    await this.its.registered.set(client.id, client, seconds);
    return { client, ...(secret !== undefined && { secret }) };
  }

  /** Lets a registration live on: it is in use. */
  async #keep(id: string): Promise<void> {
    const { registered, clock, unusedLifetimeSeconds } = this.its;
    const now = clock.now();
    try {
      const stored = await registered.get(id);
      if (!stored) return;
      const { usedAt } = stored;
      if (usedAt !== undefined && now - usedAt < this.#renewalSeconds) return;
      // A use soon after the last one that was written down is not: the record outlasts that too.
      const seconds = unusedLifetimeSeconds + this.#renewalSeconds;
      await registered.set(id, { ...stored, usedAt: now }, seconds);
    } catch (error) {
      // The next tokens renew it as well.
      if (!(error instanceof StorageError)) throw error;
    }
  }

  async #own(id: string): Promise<Client | undefined> {
    return this.#configured.get(id) ?? (await this.its.registered.get(id));
  }

  #documents(id: string): ClientDocuments | undefined {
    return looksLikeDocumentUrl(id) ? this.its.documents : undefined;
  }

  #narrowed(client: Client | undefined): Client | undefined {
    const { allowed } = this.its;
    if (!client || !allowed) return client;
    return { ...client, redirectUris: client.redirectUris.filter((uri) => allowed.allows(uri)) };
  }
}
