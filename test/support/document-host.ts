import type { ClientIdMetadataDocumentOptions } from '../../lib/index.js';
import { clientRedirect, type TestClient } from './proxy-flow.js';

type Answer = (headers: Headers) => Response | Promise<Response>;

/** A request for a document, as the server sent it. */
export interface DocumentRequest {
  readonly url: string;
  readonly headers: Headers;
  readonly init: RequestInit;
}

/** Plays the hosts on which clients publish what they are: the option `fetch` of the server. */
export class DocumentHost {
  readonly requests: DocumentRequest[] = [];
  readonly #answers = new Map<string, Answer>();

  readonly fetch: typeof fetch = async (input, init = {}) => {
    const url = input instanceof Request ? input.url : String(input);
    const headers = new Headers(init.headers);
    this.requests.push({ url, headers, init });
    const answer = this.#answers.get(url);
    return answer ? answer(headers) : new Response('{}', { status: 404 });
  };

  /** What turns the server's eyes to these hosts. */
  options(more: ClientIdMetadataDocumentOptions = {}): ClientIdMetadataDocumentOptions {
    return { fetch: this.fetch, ...more };
  }

  /** Publishes a good document, or one with these members changed, and gives the client's side. */
  publish(
    url: string,
    members: Readonly<Record<string, unknown>> = {},
    headers: Readonly<Record<string, string>> = {},
  ): TestClient {
    this.answer(url, () => jsonResponse(documentOf(url, members), headers));
    return { id: url, redirectUri: clientRedirect };
  }

  answer(url: string, answer: Answer): void {
    this.#answers.set(url, answer);
  }

  /** The host cannot be reached any more. */
  breakDown(url: string): void {
    this.answer(url, () => Promise.reject(new TypeError('fetch failed')));
  }

  requestsTo(url: string): number {
    return this.requests.filter((request) => request.url === url).length;
  }
}

/** The document of a public client. */
export function documentOf(
  url: string,
  members: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  return {
    client_id: url,
    client_name: 'Documented app',
    redirect_uris: [clientRedirect],
    token_endpoint_auth_method: 'none',
    ...members,
  };
}

export function jsonResponse(
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return new Response(text, { headers: { 'content-type': 'application/json', ...headers } });
}
