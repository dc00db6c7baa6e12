import type { EndpointRequest } from '../../lib/http/endpoint.js';

export const formType = 'application/x-www-form-urlencoded';

/** A request with a form, as the host hands it to an endpoint. */
export function aRequest(parts: Partial<EndpointRequest>): EndpointRequest {
  return {
    method: 'POST',
    path: '/token',
    rawQuery: '',
    headers: { 'content-type': formType },
    body: undefined,
    ...parts,
  };
}
