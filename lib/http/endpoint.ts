/** A request to one of the library's own endpoints, free of any framework. */
export interface EndpointRequest {
  readonly method: string;
  /** The path without the query, as sent. */
  readonly path: string;
  /** The query without its `?`, as sent. */
  readonly rawQuery: string;
  /** Header names are in lower case; a header sent several times is an array or joined, as Node does. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** What the host's body parser made of the body: an object, a string, bytes, or undefined. */
  readonly body: unknown;
}

/** A cookie to set; an empty `value` with `maxAgeSeconds: 0` removes it. */
export interface ResponseCookie {
  readonly name: string;
  readonly value: string;
  readonly maxAgeSeconds: number;
  /** True wherever the endpoints are served over https. */
  readonly secure: boolean;
}

interface ResponseBase {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookies?: readonly ResponseCookie[];
}

/** What an endpoint answers; `writeResponse` puts it on the wire of Express or Fastify. */
export type EndpointResponse =
  | (ResponseBase & { readonly kind: 'json'; readonly body: unknown })
  | (ResponseBase & { readonly kind: 'redirect'; readonly location: string })
  | (ResponseBase & { readonly kind: 'page'; readonly html: string })
  | (ResponseBase & { readonly kind: 'empty' });

export interface Endpoint {
  handle(request: EndpointRequest): Promise<EndpointResponse>;
}

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
}
