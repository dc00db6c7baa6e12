import type { ServerResponse } from 'node:http';
import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { EndpointDispatcher } from './dispatcher.js';
import type { EndpointRequest, EndpointResponse, EndpointRoute } from './endpoint.js';
import { serveEndpoint, toEndpointRequest, writeResponse } from './endpoint.responder.js';
import { Parameters } from './parameters.js';

/** What the host of the endpoints is like. */
interface Host {
  readonly parsesBodies?: boolean;
  /** Whether it believes in `X-Forwarded-For`. */
  readonly trustsProxies?: boolean;
  /** Headers that the host's own middleware set before. */
  readonly headers?: Readonly<Record<string, string | string[]>>;
}

/** A response as the host holds it; `raw` and `hijack` are Fastify's. */
interface HostResponse extends ServerResponse {
  readonly raw?: ServerResponse;
  readonly hijack?: () => void;
  send(body: string): unknown;
}

type Handler = (req: unknown, res: unknown) => Promise<unknown>;
type Listen = (host: Host, handler: Handler) => Promise<number>;

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const listenOnExpress: Listen = async (host, handler) => {
  const adapter = new ExpressAdapter();
  adapter.set('trust proxy', host.trustsProxies ?? false);
  if (host.parsesBodies !== false) {
    adapter.initHttpServer({});
    adapter.registerParserMiddleware();
  }
  adapter.use((_req: unknown, res: ServerResponse, next: () => void) => {
    for (const [name, value] of Object.entries(host.headers ?? {})) res.setHeader(name, value);
    next();
  });
  adapter.use('/mounted', (req: unknown, res: unknown) => handler(req, res));
  adapter.use((req: unknown, res: unknown) => handler(req, res));
  adapter.initHttpServer({});
  const server = adapter.getHttpServer() as import('node:http').Server;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
};

const listenOnFastify: Listen = async (host, handler) => {
  const trustProxy = host.trustsProxies ?? false;
  const adapter = new FastifyAdapter({ forceCloseConnections: true, trustProxy });
  const fastify = adapter.getInstance();
  adapter.registerParserMiddleware();
  fastify.addHook('onRequest', (_req, reply, next) => {
    // Express middleware under Fastify writes to the response beneath, plug-ins to the reply.
    for (const [i, [name, value]] of Object.entries(host.headers ?? {}).entries()) {
      if (i % 2 === 0) reply.header(name, value);
      else reply.raw.setHeader(name, value);
    }
    next();
  });
  fastify.all('/*', async (req, reply) => {
    await handler(req, reply);
    return reply;
  });
  await adapter.init();
  await fastify.listen({ port: 0, host: '127.0.0.1' });
  closers.push(() => fastify.close());
  return (fastify.server.address() as AddressInfo).port;
};

const platforms: [string, Listen][] = [
  ['Express', listenOnExpress],
  ['Fastify', listenOnFastify],
];

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
}

interface Call {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string | Buffer;
}

function call(port: number, { method = 'GET', path = '/x', headers, body }: Call): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method, path, agent: false as const };
    const req = httpRequest({ ...options, ...(headers ? { headers } : {}) }, (res) => {
      let text = '';
      res.on('data', (chunk: Buffer) => (text += chunk.toString()));
      res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, text }));
    });
    req.on('error', reject).end(body);
  });
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

function aRoute(
  handle: (request: EndpointRequest) => EndpointResponse,
  change: Partial<EndpointRoute> = {},
): EndpointRoute {
  const endpoint = { handle: (r: EndpointRequest) => Promise.resolve(r).then(handle) };
  return {
    path: '/x',
    methods: { GET: endpoint, POST: endpoint },
    cors: 'any',
    audience: 'client',
    ...change,
  };
}

const form = aRoute((r) => {
  const parameters = Parameters.fromForm(r);
  const { repeated } = parameters;
  return { kind: 'json', status: 200, body: { a: parameters.get('a'), repeated } };
});

