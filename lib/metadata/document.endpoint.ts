import type { Endpoint, EndpointResponse, EndpointRoute } from '../http/endpoint.js';

/** Answers a public JSON document that caches may keep for five minutes. */
export function documentEndpoint(document: unknown): Endpoint {
  return {
    handle: async (): Promise<EndpointResponse> => ({
      kind: 'json',
      status: 200,
      headers: { 'Cache-Control': 'public, max-age=300' },
      body: typeof document === 'function' ? await document() : document,
    }),
  };
}

/**
 * The route of a public document: readable by browsers of every origin, with GET and HEAD.
 * A function is asked for the document on each request.
 */
export function documentRoute(path: string, document: unknown): EndpointRoute {
  return {
    path,
    methods: { GET: documentEndpoint(document) },
    cors: 'any',
    audience: 'client',
    headSafe: true,
  };
}
