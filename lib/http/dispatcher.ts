import { ConfigurationError } from '../common/errors.js';
import type { Endpoint, EndpointRequest, EndpointResponse, EndpointRoute } from './endpoint.js';
import type { Fault } from './fault.js';
import { renderFault, toFault } from './fault-response.js';

const PREFLIGHT_HEADERS = 'authorization, content-type, accept, mcp-protocol-version';
const PREFLIGHT_SECONDS = 600;

/** A response and who may read it, as `writeResponse` takes them. */
export interface DispatchedResponse {
  readonly response: EndpointResponse;
  readonly cors: EndpointRoute['cors'];
}

/** Finds the endpoint of a request, and answers for it when there is none or when it throws. */
export class EndpointDispatcher {
  readonly #routes = new Map<string, EndpointRoute>();
  readonly #onFault: (route: string, error: unknown) => void;

  /**
   * `onFault` hears of what is not the client's fault: everything that is answered 5xx.
   * @throws ConfigurationError when two routes have the same path
   */
  constructor(routes: readonly EndpointRoute[], onFault: (route: string, error: unknown) => void) {
    for (const route of routes) {
      if (this.#routes.has(route.path)) {
        throw new ConfigurationError([
          { path: 'routes', problem: `two endpoints claim the path ${route.path}` },
        ]);
      }
      this.#routes.set(route.path, route);
    }
    this.#onFault = onFault;
  }

  /** Every path that is served. */
  get paths(): readonly string[] {
    return [...this.#routes.keys()];
  }

  /** Answers a request. Never rejects. */
  async dispatch(request: EndpointRequest): Promise<DispatchedResponse> {
    const route = this.#routes.get(request.path);
    if (!route) return { response: refusal(404, 'There is no such endpoint.'), cors: 'none' };
    if (request.method === 'OPTIONS') return { response: optionsOf(route), cors: route.cors };
    const endpoint = endpointFor(route, request.method);
    if (!endpoint) return { response: methodNotAllowed(route), cors: route.cors };
    try {
      return { response: await endpoint.handle(request), cors: route.cors };
    } catch (error) {
      return this.answerFault(request.path, error, request);
    }
  }

  /**
   * Answers for an endpoint that failed, or whose request could not be read; in the words of the
   * route where the request is given. Never throws.
   */
  answerFault(path: string, error: unknown, request?: EndpointRequest): DispatchedResponse {
    const route = this.#routes.get(path);
    const fault = toFault(error);
    if (fault.status >= 500) this.#report(route?.path ?? 'unknown', error);
    return { response: this.#show(fault, route, request), cors: route?.cors ?? 'none' };
  }

  #show(fault: Fault, route?: EndpointRoute, request?: EndpointRequest): EndpointResponse {
    try {
      if (route?.faultPage && request) return route.faultPage(fault, request);
    } catch (error) {
      this.#report(route?.path ?? 'unknown', error);
    }
    return renderFault(fault, route?.audience ?? 'client');
  }

  #report(route: string, error: unknown): void {
    try {
      this.#onFault(route, error);
    } catch {
      // An observer's fault is not the request's.
    }
  }
}

function endpointFor(route: EndpointRoute, method: string): Endpoint | undefined {
  if (method === 'GET' || method === 'POST') return route.methods[method];
  // Link scanners send HEAD: it must not spend a single-use state, so it never reaches an
  // endpoint unless the endpoint is a document.
  return method === 'HEAD' && route.headSafe === true ? route.methods.GET : undefined;
}

function allowedMethods(route: EndpointRoute): string {
  const methods = (['GET', 'POST'] as const).filter((m) => route.methods[m]);
  const head = route.methods.GET && route.headSafe === true ? ['HEAD'] : [];
  return [...methods, ...head, 'OPTIONS'].join(', ');
}

function optionsOf(route: EndpointRoute): EndpointResponse {
  const allow = allowedMethods(route);
  const preflight = {
    'access-control-allow-methods': allow,
    'access-control-allow-headers': PREFLIGHT_HEADERS,
    'access-control-max-age': String(PREFLIGHT_SECONDS),
  };
  return {
    kind: 'empty',
    status: 204,
    headers: { allow, ...(route.cors === 'any' ? preflight : {}) },
  };
}

function methodNotAllowed(route: EndpointRoute): EndpointResponse {
  const response = refusal(405, 'The method is not allowed here.');
  return { ...response, headers: { allow: allowedMethods(route) } };
}

function refusal(status: number, description: string): EndpointResponse {
  return {
    kind: 'json',
    status,
    body: { error: 'invalid_request', error_description: description },
  };
}
