import {
  LoginUnavailableError,
  StorageError,
  UpstreamError,
  VerifierUnavailableError,
} from '../common/errors.js';
import type { EndpointResponse, EndpointRoute } from './endpoint.js';
import type { Fault } from './fault.js';
import { OAuthError } from './oauth-error.js';
import { errorPage } from './page.js';

const RETRY_AFTER_SECONDS = 5;

/** Translates whatever was thrown; only an `OAuthError` brings words of its own. */
export function toFault(thrown: unknown): Fault {
  if (thrown instanceof OAuthError) return thrown;
  if (thrown instanceof StorageError || thrown instanceof LoginUnavailableError) {
    return unavailable(RETRY_AFTER_SECONDS);
  }
  if (thrown instanceof VerifierUnavailableError) return unavailable(thrown.retryAfterSeconds);
  if (thrown instanceof UpstreamError) {
    return thrown.kind === 'transient' ? unavailable(RETRY_AFTER_SECONDS) : serverError(502);
  }
  return serverError(500);
}

/** Renders a fault for a program or for a person. */
export function renderFault(fault: Fault, audience: EndpointRoute['audience']): EndpointResponse {
  const { status, headers, error, description } = fault;
  if (audience === 'client') {
    return { kind: 'json', status, headers, body: { error, error_description: description } };
  }
  return errorPage({
    status,
    headers,
    title: status < 500 ? 'This request cannot be completed' : 'Something went wrong',
    message: description,
    hint: hintFor(status),
  });
}

function hintFor(status: number): string {
  if (status === 503) return 'Please try again in a few seconds.';
  if (status === 429) return 'Please wait a few minutes and try again.';
  return 'Close this window and start again from the application.';
}

function unavailable(retryAfterSeconds: number): Fault {
  return {
    status: 503,
    error: 'temporarily_unavailable',
    description: 'The service cannot answer right now.',
    headers: { 'retry-after': String(retryAfterSeconds) },
  };
}

function serverError(status: 500 | 502): Fault {
  return {
    status,
    error: 'server_error',
    description: 'The server could not complete the request.',
    headers: {},
  };
}
