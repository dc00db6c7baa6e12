import type { EndpointRedirect } from '../../http/endpoint.js';
import type { OAuthErrorCode } from '../../http/oauth-error.js';

/**
 * Answers a client at its redirect URI. The URI must have been validated for the client.
 * Every answer names the issuer once (RFC 9207 §2).
 */
export class ClientRedirect {
  constructor(private readonly issuer: string) {}

  withCode(to: RedirectTo, code: string): EndpointRedirect {
    return this.#answer(to, { code });
  }

  /** The description is constant text of ours, never the upstream's or the client's. */
  withError(to: RedirectTo, error: OAuthErrorCode, description: string): EndpointRedirect {
    return this.#answer(to, { error, error_description: description });
  }

  #answer(to: RedirectTo, parameters: Record<string, string>): EndpointRedirect {
    const all = {
      ...parameters,
      ...(to.state !== undefined && { state: to.state }),
      iss: this.issuer,
    };
    return {
      kind: 'redirect',
      status: to.method === 'POST' ? 303 : 302,
      location: appendParameters(to.redirectUri, all),
    };
  }
}

export interface RedirectTo {
  readonly redirectUri: string;
  readonly state?: string;
  /** The method of the request that is answered: 303 must follow a POST (RFC 9700 §4.12). */
  readonly method: string;
}

/** Appends parameters to a URI and leaves every byte that is already there as it is. */
export function appendParameters(uri: string, parameters: Record<string, string>): string {
  const query = Object.entries(parameters)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
  if (!uri.includes('?')) return `${uri}?${query}`;
  return uri.endsWith('?') || uri.endsWith('&') ? uri + query : `${uri}&${query}`;
}
