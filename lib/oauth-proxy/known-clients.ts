import { type PublicOutbound, PublicOutboundClient } from '../http/public-outbound.js';
import type { AuthProviderHost } from '../verifiers/auth-provider.js';
import { ClientDocuments } from './clients/client-documents.js';
import {
  type ResolvedDocumentOptions,
  resolveDocumentOptions,
} from './clients/client-id-metadata-document-options.js';
import { ClientRepository } from './clients/client.repository.js';
import { DocumentFetcher } from './clients/document-fetcher.js';
import { RedirectUriAllowList } from './clients/redirect-uri-allow-list.js';
import { toClient } from './configured-client.js';
import type { OAuthProxyOptions } from './oauth-proxy-options.js';
import type { RecordCollections } from './record-collections.js';
import type { Lifetimes } from './tokens/lifetimes.js';

interface ClientParts {
  readonly options: OAuthProxyOptions;
  readonly host: AuthProviderHost;
  readonly records: RecordCollections;
  readonly lifetimes: Lifetimes;
}

/** What knows the clients, and the way to the URLs that they name. */
export function knownClients(parts: ClientParts): {
  readonly clients: ClientRepository;
  readonly publicOutbound: PublicOutbound;
} {
  const { options, host, records, lifetimes } = parts;
  const { allowedClientRedirectUris: patterns } = options;
  const documents = resolveDocumentOptions(options.clientIdMetadataDocuments);
  const publicOutbound = new PublicOutboundClient(documents);
  const clients = new ClientRepository({
    configured: (options.clients ?? []).map(toClient),
    registered: records.clients,
    documents: documents && clientDocuments(parts, documents, publicOutbound),
    allowed: patterns && new RedirectUriAllowList(patterns),
    clock: host.clock,
    unusedLifetimeSeconds: lifetimes.unusedClient,
    unconfirmedLifetimeSeconds: lifetimes.unconfirmedClient,
  });
  return { clients, publicOutbound };
}

function clientDocuments(
  { host: { clock, events }, records }: ClientParts,
  options: ResolvedDocumentOptions,
  outbound: PublicOutbound,
): ClientDocuments {
  const fetcher = new DocumentFetcher({ outbound, clock, events });
  return new ClientDocuments({ fetcher, known: records.documents, options, clock, events });
}
