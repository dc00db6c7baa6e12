import type { EndpointRequest, EndpointResponse } from '../../http/endpoint.js';
import { english } from '../pages/english.js';
import type { ErrorName, ProxyPages } from '../pages/proxy-pages.js';

/** Errors that stay here: a page for a person, JSON for a program, whichever the request accepts. */
export class LocalErrors {
  constructor(private readonly pages: ProxyPages) {}

  /** RFC 6749 §4.1.2.1: without a known client there is nowhere to redirect to. */
  unknownClient(request: EndpointRequest): EndpointResponse {
    return this.#answer(request, 'unknownClient', 'invalid_client');
  }

  wrongRedirectUri(request: EndpointRequest): EndpointResponse {
    return this.#answer(request, 'wrongRedirectUri', 'invalid_request');
  }

  expiredLogin(request: EndpointRequest): EndpointResponse {
    return this.#answer(request, 'expiredLogin', 'invalid_request');
  }

  foreignBrowser(request: EndpointRequest): EndpointResponse {
    return this.#answer(request, 'foreignBrowser', 'access_denied', 403);
  }

  badForm(request: EndpointRequest): EndpointResponse {
    return this.#answer(request, 'badForm', 'invalid_request');
  }

  #answer(
    request: EndpointRequest,
    name: ErrorName,
    error: string,
    status = 400,
  ): EndpointResponse {
    if (String(request.headers['accept'] ?? '').includes('text/html')) {
      return this.pages.error(request, name, { status });
    }
    // Of RFC 6749 §5.2: the characters of an error_description are ASCII, so it is in English.
    return { kind: 'json', status, body: { error, error_description: english[`${name}Message`] } };
  }
}
