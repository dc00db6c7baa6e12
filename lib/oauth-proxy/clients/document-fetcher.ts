import type { Clock } from '../../common/clock.js';
import { describeError } from '../../common/errors.js';
import type { MultiAuthEvents } from '../../common/events.js';
import { conditionalHeaders, type Freshness, freshnessOf } from '../../http/freshness.js';
import { OutboundError } from '../../http/outbound-error.js';
import type {
  ConditionalHeaders,
  PublicOutbound,
  PublicResponse,
} from '../../http/public-outbound.js';
import { BadDocument, parseClientDocument } from './client-document.js';
import type { Client } from './client.js';

const maxBytes = 5 * 1024;
// Who uses the document caps what its host asks for.
const freshness = { minSeconds: 0, maxSeconds: Infinity, defaultSeconds: 3600 };
const mediaType = /^application\/(?:[a-z0-9.+-]+\+)?json *(?:;|$)/i;
const gone: readonly number[] = [404, 410];

/** A client as its document describes it, and how long that holds. */
export interface DocumentCopy {
  readonly client: Client;
  readonly freshSeconds: number;
  /** What asks its host whether it still holds (RFC 9110 §13.1). */
  readonly validators: ConditionalHeaders;
}

/** What a fetch gave: `keep` is false where the host allows no copy (`no-store`). */
export interface FetchedDocument {
  readonly copy: DocumentCopy;
  readonly keep: boolean;
}

/**
 * The host of a document gave no verdict: it cannot be reached or is in trouble, or something stands
 * before the document that is neither it nor its end.
 */
export class HostUnavailable extends Error {}

/** Fetches clients' documents, through a door that leads to public hosts only. */
export class DocumentFetcher {
  constructor(
    private readonly its: {
      readonly outbound: PublicOutbound;
      readonly clock: Clock;
      readonly events: MultiAuthEvents;
    },
  ) {}

  /**
   * Fetches a document; with a copy of it, asks first whether that still holds.
   * @throws BadDocument, or HostUnavailable
   */
  async fetch(url: string, previous?: DocumentCopy): Promise<FetchedDocument> {
    const response = await this.#get(url, previous?.validators ?? {});
    const { status, headers, body } = response;
    if (status === 304 && previous) return this.#renewed(previous, headers);
    assertDocument(response);
    const { store, seconds } = this.#freshness(headers);
    const client = parseClientDocument(url, body, this.its.clock.now());
    const validators = conditionalHeaders(headers);
    return { copy: { client, freshSeconds: seconds, validators }, keep: store };
  }

  // RFC 9111 §4.3.4: what the answer does not say anew stays as it was.
  #renewed(previous: DocumentCopy, headers: Headers): FetchedDocument {
    const isSilent = !headers.has('cache-control') && !headers.has('expires');
    const { store, seconds } = isSilent
      ? { store: true, seconds: previous.freshSeconds }
      : this.#freshness(headers);
    const client = { ...previous.client, issuedAt: this.its.clock.now() };
    const validators = { ...previous.validators, ...conditionalHeaders(headers) };
    return { copy: { client, freshSeconds: seconds, validators }, keep: store };
  }

  #freshness(headers: Headers): Freshness {
    return freshnessOf(headers, freshness, this.its.clock.now());
  }

  async #get(url: string, headers: ConditionalHeaders): Promise<PublicResponse> {
    try {
      return await this.its.outbound.get(url, { maxBytes, accept: 'application/json', headers });
    } catch (error) {
      const reason = describeError(error);
      if (error instanceof OutboundError && error.problem === 'address') {
        this.its.events.emit('outbound.blocked', { origin: new URL(url).origin, reason });
      }
      throw new HostUnavailable(reason);
    }
  }
}

function assertDocument({ status, headers }: PublicResponse): void {
  const answered = `The host answered with status ${status}.`;
  if (gone.includes(status)) throw new BadDocument(answered);
  if (status !== 200) throw new HostUnavailable(answered);
  if (!mediaType.test(headers.get('content-type') ?? '')) {
    throw new HostUnavailable('The answer is not announced as JSON.');
  }
}
