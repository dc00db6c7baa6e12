import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request to the endpoint, as it arrived. */
export interface IntrospectionRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  readonly form: URLSearchParams;
}

/** What the endpoint answers: JSON, a text as it is, or whatever a function does. */
export type IntrospectionAnswer =
  | { readonly status?: number; readonly json: unknown; readonly headers?: Record<string, string> }
  | { readonly status: number; readonly text: string; readonly headers?: Record<string, string> }
  | ((response: ServerResponse) => void);

/** An introspection endpoint (RFC 7662) that knows some tokens and keeps every request. */
export class FakeIntrospection {
  readonly requests: IntrospectionRequest[] = [];
  /** What is answered for a token; all others are inactive. */
  readonly tokens = new Map<string, Record<string, unknown>>();
  /** Answers every request until it is removed. */
  failure: IntrospectionAnswer | undefined;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        const { method = '', headers } = request;
        const form = new URLSearchParams(body);
        this.requests.push({ method, headers, body, form });
        const known = this.tokens.get(form.get('token') ?? '');
        respond(
          response,
          this.failure ?? { json: known ? { active: true, ...known } : { active: false } },
        );
      });
    });
  }

  static async start(): Promise<FakeIntrospection> {
    const fake = new FakeIntrospection();
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/introspect`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function respond(response: ServerResponse, answer: IntrospectionAnswer): void {
  if (typeof answer === 'function') return answer(response);
  const text = 'text' in answer ? answer.text : JSON.stringify(answer.json);
  response.writeHead(answer.status ?? 200, {
    'content-type': 'text' in answer ? 'text/html' : 'application/json',
    ...answer.headers,
  });
  response.end(text);
}
