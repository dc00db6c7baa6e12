import { getEventListeners } from 'node:events';
import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import { inspect } from 'node:util';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { eventually } from '../../test/support/eventually.js';
import { HttpsHost, pour } from '../../test/support/https-host.js';
import { describeError } from '../common/errors.js';
import { OutboundError } from './outbound-error.js';
import { PublicOutboundClient } from './public-outbound.js';

const hosts: HttpsHost[] = [];

afterEach(async () => {
  for (const host of hosts.splice(0)) await host.close();
});

async function serve(listener: RequestListener): Promise<HttpsHost> {
  const host = await HttpsHost.listen(listener);
  hosts.push(host);
  return host;
}

async function failureOf(call: Promise<unknown>): Promise<OutboundError> {
  const error: unknown = await call.then(
    () => new Error('it was answered'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(OutboundError);
  return error as OutboundError;
}

const problemOf = async (call: Promise<unknown>): Promise<string> =>
  (await failureOf(call)).problem;

const conditions = {
  'if-none-match': '"v1"',
  'if-modified-since': 'Sun, 06 Nov 1994 08:49:37 GMT',
};

describe('PublicOutboundClient', () => {
  it('gives the answer with its status, headers and body, and leaves no connection', async () => {
    const host = await serve((req, res) => {
      res.writeHead(201, { etag: '"v1"', 'cache-control': 'max-age=5' });
      res.end(`{"path":"${req.url}","name":"é"}`);
    });
    const answer = await host.client().get(host.url('/c.json?a=b#c'));
    expect(answer.status).toBe(201);
    expect(answer.headers.get('etag')).toBe('"v1"');
    expect(answer.headers.get('cache-control')).toBe('max-age=5');
    expect(JSON.parse(answer.body)).toEqual({ path: '/c.json?a=b', name: 'é' });
    await host.deserted();
  });

  it('gives every header there is, and those that come twice as one', async () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n';
    const lines = 'Vary: a\r\nCache-Control: max-age=5\r\ncache-control: public\r\nETag: "v1"\r\n';
    const host = await serve((req) => void req.socket.end(`${head}${lines}\r\n{}`));
    const answer = await host.client().get(host.url());
    expect([...answer.headers]).toEqual([
      ['cache-control', 'max-age=5, public'],
      ['content-length', '2'],
      ['etag', '"v1"'],
      ['vary', 'a'],
    ]);
  });

  it.each([200, 202, 204, 206, 400, 404, 500, 503])('passes the status %i on', async (status) => {
    const host = await serve((_req, res) => void res.writeHead(status).end());
    expect(await host.client().get(host.url())).toMatchObject({ status, body: '' });
  });

  it('waits for the answer after informational ones', async () => {
    const host = await serve((_req, res) => {
      res.writeProcessing();
      res.writeEarlyHints({ link: '</a.css>; rel=preload' });
      res.end('late');
    });
    expect(await host.client().get(host.url())).toMatchObject({ status: 200, body: 'late' });
  });

  it('sends nothing that tells more than it must — CI-34', async () => {
    const seen: IncomingHttpHeaders[] = [];
    const host = await serve((req, res) => {
      seen.push({ method: req.method, ...req.headers });
      res.end();
    });
    await host.client().get(host.url());
    await host
      .client()
      .get(host.url(), { accept: 'application/jwk-set+json', headers: conditions });
    const always = {
      method: 'GET',
      host: `good.test:${host.port}`,
      'user-agent': 'nestjs-mcp-multi-auth',
      'accept-encoding': 'identity',
      connection: 'close',
    };
    expect(seen).toEqual([
      { ...always, accept: 'application/json' },
      { ...always, accept: 'application/jwk-set+json', ...conditions },
    ]);
  });

  describe('redirects', () => {
    it.each([300, 301, 302, 303, 304, 307, 308, 399])(
      'follows none of status %i — CI-10',
      async (status) => {
        const paths: (string | undefined)[] = [];
        const host = await serve((req, res) => {
          paths.push(req.url);
          res.writeHead(status, { location: '/elsewhere' }).end('x');
        });
        expect(await problemOf(host.client().get(host.url('/start')))).toBe('redirect');
        expect(paths).toEqual(['/start']);
        await host.deserted();
      },
    );

    it('takes a 304 for an answer to conditions, to one or to both', async () => {
      const host = await serve((_req, res) => {
        res.writeHead(304, { location: '/elsewhere', 'content-length': 9000, etag: '"v1"' }).end();
      });
      const answer = await host.client().get(host.url(), { headers: conditions });
      expect(answer).toMatchObject({ status: 304, body: '' });
      expect(answer.headers.get('etag')).toBe('"v1"');
      const one = host.client().get(host.url(), { headers: { 'if-none-match': '"v1"' } });
      expect(await one).toMatchObject({ status: 304 });
      expect(await problemOf(host.client().get(host.url(), { headers: {} }))).toBe('redirect');
    });

    it('takes no other redirect for an answer to conditions', async () => {
      const host = await serve((_req, res) => void res.writeHead(302, { location: '/' }).end());
      expect(await problemOf(host.client().get(host.url(), { headers: conditions }))).toBe(
        'redirect',
      );
    });
  });

  describe('size', () => {
    it('takes 5120 bytes and not one more, by default — CI-11', async () => {
      const host = await serve((req, res) => {
        res.write('x'.repeat(5120));
        res.end(req.url === '/fits' ? '' : 'x');
      });
      expect((await host.client().get(host.url('/fits'))).body).toHaveLength(5120);
      expect(await problemOf(host.client().get(host.url('/over')))).toBe('size');
      await host.deserted();
    });

    it('takes as much as the caller says', async () => {
      const host = await serve((_req, res) => void res.end('é'.repeat(5000)));
      const { body } = await host.client().get(host.url(), { maxBytes: 10_000 });
      expect(body).toHaveLength(5000);
      expect(await problemOf(host.client().get(host.url(), { maxBytes: 9999 }))).toBe('size');
    });

    it('does not wait for a body that is announced too long', async () => {
      const host = await serve((_req, res) => {
        res.writeHead(200, { 'content-length': 10 ** 9 }).flushHeaders();
      });
      expect(await problemOf(host.client().get(host.url()))).toBe('size');
      await host.deserted();
    });

    it('ends a body without end', async () => {
      const host = await serve((_req, res) => pour(res, 'x'.repeat(1000)));
      expect(await problemOf(host.client().get(host.url()))).toBe('size');
      await host.deserted();
    });

    it('ends headers without end', async () => {
      const host = await serve((req) => {
        req.socket.write('HTTP/1.1 200 OK\r\n');
        req.socket.write(`X-A: ${'x'.repeat(100_000)}`);
      });
      expect(await problemOf(host.client().get(host.url()))).toBe('network');
      await host.deserted();
    });
  });

  describe('encoding', () => {
    it.each([
      ['gzip', gzipSync('{}')],
      ['GZIP', gzipSync('x'.repeat(10_000_000))],
      ['br', brotliCompressSync('{}')],
      ['deflate', Buffer.from('{}')],
      ['identity, gzip', gzipSync('{}')],
      ['gibberish', Buffer.from('{}')],
    ])('refuses a body in %s, which it did not ask for — CI-11', async (encoding, body) => {
      const host = await serve((_req, res) => {
        res.writeHead(200, { 'content-encoding': encoding }).end(body);
      });
      const call = host.client().get(host.url(), { maxBytes: 1_000_000 });
      expect(await problemOf(call)).toBe('encoding');
      await host.deserted();
    });

    it.each(['identity', 'Identity'])('takes a body in %s', async (encoding) => {
      const host = await serve((_req, res) => {
        res.writeHead(200, { 'content-encoding': encoding }).end('{}');
      });
      expect((await host.client().get(host.url())).body).toBe('{}');
    });

    it('refuses what is not UTF-8', async () => {
      const host = await serve((_req, res) => void res.end(Buffer.of(0x22, 0xff, 0x22)));
      expect(await problemOf(host.client().get(host.url()))).toBe('encoding');
    });

    it('keeps a byte order mark, which is not JSON', async () => {
      const host = await serve((_req, res) => void res.end('\ufeff{}'));
      expect((await host.client().get(host.url())).body).toBe('\ufeff{}');
    });
  });

  describe('time', () => {
    it.each<[string, RequestListener]>([
      ['headers', () => {}],
      [
        'the rest of the headers',
        (req, res) => {
          req.socket.write('HTTP/1.1 200 OK\r\n');
          const drip = setInterval(() => req.socket.write('X-A: b\r\n'), 5);
          res.once('close', () => clearInterval(drip));
        },
      ],
      [
        'the rest of the body',
        (_req, res) => {
          const drip = setInterval(() => res.write('x'), 5);
          res.once('close', () => clearInterval(drip));
        },
      ],
      [
        'an answer after informational ones',
        (_req, res) => {
          const drip = setInterval(() => res.writeProcessing(), 5);
          res.once('close', () => clearInterval(drip));
        },
      ],
    ])('gives up on a host that keeps it waiting for %s — CI-12', async (_what, listener) => {
      const host = await serve(listener);
      const call = host.client({ timeoutSeconds: 0.2 }).get(host.url());
      expect(await problemOf(call)).toBe('timeout');
      await host.deserted();
    });

    it('hands the abort of the caller back, before and during the call', async () => {
      const host = await serve(() => {});
      const reason = new Error('no longer needed');
      const early = host.client().get(host.url(), { signal: AbortSignal.abort(reason) });
      await expect(early).rejects.toBe(reason);
      expect(host.lookups).toEqual([]);
      const caller = new AbortController();
      const call = host.client().get(host.url(), { signal: caller.signal });
      call.catch(() => {});
      await eventually(() => host.connections === 1, 'the connection is there');
      caller.abort(reason);
      await expect(call).rejects.toBe(reason);
      await host.deserted();
    });
  });

  describe('what is not HTTP', () => {
    it.each([
      ['SSH-2.0-secret\r\n', 'HPE_INVALID_CONSTANT'],
      ['HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 22\r\n\r\nsecret', 'HPE_'],
      ['HTTP/1.1 101 secret\r\nUpgrade: secret\r\nConnection: upgrade\r\n\r\nsecret', ''],
      ['HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsecret', 'ECONNRESET'],
    ])('gives nothing of %j away — CI-26', async (text, code) => {
      const host = await serve((req) => void req.socket.end(text));
      const error = await failureOf(host.client().get(host.url()));
      expect(error.problem).toBe('network');
      expect(describeError(error)).toContain(`https://good.test:${host.port} could not be reached`);
      expect(describeError(error)).toContain(code);
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('secret');
      await host.deserted();
    });
  });
});

describe('PublicOutboundClient with a fetch of its own', () => {
  const answering = (response: () => Response, calls: unknown[] = []): PublicOutboundClient =>
    new PublicOutboundClient(
      {
        fetch: (url, init) => {
          calls.push([url, { ...init, signal: undefined }]);
          return Promise.resolve(response());
        },
      },
      { lookup: () => Promise.reject(new Error('no name is looked up')) },
    );

  it('leaves name and connection to it', async () => {
    const calls: unknown[] = [];
    const client = answering(() => Response.json({ a: 1 }), calls);
    const answer = await client.get('https://Good.test', { headers: { 'if-none-match': '"v"' } });
    expect(answer).toMatchObject({ status: 200, body: '{"a":1}' });
    expect(calls).toEqual([
      [
        'https://good.test/',
        {
          headers: {
            accept: 'application/json',
            'accept-encoding': 'identity',
            'user-agent': 'nestjs-mcp-multi-auth',
            'if-none-match': '"v"',
          },
          redirect: 'manual',
          credentials: 'omit',
          referrer: '',
        },
      ],
    ]);
  });

  it.each([
    'http://good.test/',
    'https://good.test:8443/',
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://localhost/',
    'https://user:pass@good.test/',
  ])('does not let it call %s', async (url) => {
    const calls: unknown[] = [];
    expect(await problemOf(answering(() => new Response(), calls).get(url))).toBe('address');
    expect(calls).toEqual([]);
  });

  const redirected = (): Response =>
    Object.defineProperty(new Response('{}'), 'redirected', { value: true });

  it.each<[string, string, () => Response]>([
    ['a redirect', 'redirect', () => Response.redirect('https://good.test/', 302)],
    ['an answer of elsewhere', 'redirect', redirected],
    ['a hidden redirect', 'redirect', () => Response.error()],
    ['a long body', 'size', () => new Response('x'.repeat(5121))],
    [
      'a long body to come',
      'size',
      () => new Response('', { headers: { 'content-length': '5121' } }),
    ],
    [
      'an encoding',
      'encoding',
      () => new Response('{}', { headers: { 'content-encoding': 'br' } }),
    ],
    ['other bytes than UTF-8', 'encoding', () => new Response(Buffer.of(0xff))],
  ])('takes %s no better from it', async (_what, problem, response) => {
    expect(await problemOf(answering(response).get('https://good.test/'))).toBe(problem);
  });

  it.each<[string, () => Promise<Response>]>([
    ['never answers', () => new Promise(() => {})],
    ['never ends', () => Promise.resolve(new Response(new ReadableStream()))],
  ])('gives up on one that %s', async (_what, fetch) => {
    const client = new PublicOutboundClient({ fetch, timeoutSeconds: 0.05 });
    expect(await problemOf(client.get('https://good.test/'))).toBe('timeout');
  });

  it('leaves neither timer nor listener behind', async () => {
    const { signal } = new AbortController();
    jest.useFakeTimers();
    try {
      await answering(() => Response.json({})).get('https://good.test/', { signal });
      await failureOf(answering(() => Response.error()).get('https://good.test/', { signal }));
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('gives up after five seconds by default — CI-12', async () => {
    jest.useFakeTimers();
    try {
      const client = new PublicOutboundClient({ fetch: () => new Promise(() => {}) });
      const failure = failureOf(client.get('https://good.test/'));
      expect(jest.getTimerCount()).toBe(1);
      await jest.advanceTimersByTimeAsync(4999);
      expect(jest.getTimerCount()).toBe(1);
      await jest.advanceTimersByTimeAsync(1);
      expect((await failure).message).toBe('https://good.test took longer than 5 s.');
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  it('tells of its errors the code alone', async () => {
    const cause = Object.assign(new Error('secret'), { code: 'ECONNREFUSED' });
    const fetch = (): Promise<Response> => Promise.reject(new TypeError('secret', { cause }));
    const error = await failureOf(new PublicOutboundClient({ fetch }).get('https://good.test/'));
    expect(describeError(error)).toBe('https://good.test could not be reached. (ECONNREFUSED)');
    expect(inspect(error)).not.toContain('secret');
    const odd = new PublicOutboundClient({ fetch: () => Promise.reject(null) });
    expect(await problemOf(odd.get('https://good.test/'))).toBe('network');
  });
});
