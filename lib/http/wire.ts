import type { ServerResponse } from 'node:http';

/** The few things a response of Express and a reply of Fastify have in common. */
export interface Wire {
  readonly isSent: boolean;
  headerNames(): readonly string[];
  header(name: string): unknown;
  set(name: string, value: string | string[]): void;
  remove(name: string): void;
  send(status: number, body: string | undefined): void;
}

interface FastifyReply {
  readonly raw: ServerResponse;
  readonly sent: boolean;
  code(status: number): this;
  header(name: string, value: string | string[]): this;
  getHeader(name: string): unknown;
  getHeaders(): Record<string, unknown>;
  removeHeader(name: string): this;
  send(body?: string): this;
}

/**
 * Opens the response object a Nest handler is given, of either platform.
 * @throws TypeError when it is of neither
 */
export function openWire(res: unknown): Wire {
  if (isFastifyReply(res)) return new FastifyWire(res);
  if (isServerResponse(res)) return new NodeWire(res);
  throw new TypeError('The response is neither of Express nor of Fastify.');
}

class NodeWire implements Wire {
  constructor(private readonly res: ServerResponse) {}

  get isSent(): boolean {
    return this.res.headersSent || this.res.writableEnded;
  }

  headerNames(): readonly string[] {
    return this.res.getHeaderNames();
  }

  header(name: string): unknown {
    return this.res.getHeader(name);
  }

  set(name: string, value: string | string[]): void {
    this.res.setHeader(name, value);
  }

  remove(name: string): void {
    this.res.removeHeader(name);
  }

  send(status: number, body: string | undefined): void {
    this.res.statusCode = status;
    this.res.end(body);
  }
}

class FastifyWire implements Wire {
  constructor(private readonly reply: FastifyReply) {}

  get isSent(): boolean {
    return this.reply.sent || this.reply.raw.headersSent;
  }

  headerNames(): readonly string[] {
    return Object.keys(this.reply.getHeaders());
  }

  header(name: string): unknown {
    return this.reply.getHeader(name);
  }

  set(name: string, value: string | string[]): void {
    // Fastify adds to a `set-cookie` that is there instead of replacing it.
    this.reply.removeHeader(name).header(name, value);
  }

  remove(name: string): void {
    this.reply.removeHeader(name);
  }

  send(status: number, body: string | undefined): void {
    this.reply.code(status).send(body);
  }
}

function isFastifyReply(res: unknown): res is FastifyReply {
  return hasMethods(res, ['code', 'header', 'send', 'removeHeader', 'getHeaders']) && 'raw' in res;
}

function isServerResponse(res: unknown): res is ServerResponse {
  return hasMethods(res, ['setHeader', 'removeHeader', 'getHeaderNames', 'end']);
}

function hasMethods(value: unknown, names: readonly string[]): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');
}
