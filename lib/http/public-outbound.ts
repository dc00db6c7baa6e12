import { readBounded, tooLong } from './outbound-body.js';
import { withDeadline } from './outbound-deadline.js';
import { OutboundError } from './outbound-error.js';
import { lookupAddresses } from './outbound-lookup.js';
import {
  type OpenAnswer,
  type PinnedTransportParts,
  pinnedTransport,
  type PublicTransport,
} from './outbound-pinned.js';
import { isPublicAddress } from './public-address.js';
import { publicUrl, type PublicUrlRules } from './public-url.js';

/** The headers of a conditional request. @see RFC 9110 §13.1 */
export interface ConditionalHeaders {
  readonly 'if-none-match'?: string;
  readonly 'if-modified-since'?: string;
}

/** What one GET asks for. */
export interface PublicRequest {
  /** The longest body taken, in bytes. @default 5120 */
  readonly maxBytes?: number;
  /** The media type asked for. @default 'application/json' */
  readonly accept?: string;
  /** Only with these is a 304 an answer and not a failure. */
  readonly headers?: ConditionalHeaders;
  /** Ends the call; its reason is thrown. */
  readonly signal?: AbortSignal;
}

/** An answer, whole: any status but a redirect; 304 with an empty body when asked for. */
export interface PublicResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** GET of URLs that a stranger chose. */
export interface PublicOutbound {
  /**
   * Gets an https URL of the public Internet and reads its body as UTF-8.
   * @throws OutboundError, whose text holds nothing of the answer; or the reason of `signal`
   */
  get(url: string, request?: PublicRequest): Promise<PublicResponse>;
}

/** The limits of every GET of a stranger's URL. */
export interface PublicOutboundOptions {
  /**
   * What sends the requests instead, as through an egress proxy. It then has to look the names up
   * and to keep away from private addresses; all other rules stay.
   */
  readonly fetch?: typeof fetch | undefined;
  /** The ports that may be called. @default [443] */
  readonly allowedPorts?: readonly number[] | undefined;
  /** The time of a call, from the name lookup to the last byte of the body. @default 5 */
  readonly timeoutSeconds?: number | undefined;
}

/** The guard against server-side request forgery: GET of what strangers name, and never inside. */
export class PublicOutboundClient implements PublicOutbound {
  readonly #timeoutSeconds: number;
  readonly #rules: PublicUrlRules;
  readonly #send: PublicTransport;

  /** @param parts what a test puts in the place of name servers, vetting and authorities */
  constructor(options: PublicOutboundOptions = {}, parts: Partial<PinnedTransportParts> = {}) {
    const pinned = { lookup: lookupAddresses, isPublicAddress, ...parts };
    this.#timeoutSeconds = options.timeoutSeconds ?? 5;
    this.#rules = { ...pinned, allowedPorts: options.allowedPorts ?? [443] };
    this.#send = options.fetch ? fetchTransport(options.fetch) : pinnedTransport(pinned);
  }

  async get(url: string, request: PublicRequest = {}): Promise<PublicResponse> {
    const target = publicUrl(url, this.#rules);
    return withDeadline(target, this.#timeoutSeconds, request.signal, async (signal) => {
      try {
        return await this.#exchange(target, request, signal);
      } catch (error) {
        throw error instanceof OutboundError ? error : withoutContent(error);
      }
    });
  }

  async #exchange(url: URL, request: PublicRequest, signal: AbortSignal): Promise<PublicResponse> {
    const { maxBytes = 5120, accept = 'application/json', headers: conditions = {} } = request;
    const headers = {
      ...conditions,
      accept,
      'accept-encoding': 'identity',
      'user-agent': 'nestjs-mcp-multi-auth',
    };
    const answer = await this.#send(url, headers, signal);
    refuseRedirect(url, answer, Object.keys(conditions).length > 0);
    refuseEncoding(url, answer);
    if (answer.status !== 304 && Number(answer.headers.get('content-length')) > maxBytes) {
      throw tooLong(url, maxBytes);
    }
    const body = await readBounded(url, answer.body, maxBytes);
    return { status: answer.status, headers: answer.headers, body: textOf(url, body) };
  }
}

function fetchTransport(send: typeof fetch): PublicTransport {
  return async (url, headers, signal) => {
    const options = { headers, signal, referrer: '' };
    const response = await send(url.href, { ...options, redirect: 'manual', credentials: 'omit' });
    // Not every sender leaves redirects alone when it is told to.
    if (response.redirected) throw redirected(url);
    return response;
  };
}

function refuseRedirect(url: URL, { status }: OpenAnswer, isConditional: boolean): void {
  const isRedirect = status < 200 || (status >= 300 && status < 400);
  if (isRedirect && !(status === 304 && isConditional)) throw redirected(url);
}

function redirected(url: URL): OutboundError {
  return new OutboundError(`${url.origin} answered with a redirect.`, 'redirect');
}

/** What was not asked for would have to be unfolded before it can be counted. */
function refuseEncoding(url: URL, { headers }: OpenAnswer): void {
  if ((headers.get('content-encoding') ?? 'identity').toLowerCase() !== 'identity') {
    throw new OutboundError(`${url.origin} sent a body with a content encoding.`, 'encoding');
  }
}

function textOf(url: URL, body: Uint8Array): string {
  try {
    // A byte order mark stays where it is: it is no part of JSON (RFC 8259 §8.1).
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw new OutboundError(`${url.origin} sent a body that is not UTF-8.`, 'encoding');
  }
}

/** The code of an error alone: the rest may quote what the other side sent. */
function withoutContent(error: unknown): Error {
  const { code, cause } = Object(error) as { code?: unknown; cause?: { code?: unknown } };
  return Object.assign(new Error('The call failed.'), { code: code ?? cause?.code });
}
