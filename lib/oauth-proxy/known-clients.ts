import { type PublicOutbound, PublicOutboundClient } from '../http/public-outbound.js';
import type { AuthProviderHost } from '../verifiers/auth-provider.js';
import { ClientDocuments } from './clients/client-documents.js';
import {
  type ResolvedDocumentOptions,
  resolveDocumentOptions,
} from './clients/client-id-metadata-document-options.js';
import type { Client } from './clients/client.js';
import { ClientRepository, type RegisteredClient } from './clients/client.repository.js';
import { DocumentFetcher } from './clients/document-fetcher.js';
import type { LookupLimit } from './clients/fetch-budget.js';
import { RedirectUriAllowList } from './clients/redirect-uri-allow-list.js';
import { toClient } from './configured-client.js';
import type { OAuthServerOptions } from './oauth-server-options.js';
import type { RecordCollections } from './record-collections.js';
import type { Lifetimes } from './tokens/lifetimes.js';

interface ClientParts {
  readonly options: OAuthServerOptions;
  readonly host: AuthProviderHost;
  readonly records: RecordCollections;
  readonly lifetimes: Lifetimes;
  /** For what nobody uses yet. */
  readonly lookups: LookupLimit;
}

/** What knows the clients, and the way to the URLs that they name. */
export function knownClients(parts: ClientParts): {
  readonly clients: ClientRepository;
  readonly publicOutbound: PublicOutbound;
  /** Tells, of a client that was just found, whether tokens were given to it. */
  readonly isInUse: (client: Client) => boolean;
} {
  const { options, host, records, lifetimes } = parts;
  const { allowedClientRedirectUris: patterns } = options;
  const resolved = resolveDocumentOptions(options.clientIdMetadataDocuments);
  const publicOutbound = new PublicOutboundClient(resolved);
  const documents = resolved && clientDocuments(parts, resolved, publicOutbound);
  const clients = new ClientRepository({
    configured: (options.clients ?? []).map(toClient),
    registered: records.clients,
    documents,
    allowed: patterns && new RedirectUriAllowList(patterns),
    clock: host.clock,
    unusedLifetimeSeconds: lifetimes.unusedClient,
    unconfirmedLifetimeSeconds: lifetimes.unconfirmedClient,
  });
  const isInUse = (client: Client): boolean =>
    client.origin === 'metadata_document'
      ? (documents?.isInUse(client.id) ?? false)
      : (client as RegisteredClient).usedAt !== undefined;
  return { clients, publicOutbound, isInUse };
}

function clientDocuments(
  { host: { clock, events }, records, lifetimes, lookups }: ClientParts,
  options: ResolvedDocumentOptions,
  outbound: PublicOutbound,
): ClientDocuments {
  const fetcher = new DocumentFetcher({ outbound, clock, events });
  return new ClientDocuments({
    fetcher,
    known: records.documents,
    options,
    idleSeconds: lifetimes.refreshTokenIdle,
    lookups,
    clock,
    events,
  });
}
