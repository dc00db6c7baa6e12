import type { Clock } from '../../common/clock.js';
import { hashSecret } from '../../crypto/hash.js';
import { randomToken } from '../../crypto/random.js';
import { OAuthError } from '../../http/oauth-error.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { Client } from './client.js';
import type { ClientMetadata } from './client-metadata.js';
import type { RedirectUriAllowList } from './redirect-uri-allow-list.js';

const daySeconds = 86_400;

type StoredClient = Client & { readonly usedAt: number };

/** The clients the server knows: the configured ones first, then the registered ones. */
export class ClientRepository {
  readonly #configured: ReadonlyMap<string, Client>;
  readonly #renewalSeconds: number;

  constructor(
    configured: readonly Client[],
    private readonly registered: RecordCollection<StoredClient>,
    private readonly clock: Clock,
    private readonly unusedLifetimeSeconds: number,
    private readonly allowed?: RedirectUriAllowList,
  ) {
    this.#configured = new Map(configured.map((c) => [c.id, c]));
    this.#renewalSeconds = Math.min(daySeconds, unusedLifetimeSeconds / 2);
  }

  /** The client with those of its redirect URIs that the operator allows today. */
  async find(id: string): Promise<Client | undefined> {
    const client = this.#configured.get(id) ?? (await this.registered.get(id));
    return client && this.#narrowed(client);
  }

  /** Lets the registration of a client live on: it is in use. */
  async keep(client: Client): Promise<void> {
    if (client.origin === 'configured') return;
    const stored = await this.registered.get(client.id);
    const now = this.clock.now();
    if (!stored || now - stored.usedAt < this.#renewalSeconds) return;
    await this.#save({ ...stored, usedAt: now });
  }

  /**
   * Registers a client; the secret of a confidential one is returned once and kept as a hash.
   * @throws OAuthError `invalid_redirect_uri` when the operator does not allow one of its URIs
   */
  async register(metadata: ClientMetadata): Promise<{ client: Client; secret?: string }> {
    if (!metadata.redirectUris.every((uri) => this.allowed?.allows(uri) ?? true)) {
      throw new OAuthError('invalid_redirect_uri', 'A redirect URI is not allowed on this server.');
    }
    const now = this.clock.now();
    const secret = metadata.authenticationMethod === 'none' ? undefined : randomToken();
    const client: StoredClient = {
      ...metadata,
      id: randomToken(),
      origin: 'registered',
      issuedAt: now,
      usedAt: now,
      ...(secret !== undefined && { secretHash: hashSecret(secret) }),
    };
    await this.#save(client);
    return { client, ...(secret !== undefined && { secret }) };
  }

  #narrowed(client: Client): Client {
    const { allowed } = this;
    if (!allowed) return client;
    return { ...client, redirectUris: client.redirectUris.filter((uri) => allowed.allows(uri)) };
  }

  // A use soon after the last one that was written down is not: the record outlasts that too.
  #save(client: StoredClient): Promise<void> {
    const seconds = this.unusedLifetimeSeconds + this.#renewalSeconds;
    return this.registered.set(client.id, client, seconds);
  }
}
