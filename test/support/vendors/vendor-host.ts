/** How a vendor's endpoint misbehaves until `recover()`. */
export type VendorFailure = '500' | 'hang' | 'html' | 'garbage' | 'redirect' | 'disconnect';

/** A request as it reached the vendor. */
export interface VendorRequest {
  readonly method: string;
  /** The whole URL, as it was asked for. */
  readonly url: string;
  /** The path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly form: URLSearchParams;
}

export type VendorHandler = (request: VendorRequest) => Response | Promise<Response>;

/** Handlers by method and path, such as `GET /keys`. */
export type VendorRoutes = Readonly<Record<string, VendorHandler>>;

/**
 * One origin of a vendor, which is reached by its real URL through a `fetch` of its own: give
 * `host.fetch`, or `fetchOf(…)` of several, as the `fetch` option of what is tested. What it does not
 * serve it refuses: other paths with 404, other methods with 405; other origins do not resolve.
 */
export class VendorHost {
  /** Every request that arrived, in order. */
  readonly requests: VendorRequest[] = [];
  readonly #routes = new Map<string, VendorHandler>();
  readonly #failures = new Map<string, VendorFailure>();

  constructor(
    readonly origin: string,
    routes: VendorRoutes = {},
  ) {
    if (new URL(origin).origin !== origin) throw new Error(`${origin} is no origin.`);
    this.serve(routes);
  }

  /** Adds or replaces endpoints. */
  serve(routes: VendorRoutes): void {
    for (const [route, handler] of Object.entries(routes)) this.#routes.set(route, handler);
  }

  /** Every request to the path fails from now on. */
  fail(path: string, failure: VendorFailure): void {
    this.#failures.set(path, failure);
  }

  /** Nothing fails any more. */
  recover(): void {
    this.#failures.clear();
  }

  /** The requests to one path. */
  requestsTo(path: string): readonly VendorRequest[] {
    return this.requests.filter((request) => request.path === path);
  }

  /** The network as seen by who can reach this host alone. */
  readonly fetch: typeof fetch = (input, init) => fetchOf(this)(input, init);

  async answer(request: VendorRequest, signal: AbortSignal | null | undefined): Promise<Response> {
    this.requests.push(request);
    const failure = this.#failures.get(request.path);
    if (failure) return failures[failure](signal);
    const handler = this.#routes.get(`${request.method} ${request.path}`);
    if (handler) return handler(request);
    const isKnown = [...this.#routes.keys()].some((route) => route.endsWith(` ${request.path}`));
    return Response.json({ error: 'not_found' }, { status: isKnown ? 405 : 404 });
  }
}

/** The network as seen by who can reach these hosts and no others. */
export function fetchOf(...hosts: readonly VendorHost[]): typeof fetch {
  return async (input, init) => {
    init?.signal?.throwIfAborted();
    const request = new Request(input, { ...init, signal: null });
    const url = new URL(request.url);
    const host = hosts.find(({ origin }) => origin === url.origin);
    if (!host) throw networkError(`getaddrinfo ENOTFOUND ${url.hostname}`, 'ENOTFOUND');
    const body = await request.text();
    return host.answer(
      {
        method: request.method,
        url: request.url,
        path: url.pathname,
        query: url.searchParams,
        headers: Object.fromEntries(request.headers),
        body,
        form: new URLSearchParams(body),
      },
      init?.signal,
    );
  };
}

/** What `fetch` throws when there is no answer. */
function networkError(message: string, code: string): TypeError {
  return new TypeError('fetch failed', { cause: Object.assign(new Error(message), { code }) });
}

const failures: Record<
  VendorFailure,
  (signal: AbortSignal | null | undefined) => Response | Promise<Response>
> = {
  '500': () => Response.json({ error: 'internal_error' }, { status: 500 }),
  hang: (signal) =>
    new Promise((_resolve, reject) => {
      const end = (): void => reject(signal?.reason as Error);
      if (signal?.aborted) end();
      signal?.addEventListener('abort', end);
    }),
  html: () =>
    new Response('<!doctype html><title>We will be back soon</title>', {
      headers: { 'content-type': 'text/html' },
    }),
  garbage: () => new Response('{"keys":[', { headers: { 'content-type': 'application/json' } }),
  redirect: () => new Response(null, { status: 302, headers: { location: '/login' } }),
  disconnect: () => {
    throw networkError('read ECONNRESET', 'ECONNRESET');
  },
};
