import { isLoopbackHost } from './loopback.js';
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
    const stop = new Deadline(target, this.#timeoutSeconds, init.signal);
    try {
      return await stop.race(
        this.#exchange(target, { ...(init as RequestInit), signal: stop.signal }),
      );
    } catch (error) {
      // Also ends a transfer that nobody reads any more.
      stop.abort(error);
      throw stop.reasonOr(error);
    } finally {
      stop.clear();
    }
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
    return rebuilt(response, await this.#readBody(url, response));
  }

  async #readBody(url: URL, response: Response): Promise<Buffer<ArrayBuffer>> {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength;
      // Leaving the loop cancels the stream.
      if (bytes > this.#maxBytes) {
        throw new OutboundError(`${url.origin} sent more than ${this.#maxBytes} bytes.`, 'size');
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }
}

/**
 * One end for a whole call, by time or by the caller. `AbortSignal.any` would do, but on Node 20 a
 * timeout signal that only it holds can be collected before it fires.
 */
class Deadline {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #origin: string;
  readonly #caller: AbortSignal | undefined;
  readonly #onCallerAbort = (): void => this.abort(this.#caller?.reason);

  constructor(url: URL, seconds: number, caller: AbortSignal | null | undefined) {
    this.#origin = url.origin;
    this.#caller = caller ?? undefined;
    const timeout = new OutboundError(`${url.origin} took longer than ${seconds} s.`, 'timeout');
    this.#timer = setTimeout(() => this.abort(timeout), seconds * 1000);
    this.#caller?.addEventListener('abort', this.#onCallerAbort);
    if (this.#caller?.aborted) this.#onCallerAbort();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener('abort', this.#onCallerAbort);
  }

  /** The outcome, or the abort, whichever is first: a sender may be deaf to signals. */
  async race<T>(outcome: Promise<T>): Promise<T> {
    const { signal } = this;
    let onAbort: (() => void) | undefined;
    const aborted = new Promise<never>((_resolve, reject) => {
      onAbort = () => reject(signal.reason as Error);
      signal.addEventListener('abort', onAbort);
      if (signal.aborted) onAbort();
    });
    outcome.catch(() => {});
    try {
      return await Promise.race([outcome, aborted]);
    } finally {
      if (onAbort) signal.removeEventListener('abort', onAbort);
    }
  }

  /** What the caller of the network gets to see of an error. */
  reasonOr(error: unknown): unknown {
    if (error instanceof OutboundError || error === this.#caller?.reason) return error;
    return new OutboundError(`${this.#origin} could not be reached.`, 'network', { cause: error });
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
