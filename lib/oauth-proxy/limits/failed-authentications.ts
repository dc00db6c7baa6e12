import { StorageError } from '../../common/errors.js';
import type { EndpointRequest } from '../../http/endpoint.js';
import type { AuthenticationFailures } from '../clients/client-authenticator.js';
import type { RequestLimit } from './request-limit.js';

/**
 * Keeps whoever sends wrong secrets for a client from trying on. Only the pair of client and address
 * is held up: the client itself goes on from wherever else it is. Without the store nothing is
 * counted and nobody is held up; the authentication itself is as strict as ever.
 */
export class FailedAuthentications implements AuthenticationFailures {
  constructor(private readonly limit: RequestLimit) {}

  async assertAllowed(clientId: string, request: EndpointRequest): Promise<void> {
    const isExceeded = await unlessDown(this.limit.isExceeded(request, clientId));
    if (isExceeded === true) throw this.limit.refusal();
  }

  async record(clientId: string, request: EndpointRequest): Promise<void> {
    await unlessDown(this.limit.count(request, clientId));
  }
}

async function unlessDown<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof StorageError) return undefined;
    throw error;
  }
}
