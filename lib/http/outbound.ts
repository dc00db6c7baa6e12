import { isLoopbackHost } from './loopback.js';
import { readBounded } from './outbound-body.js';
import { withDeadline } from './outbound-deadline.js';
import { OutboundError } from './outbound-error.js';

const NEVER_SENT = ['cookie', 'referer'];
const NOT_OF_THE_BUFFERED_BODY = ['content-encoding', 'content-length', 'transfer-encoding'];
const STATUSES_WITHOUT_BODY: readonly number[] = [204, 205];

/** The limits of every call over the network. */
export interface OutboundOptions {
  /** The time a call may take to the last byte of its body. @default 10 */
  readonly timeoutSeconds?: number;
  /** The longest body, counted after decompression. @default 1048576 */
  readonly maxBytes?: number;
  /** What sends the request. @default the global `fetch` */
  readonly fetch?: typeof fetch;
}

/** As `RequestInit`; a member may also be there and undefined, as oauth4webapi sends them. */
export type OutboundInit = { readonly [K in keyof RequestInit]?: RequestInit[K] | undefined };

/** The only door to the network: https or this machine, no redirects, bounded in time and size. */
export class OutboundClient {
  readonly #timeoutSeconds: number;
  readonly #maxBytes: number;
  readonly #send: typeof fetch;

  constructor(options: OutboundOptions = {}) {
    this.#timeoutSeconds = options.timeoutSeconds ?? 10;
    this.#maxBytes = options.maxBytes ?? 1024 * 1024;
    this.#send = options.fetch ?? ((input, init) => fetch(input, init));
  }

  /**
   * Calls a URL and answers with the whole body read. May be detached from its object, as the
   * `customFetch` of jose and oauth4webapi.
   * @throws OutboundError, or the abort reason of the caller's own signal
   */
  readonly fetch = async (url: string | URL, init: OutboundInit = {}): Promise<Response> => {
    const target = permittedUrl(url);
    return withDeadline(target, this.#timeoutSeconds, init.signal, (signal) =>
      this.#exchange(target, { ...(init as RequestInit), signal }),
    );
  };

  async #exchange(url: URL, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    for (const name of NEVER_SENT) headers.delete(name);
    const response = await this.#send(url.href, {
      ...init,
      headers,
      redirect: 'manual',
      credentials: 'omit',
      // The policy alone does not do: fetch of Node 20 sends a given referrer under `no-referrer`.
      referrer: '',
    });
    if (response.status < 200 || (response.status >= 300 && response.status < 400)) {
      throw new OutboundError(`${url.origin} answered with a redirect.`, 'redirect');
    }
    return rebuilt(response, await readBounded(url, response.body, this.#maxBytes));
  }
}

function permittedUrl(url: string | URL): URL {
  if (!URL.canParse(String(url))) throw new OutboundError('The URL is not absolute.', 'address');
  const target = new URL(String(url));
  const isPlainLoopback = target.protocol === 'http:' && isLoopbackHost(target.hostname);
  if (target.protocol !== 'https:' && !isPlainLoopback) {
    throw new OutboundError(`${target.origin} is not served over https.`, 'address');
  }
  if (target.username || target.password) {
    throw new OutboundError(`The URL of ${target.origin} holds credentials.`, 'address');
  }
  return target;
}

function rebuilt(response: Response, body: Buffer<ArrayBuffer>): Response {
  const headers = new Headers(response.headers);
  for (const name of NOT_OF_THE_BUFFERED_BODY) headers.delete(name);
  const { status, statusText } = response;
  return new Response(STATUSES_WITHOUT_BODY.includes(status) ? null : body, {
    status,
    statusText,
    headers,
  });
}
