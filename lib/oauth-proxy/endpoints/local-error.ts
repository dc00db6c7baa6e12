import type { EndpointRequest, EndpointResponse } from '../../http/endpoint.js';
import { errorPage } from '../../http/page.js';

interface LocalError {
  readonly status: number;
  readonly title: string;
  readonly message: string;
  readonly hint?: string;
}

/** RFC 6749 §4.1.2.1: without a known client there is nowhere to redirect to. */
export function unknownClient(request: EndpointRequest): EndpointResponse {
  return localError(request, 'invalid_client', {
    status: 400,
    title: 'This application is not known here',
    message:
      'The application that sent you is not registered with this server, or its registration has expired.',
    hint: 'Remove this server from the application and add it again; it then registers anew.',
  });
}

export function wrongRedirectUri(request: EndpointRequest): EndpointResponse {
  return localError(request, 'invalid_request', {
    status: 400,
    title: 'This request cannot be answered',
    message:
      'The application asks for the answer to be sent to an address that it did not register.',
    hint: 'Nothing was shared. Close this page, and tell the maker of the application if it happens again.',
  });
}

export function expiredLogin(request: EndpointRequest): EndpointResponse {
  return localError(request, 'invalid_request', {
    status: 400,
    title: 'This login is over',
    message: 'It was already answered, or it waited too long.',
    hint: 'Go back to your application and connect again.',
  });
}

export function foreignBrowser(request: EndpointRequest): EndpointResponse {
  return localError(request, 'access_denied', {
    status: 403,
    title: 'This login was begun elsewhere',
    message:
      'A login must be finished in the browser in which it was begun. Perhaps somebody sent you a link to theirs.',
    hint: 'Nothing was shared. If it was you, go back to your application and connect again; cookies must be allowed.',
  });
}

export function badForm(request: EndpointRequest): EndpointResponse {
  return localError(request, 'invalid_request', {
    status: 400,
    title: 'This answer cannot be used',
    message: 'The form that was sent is not the one that this server showed.',
    hint: 'Go back to your application and connect again.',
  });
}

/** A page for a person, JSON for a program: whichever the request accepts. */
function localError(
  request: EndpointRequest,
  error: string,
  details: LocalError,
): EndpointResponse {
  if (String(request.headers['accept'] ?? '').includes('text/html')) return errorPage(details);
  return {
    kind: 'json',
    status: details.status,
    body: { error, error_description: details.message },
  };
}