describe.each(platforms)('serveEndpoint on %s', (_platform, listen) => {
  const faults: unknown[] = [];

  async function start(route: EndpointRoute, host: Host = {}): Promise<number> {
    faults.length = 0;
    const dispatcher = new EndpointDispatcher([route], (_route, error) => faults.push(error));
    return listen(host, (req, res) => serveEndpoint(dispatcher, req, res));
  }

  const echo = aRoute((r) => ({
    kind: 'json',
    status: 200,
    body: { method: r.method, path: r.path, query: r.rawQuery, a: r.headers['x-a'] },
  }));

  it('hands over method, path, query and headers as they came', async () => {
    const port = await start(echo);
    const path = '/x?a=%20b&a=+&[]=?x';
    const answer = await call(port, { path, headers: { 'X-A': 'b' } });
    expect(JSON.parse(answer.text)).toEqual({
      method: 'GET',
      path: '/x',
      query: 'a=%20b&a=+&[]=?x',
      a: 'b',
    });
  });

  it('takes the address that the host reports, and no header for it', async () => {
    const route = aRoute((r) => ({ kind: 'json', status: 200, body: { from: r.remoteAddress } }));
    const forged = { 'x-forwarded-for': '8.8.8.8', forwarded: 'for=8.8.8.8' };
    const peer = await call(await start(route), { headers: forged });
    expect(JSON.parse(peer.text)).toEqual({ from: '127.0.0.1' });
    const trusting = await call(await start(route, { trustsProxies: true }), { headers: forged });
    expect(JSON.parse(trusting.text)).toEqual({ from: '8.8.8.8' });
  });

  it('reads a form that the host parsed', async () => {
    const port = await start(form);
    const answer = await call(port, {
      method: 'POST',
      path: '/x?a=query',
      headers: FORM,
      body: 'a=1+2&b=x&b=y',
    });
    expect(JSON.parse(answer.text)).toEqual({ a: '1 2', repeated: ['b'] });
  });

  it('shows a repeated header that Node would hide', async () => {
    const route = aRoute((r) => ({
      kind: 'json',
      status: 200,
      body: { authorization: r.headers['authorization'], accept: r.headers['accept'] },
    }));
    const port = await start(route);
    const twice = await call(port, {
      headers: { authorization: ['Basic a', 'Basic b'], accept: 'c' },
    });
    expect(JSON.parse(twice.text)).toEqual({ authorization: ['Basic a', 'Basic b'], accept: 'c' });
    const once = await call(port, { headers: { authorization: 'Basic a' } });
    expect(JSON.parse(once.text)).toEqual({ authorization: 'Basic a' });
  });

  it('writes JSON without members that have no value, and with the default headers', async () => {
    const body = { a: 1, b: null, c: undefined, d: { e: null, f: [null, 'é'] } };
    const port = await start(aRoute(() => ({ kind: 'json', status: 201, body })));
    const answer = await call(port, {});
    expect(answer.status).toBe(201);
    expect(answer.text).toBe('{"a":1,"d":{"f":[null,"é"]}}');
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(Buffer.byteLength(answer.text)),
      'cache-control': 'no-store',
      pragma: 'no-cache',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
    expect(answer.headers).not.toHaveProperty('etag');
    expect(answer.headers).not.toHaveProperty('set-cookie');
  });

  it("lets the endpoint's own headers win", async () => {
    const headers = { 'Cache-Control': 'max-age=60', 'Content-Type': 'application/jwk-set+json' };
    const port = await start(aRoute(() => ({ kind: 'json', status: 200, body: {}, headers })));
    const answer = await call(port, {});
    expect(answer.headers['cache-control']).toBe('max-age=60');
    expect(answer.headers['content-type']).toContain('application/jwk-set+json');
  });

  it('writes a page with its policy over that of the host', async () => {
    const route = aRoute(() => ({ kind: 'page', status: 200, html: '<p>é' }), { cors: 'none' });
    const port = await start(route, {
      headers: {
        'content-security-policy': "form-action 'self'",
        'cross-origin-opener-policy': 'same-origin',
        etag: '"x"',
        'Cross-Origin-Opener-Policy': 'same-origin',
        'x-frame-options': 'SAMEORIGIN',
        'strict-transport-security': 'max-age=1',
      },
    });
    const answer = await call(port, {});
    expect(answer.text).toBe('<p>é');
    expect(answer.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'x-frame-options': 'DENY',
      'strict-transport-security': 'max-age=1',
    });
    expect(answer.headers['content-security-policy']).toMatch(/^default-src 'none'; style-src/);
    expect(answer.headers).not.toHaveProperty('cross-origin-opener-policy');
    expect(answer.headers).not.toHaveProperty('etag');
  });

  it('redirects as written: 303 after a POST, 302 otherwise, unless told', async () => {
    const location = "cursor://anysphere/cb?a=%2F&b='|\\&iss=https%3A%2F%2Fa.test#";
    const port = await start(aRoute(() => ({ kind: 'redirect', location })));
    const get = await call(port, {});
    expect(get).toMatchObject({ status: 302, text: '', headers: { location } });
    expect(get.headers['cache-control']).toBe('no-store');
    const post = await call(port, { method: 'POST', headers: FORM, body: 'a=1' });
    expect(post).toMatchObject({ status: 303, headers: { location } });
    const told = await start(aRoute(() => ({ kind: 'redirect', location, status: 303 })));
    expect((await call(told, {})).status).toBe(303);
  });

  it.each(['https://a.test/\r\nSet-Cookie: x=y', 'https://a.test/\n', 'https://a.test/ä', ''])(
    'sends no redirect to %j',
    async (location) => {
      const port = await start(aRoute(() => ({ kind: 'redirect', location })));
      const answer = await call(port, {});
      expect(answer.status).toBe(500);
      expect(answer.headers).not.toHaveProperty('location');
      expect(answer.headers).not.toHaveProperty('set-cookie');
      expect(faults).toHaveLength(1);
    },
  );

  it('sends no header that splits the response', async () => {
    const headers = { 'www-authenticate': 'Bearer\r\nx: y' };
    const port = await start(aRoute(() => ({ kind: 'empty', status: 200, headers })));
    const answer = await call(port, {});
    expect(answer.status).toBe(500);
    expect(answer.headers).not.toHaveProperty('www-authenticate');
  });

  it("sets each cookie in a header of its own, beside the host's", async () => {
    const cookie = { maxAgeSeconds: 60, secure: true };
    const cookies = [
      { ...cookie, name: '__Host-a', value: '1' },
      { ...cookie, name: '__Host-b', value: '2' },
    ];
    const route = aRoute(() => ({ kind: 'empty', status: 204, cookies }));
    const port = await start(route, { headers: { 'set-cookie': 'host=1' } });
    for (let i = 0; i < 2; i++) {
      const answer = await call(port, {});
      expect(answer.status).toBe(204);
      expect(answer.headers['set-cookie']).toEqual([
        'host=1',
        '__Host-a=1; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure',
        '__Host-b=2; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure',
      ]);
    }
  });

  const hostCors = {
    'access-control-allow-origin': 'https://evil.test',
    'access-control-allow-credentials': 'true',
    'Access-Control-Expose-Headers': 'x-a',
    'access-control-allow-private-network': 'true',
  };

  it('lets every origin read, without credentials, whatever the host allows', async () => {
    const port = await start(echo, { headers: hostCors });
    for (const method of ['GET', 'PUT', 'OPTIONS']) {
      const { headers } = await call(port, { method, headers: { origin: 'https://b.test' } });
      expect(headers).toMatchObject({
        'access-control-allow-origin': '*',
        'access-control-expose-headers': 'WWW-Authenticate, Retry-After',
      });
      expect(headers).not.toHaveProperty('access-control-allow-credentials');
      expect(headers).not.toHaveProperty('access-control-allow-private-network');
    }
  });

  it('lets no origin read where no one may, whatever the host allows', async () => {
    const port = await start({ ...echo, cors: 'none' }, { headers: hostCors });
    for (const method of ['GET', 'PUT', 'OPTIONS']) {
      const { headers } = await call(port, { method, headers: { origin: 'https://b.test' } });
      expect(Object.keys(headers).filter((n) => n.startsWith('access-control'))).toEqual([]);
    }
  });

  it('answers preflights', async () => {
    const port = await start(echo);
    const answer = await call(port, { method: 'OPTIONS' });
    expect(answer).toMatchObject({ status: 204, text: '' });
    expect(answer.headers['access-control-allow-methods']).toBe('GET, POST, OPTIONS');
  });

  it('answers HEAD without a body and with its length', async () => {
    const port = await start({ ...echo, headSafe: true });
    const answer = await call(port, { method: 'HEAD' });
    expect(answer).toMatchObject({ status: 200, text: '' });
    expect(Number(answer.headers['content-length'])).toBeGreaterThan(20);
    expect(answer.headers['content-type']).toContain('application/json');
  });

  it('answers 404 and 405 as JSON', async () => {
    const port = await start(echo);
    expect((await call(port, { path: '/y' })).status).toBe(404);
    const answer = await call(port, { method: 'PATCH' });
    expect(answer.status).toBe(405);
    expect(answer.headers['allow']).toBe('GET, POST, OPTIONS');
    expect(JSON.parse(answer.text)).toHaveProperty('error', 'invalid_request');
  });

  it('answers a failing endpoint without its words', async () => {
    const failing = aRoute(() => {
      throw new Error('secret');
    });
    const port = await start(failing);
    const answer = await call(port, {});
    expect(answer.status).toBe(500);
    expect(JSON.parse(answer.text)).toHaveProperty('error', 'server_error');
    expect(answer.text).not.toContain('secret');
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect(faults).toMatchObject([{ message: 'secret' }]);
  });

  it.each<[string, (res: HostResponse) => void]>([
    ['answered', (res) => void res.send('host')],
    ['begun to answer', (res) => void (res.raw ?? res).writeHead(200)],
    ['taken the response over', (res) => (res.hijack ? res.hijack() : res.send('host'))],
  ])('writes nothing when the host has %s', async (_what, answer) => {
    let outcome: unknown = 'not called';
    const port = await listen({}, async (req, res) => {
      const host = res as HostResponse;
      answer(host);
      try {
        const request = toEndpointRequest(req);
        writeResponse(res, { kind: 'json', status: 500, body: {} }, 'any', request);
        outcome = host.getHeader('pragma');
      } catch (error) {
        outcome = error;
      }
      const raw = host.raw ?? host;
      if (!raw.writableEnded) raw.end('host');
      await Promise.resolve();
    });
    expect(await call(port, {})).toMatchObject({ status: 200, text: 'host' });
    expect(outcome).toBeUndefined();
  });
});

