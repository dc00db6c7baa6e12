import type { Endpoint, EndpointResponse, EndpointRoute } from '../http/endpoint.js';

/** A document that is good for now, and lacks something: nobody may keep it. */
export class ProvisionalDocument {
  constructor(readonly body: unknown) {}
}

/** Answers a public JSON document that caches may keep for five minutes, unless it is provisional. */
export function documentEndpoint(document: unknown): Endpoint {
  return {
    handle: async (): Promise<EndpointResponse> => {
      const current: unknown = typeof document === 'function' ? await document() : document;
      const isProvisional = current instanceof ProvisionalDocument;
      return {
        kind: 'json',
        status: 200,
        headers: { 'Cache-Control': isProvisional ? 'no-store' : 'public, max-age=300' },
        body: isProvisional ? current.body : current,
      };
    },
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
