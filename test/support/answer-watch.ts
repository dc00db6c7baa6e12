import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Answer } from './answer.js';
import { expectInvariants } from './invariants.js';

const endpoints = ['authorize', 'consent', 'auth/callback', 'token', 'register', 'revoke'];
/** Errors that must not tell why: their text is one and the same. */
const oneText = ['access_denied', 'invalid_client', 'invalid_grant', 'invalid_token'];

/**
 * Holds every answer of an app, asked for by whatever test, against the invariants U1, U3, U6, U7,
 * U9 and U10 of the security matrix.
 */
export class AnswerWatch {
  readonly #issuer: string;
  readonly #breaches: string[] = [];
  readonly #texts = new Map<string, string>();
  #answers = 0;

  constructor(issuer: string) {
    this.#issuer = issuer;
  }

  /** How many answers were looked at. */
  get answers(): number {
    return this.#answers;
  }

  watch(server: Server): void {
    server.prependListener('request', (request, response) => {
      const headers = headersOf(response);
      const body = bodyOf(response);
      response.once('finish', () => {
        const { method = '', url = '' } = request;
        const status = response.statusCode;
        this.look(request, { url, method, status, headers: headers(), text: body() });
      });
    });
  }

  /** @throws Error naming the first breach, if there was one */
  assertNone(): void {
    if (this.#breaches.length > 0) throw new Error(this.#breaches[0]);
  }

  look({ headers }: Pick<IncomingMessage, 'headers'>, answer: Answer): void {
    this.#answers += 1;
    try {
      this.#judge(answer, headers['authorization'] ?? headers['x-api-key']);
    } catch (error) {
      this.#breaches.push(`${answer.method} ${answer.url} ${answer.status}: ${String(error)}`);
    }
  }

  #judge(answer: Answer, credential: unknown): void {
    const path = answer.url.slice(0, (answer.url + '?').indexOf('?'));
    if (path === '/mcp') return assertClosed(answer, credential);
    const base = new URL(this.#issuer).pathname.replace(/\/$/, '');
    const isOurs = endpoints.some((name) => path === `${base}/${name}`);
    // What is switched off is not there: the framework answers.
    if (!isOurs || answer.status === 404 || answer.method === 'OPTIONS') return;
    expectInvariants(answer, {
      issuer: this.#issuer,
      ...stateOf(answer),
      ...((answer.status === 502 || answer.status === 503) && { serverFault: answer.status }),
    });
    this.#assertSameText(answer, path);
  }

  /** U6 */
  #assertSameText({ text, status }: Answer, path: string): void {
    if (!text.startsWith('{') || status < 400) return;
    const { error, error_description: description } = JSON.parse(text) as Record<string, string>;
    if (error === undefined || !oneText.includes(error)) return;
    const known = this.#texts.get(`${path} ${error}`) ?? description ?? '';
    if (known !== description) throw new Error(`${error} says “${description}” and “${known}”`);
    this.#texts.set(`${path} ${error}`, known);
  }
}

/** U10 */
function assertClosed({ status }: Answer, credential: unknown): void {
  if (status >= 500 && status !== 503) throw new Error('the guard did not fail closed');
  if (status < 300 && credential === undefined) throw new Error('the guard let a stranger pass');
}

/** What the client sent is not known here; that it comes back at most once is. */
function stateOf({ headers }: Answer): { state?: string } {
  const location = String(headers['location'] ?? '');
  const state = new URLSearchParams(location.split('?')[1]).get('state');
  return state === null ? {} : { state };
}

/** Also those that are given with the status, which `getHeaders` does not know. */
function headersOf(response: ServerResponse): () => Answer['headers'] {
  const headers: Record<string, string | readonly string[]> = {};
  const { writeHead } = response;
  response.writeHead = (...args: unknown[]) => {
    const given = args.at(-1);
    if (typeof given === 'object' && given !== null) {
      for (const [name, value] of Object.entries(given)) {
        headers[name.toLowerCase()] = value as string;
      }
    }
    return Reflect.apply(writeHead, response, args) as ServerResponse;
  };
  return () => ({ ...(response.getHeaders() as Answer['headers']), ...headers });
}

function bodyOf(response: ServerResponse): () => string {
  const chunks: Buffer[] = [];
  for (const name of ['write', 'end'] as const) {
    const send = response[name];
    response[name] = ((...args: unknown[]) => {
      const [chunk] = args;
      if (typeof chunk === 'string' || chunk instanceof Uint8Array) {
        chunks.push(Buffer.from(chunk as string));
      }
      return Reflect.apply(send, response, args) as boolean;
    }) as never;
  }
  return () => Buffer.concat(chunks).toString();
}
