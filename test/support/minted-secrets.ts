import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** The members of JSON answers, and the parameters of forms and URLs, that are secrets. */
const secretNames = new Set([
  'access_token',
  'assertion',
  'client_assertion',
  'client_secret',
  'code',
  'code_verifier',
  'csrf',
  'id_token',
  'nonce',
  'refresh_token',
  'state',
  'subject_token',
  'token',
  'txn',
]);
/** What may be read anywhere, also where a test presents it as if it were a secret. */
const publicNames = new Set(['client_id', 'client_name']);
const enough = 400;

/** Every secret that passes a server, in either direction, whoever made it. */
export class MintedSecrets {
  readonly #names = new Map<string, string>();
  readonly #public = new Set<string>();

  /** How many different ones there were. */
  get size(): number {
    return this.#names.size;
  }

  watch(server: Server): void {
    server.prependListener('request', (request, response) => {
      this.#readRequest(request);
      this.#readResponse(response);
    });
  }

  /** Notes the secrets of a body that went another way than through a server. */
  note(where: string, text: string): void {
    this.#readText(where, text);
  }

  /** The names of the secrets that a text shows, as they are, in a URL, or in base64url. */
  shownIn(text: string): readonly string[] {
    const all = [...this.#names];
    const some =
      all.length <= enough ? all : [...all.slice(0, enough / 2), ...all.slice(-enough / 2)];
    return some
      .filter(
        ([value]) => !this.#public.has(value) && formsOf(value).some((form) => text.includes(form)),
      )
      .map(([, name]) => name);
  }

  #readRequest(request: IncomingMessage): void {
    this.#readQuery('request', request.url ?? '');
    const [, bearer] = /^bearer (.+)$/i.exec(request.headers.authorization ?? '') ?? [];
    if (bearer !== undefined) this.#note('bearer token', bearer);
    const chunks: Buffer[] = [];
    const push = request.push.bind(request);
    request.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
      if (chunk) chunks.push(Buffer.from(chunk));
      else this.#readText('request', Buffer.concat(chunks).toString());
      return push(chunk, encoding);
    };
  }

  #readResponse(response: ServerResponse): void {
    const chunks: Buffer[] = [];
    const [write, end, writeHead] = [response.write, response.end, response.writeHead] as const;
    const keep = (chunk: unknown): void => {
      if (typeof chunk === 'string' || chunk instanceof Uint8Array)
        chunks.push(Buffer.from(chunk as string));
    };
    response.writeHead = (...args: unknown[]) => {
      const headers = args.at(-1);
      if (typeof headers === 'object' && headers !== null)
        this.#readHeaders(Object.entries(headers));
      return Reflect.apply(writeHead, response, args) as ServerResponse;
    };
    response.write = ((...args: unknown[]) => {
      keep(args[0]);
      return Reflect.apply(write, response, args) as boolean;
    }) as typeof write;
    response.end = ((...args: unknown[]) => {
      keep(args[0]);
      this.#readHeaders(Object.entries(response.getHeaders()));
      this.#readText('response', Buffer.concat(chunks).toString());
      return Reflect.apply(end, response, args) as ServerResponse;
    }) as typeof end;
  }

  #readHeaders(headers: readonly (readonly [string, unknown])[]): void {
    for (const [name, value] of headers) {
      const lines = (Array.isArray(value) ? value : [value]).map(String);
      if (/^location$/i.test(name)) for (const line of lines) this.#readQuery('redirect', line);
      if (!/^set-cookie$/i.test(name)) continue;
      for (const line of lines) this.#note('cookie', /=([^;]*)/.exec(line)?.[1]);
    }
  }

  #readQuery(where: string, url: string): void {
    const query = url.split('?')[1];
    if (query !== undefined) this.#readText(where, query);
  }

  /** A form, a query, JSON or a page. */
  #readText(where: string, text: string): void {
    if (text.startsWith('{')) return this.#readJson(where, text);
    for (const [, name = '', value = ''] of text.matchAll(/name="(\w+)" value="([^"]*)"/g)) {
      if (secretNames.has(name)) this.#note(`${where} ${name}`, value);
    }
    if (text.startsWith('<')) return;
    for (const [name, value] of new URLSearchParams(text)) this.#sort(where, name, value);
  }

  #sort(where: string, name: string, value: unknown): void {
    if (publicNames.has(name) && typeof value === 'string') this.#public.add(value);
    if (secretNames.has(name)) this.#note(`${where} ${name}`, value);
  }

  #readJson(where: string, text: string): void {
    try {
      for (const [name, value] of Object.entries(JSON.parse(text) as object)) {
        this.#sort(where, name, value);
      }
    } catch {
      // Broken on purpose: there is no member in it.
    }
  }

  /** What is short or has few characters could stand in any text by chance. */
  #note(name: string, value: unknown): void {
    if (typeof value !== 'string' || value.length < 20 || new Set(value).size < 10) return;
    if (!this.#names.has(value)) this.#names.set(value, name);
  }
}

function formsOf(secret: string): readonly string[] {
  const base64 = Buffer.from(secret).toString('base64url').slice(0, -2);
  return [secret, encodeURIComponent(secret), base64];
}
