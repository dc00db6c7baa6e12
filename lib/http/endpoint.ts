import type { Fault } from './fault.js';

/** A request to one of the library's own endpoints, free of any framework. */
export interface EndpointRequest {
  readonly method: string;
  /** The path without the query, as sent. */
  readonly path: string;
  /** The query without its `?`, as sent. */
  readonly rawQuery: string;
  /** Header names are in lower case; one sent several times is an array, or joined as Node does. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** What the host's body parser made of the body: an object, a string, bytes, or undefined. */
  readonly body: unknown;
  /**
   * The client's address as the host knows it (`req.ip`): what a proxy reports counts where the host
   * trusts that proxy, by Express's `trust proxy` or Fastify's `trustProxy`.
   */
  readonly remoteAddress?: string | undefined;
  /** The request of the platform itself, Express's or Fastify's, as a handler of the app gets it. */
  readonly platformRequest?: object | undefined;
}

/** A cookie to set; an empty `value` with `maxAgeSeconds: 0` removes it. */
export interface ResponseCookie {
  readonly name: string;
  readonly value: string;
  readonly maxAgeSeconds: number;
  /** True wherever the endpoints are served over https. */
  readonly secure: boolean;
  /** `Strict` keeps it from every request that another site began. @default Lax */
  readonly sameSite?: 'Lax' | 'Strict';
}

interface ResponseBase {
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookies?: readonly ResponseCookie[];
}

/** Sends the browser elsewhere. */
export interface EndpointRedirect extends ResponseBase {
  readonly kind: 'redirect';
  /** @default 303 for the answer to a POST (OAuth 2.1 §7.5.4), else 302 */
  readonly status?: 302 | 303;
  /** Visible ASCII only; written as it is. */
  readonly location: string;
}

/** What an endpoint answers; `writeResponse` puts it on the wire of Express or Fastify. */
export type EndpointResponse =
  | (ResponseBase & { readonly kind: 'json'; readonly status: number; readonly body: unknown })
  | EndpointRedirect
  | (ResponseBase & { readonly kind: 'page'; readonly status: number; readonly html: string })
  | (ResponseBase & { readonly kind: 'empty'; readonly status: number });

/** Answers the requests of one path and method; what it throws is answered for it. */
export interface Endpoint {
  handle(request: EndpointRequest): Promise<EndpointResponse>;
}

/** The methods an endpoint can have. */
export type EndpointMethod = 'GET' | 'POST';

/** One path of the library and what answers there. Other methods get 405 with `Allow`. */
export interface EndpointRoute {
  /** The exact path from the origin, such as `/token` or `/tenant/token`. */
  readonly path: string;
  readonly methods: Readonly<Partial<Record<EndpointMethod, Endpoint>>>;
  /**
   * `any`: browsers of every origin may call it (no credentials) and preflights are answered.
   * `none`: no CORS header is ever sent, as at the authorization endpoint (RFC 9700 §2.6).
   */
  readonly cors: 'any' | 'none';
  /** How a fault that no endpoint foresaw is shown: OAuth error JSON, or a page for a person. */
  readonly audience: 'client' | 'person';
  /** Shows such a fault to a person instead of the plain page in English. */
  readonly faultPage?: (fault: Fault, request: EndpointRequest) => EndpointResponse;
  /**
   * True for documents: HEAD is answered by the GET endpoint, which must have no effect.
   * @default false, HEAD is answered 405
   */
  readonly headSafe?: boolean;
}