describe('serveEndpoint on Express without a body parser', () => {
  async function start(host: Host = { parsesBodies: false }): Promise<number> {
    const dispatcher = new EndpointDispatcher([form], () => {});
    return listenOnExpress(host, (req, res) => serveEndpoint(dispatcher, req, res));
  }

  it('reads the form itself', async () => {
    const body = 'a=1+2&b=x&b=y&c=z';
    const answer = await call(await start(), { method: 'POST', headers: FORM, body });
    expect(JSON.parse(answer.text)).toEqual({ a: '1 2', repeated: ['b'] });
  });

  it('refuses a body over 64 kB, announced or not, and ends the connection', async () => {
    const port = await start();
    const body = Buffer.alloc(65_537, 'a');
    const announced = await call(port, { method: 'POST', headers: FORM, body });
    expect(announced).toMatchObject({ status: 413, headers: { connection: 'close' } });
    const chunked = { ...FORM, 'transfer-encoding': 'chunked' };
    const found = await call(port, { method: 'POST', headers: chunked, body });
    expect(found).toMatchObject({ status: 413, headers: { connection: 'close' } });
  });

  it('survives a client that leaves in the middle', async () => {
    const port = await start();
    const socket = connect(port, '127.0.0.1');
    const head = 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nContent-Type: ';
    await new Promise((resolve) =>
      socket.write(`${head}${FORM['content-type']}\r\n\r\na`, resolve),
    );
    socket.destroy();
    const after = await call(port, { method: 'POST', headers: FORM, body: 'a=1' });
    expect(after).toMatchObject({ status: 200, text: '{"a":"1","repeated":[]}' });
  });

  it('does not wait for a body that the host has read and thrown away', async () => {
    const dispatcher = new EndpointDispatcher([form], () => {});
    const port = await listenOnExpress({ parsesBodies: false }, async (req, res) => {
      for await (const chunk of req as AsyncIterable<Buffer>) chunk.toString();
      await serveEndpoint(dispatcher, req, res);
    });
    const answer = await call(port, { method: 'POST', headers: FORM, body: 'a=1' });
    expect(answer).toMatchObject({ status: 200, text: '{"repeated":[]}' });
  });

  it('goes by the original path under a mount point', async () => {
    const port = await start({});
    const answer = await call(port, { method: 'POST', path: '/mounted/x', headers: FORM });
    expect(answer.status).toBe(404);
  });
});

describe('writeResponse', () => {
  it.each([
    ['GET', '{"a":1}'],
    ['HEAD', undefined],
  ])('gives the platform the body for %s', (method, expected) => {
    const sent: unknown[] = [];
    const res = {
      getHeaderNames: () => [],
      getHeader: () => undefined,
      setHeader: () => {},
      removeHeader: () => {},
      end: (body: unknown) => sent.push(body),
    };
    const request = { method, path: '/', rawQuery: '', headers: {}, body: undefined };
    writeResponse(res, { kind: 'json', status: 200, body: { a: 1 } }, 'any', request);
    expect(sent).toEqual([expected]);
  });

  it('refuses what is a response of neither platform', () => {
    const request = { method: 'GET', path: '/', rawQuery: '', headers: {}, body: undefined };
    const response = { kind: 'empty', status: 204 } as const;
    expect(() => writeResponse({}, response, 'any', request)).toThrow(TypeError);
    expect(() => writeResponse(undefined, response, 'any', request)).toThrow(TypeError);
  });
});
