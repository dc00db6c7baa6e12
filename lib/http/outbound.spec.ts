import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  createRemoteJWKSet,
  customFetch as joseFetch,
  exportJWK,
  generateKeyPair,
  SignJWT,
} from 'jose';
import { jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import { OutboundError } from './outbound-error.js';
import { OutboundClient } from './outbound.js';

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function problemOf(call: Promise<unknown>): Promise<string> {
  const error: unknown = await call.then(
    () => new Error('it was answered'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(OutboundError);
  expect(error).toMatchObject({ code: 'ERR_MULTI_AUTH_OUTBOUND' });
  return (error as OutboundError).problem;
}

const closed = (res: ServerResponse): Promise<void> =>
  new Promise((resolve) => res.once('close', () => resolve()));

describe('OutboundClient.fetch', () => {
  it('gives the answer with its status, headers and body', async () => {
    const url = await serve((_req, res) => {
      res.writeHead(201, { 'content-type': 'application/json', 'x-a': 'b' }).end('{"a":1}');
    });
    const response = await new OutboundClient().fetch(`${url}/x`);
    expect(response.status).toBe(201);
    expect(response.headers.get('x-a')).toBe('b');
    expect(response.headers.get('content-length')).toBeNull();
    expect(await response.json()).toEqual({ a: 1 });
  });

  it.each([200, 204, 205, 404, 500])('passes the status %i on', async (status) => {
    const url = await serve((_req, res) => void res.writeHead(status).end());
    const response = await new OutboundClient().fetch(url);
    expect(response.status).toBe(status);
    expect(await response.text()).toBe('');
  });

  it('sends what it is told, and neither cookies nor referrer', async () => {
    let seen: IncomingMessage | undefined;
    let body = '';
    const url = await serve((req, res) => {
      seen = req;
      req.on('data', (chunk: Buffer) => (body += chunk.toString())).on('end', () => res.end('{}'));
    });
    await new OutboundClient().fetch(new URL(`${url}/p?q=1`), {
      method: 'POST',
      headers: { authorization: 'Basic x', cookie: 'a=b', Referer: 'https://a.test/' },
      body: new URLSearchParams({ a: '1' }),
      referrer: 'https://a.test/',
      referrerPolicy: 'unsafe-url',
    });
    expect(seen).toMatchObject({ method: 'POST', url: '/p?q=1' });
    expect(seen?.headers).toMatchObject({ authorization: 'Basic x' });
    expect(seen?.headers).not.toHaveProperty('cookie');
    expect(seen?.headers).not.toHaveProperty('referer');
    expect(body).toBe('a=1');
  });

  it.each([
    'http://example.com/',
    'http://localhost.evil.com/',
    'http://127.0.0.1.nip.io/',
    'http://10.0.0.1/',
    'ftp://localhost/',
    'file:///etc/hosts',
    'data:application/json,{}',
    'javascript:1',
    'https://user@example.com/',
    'https://user:pass@example.com/',
    'http://:pass@localhost/',
    '/relative',
    '',
  ])('does not call %s', async (url) => {
    let calls = 0;
    const client = new OutboundClient({ fetch: () => Promise.resolve(new Response(`${calls++}`)) });
    expect(await problemOf(client.fetch(url))).toBe('address');
    expect(calls).toBe(0);
  });

  it.each([
    'https://example.com/a?b=c',
    'http://localhost:1/',
    'http://app.localhost/',
    'http://[::1]/',
    'http://127.9.9.9/',
  ])('calls %s', async (url) => {
    const client = new OutboundClient({
      fetch: (input, init) => Promise.resolve(Response.json([input, init?.redirect])),
    });
    expect(await (await client.fetch(url)).json()).toEqual([url, 'manual']);
  });

  it.each([301, 302, 303, 304, 307, 308])('follows no redirect of status %i', async (status) => {
    const paths: (string | undefined)[] = [];
    const url = await serve((req, res) => {
      paths.push(req.url);
      res.writeHead(status, { location: '/elsewhere' }).end();
    });
    const call = new OutboundClient().fetch(`${url}/start`, { redirect: 'follow' });
    expect(await problemOf(call)).toBe('redirect');
    expect(paths).toEqual(['/start']);
  });

  it('leaves no connection open for the body of a redirect', async () => {
    let gone: Promise<void> | undefined;
    const url = await serve((_req, res) => {
      gone = closed(res);
      res.writeHead(302, { location: '/' }).write('x');
    });
    expect(await problemOf(new OutboundClient().fetch(url))).toBe('redirect');
    await gone;
  });

  it('gives up on a server that does not answer', async () => {
    let gone: Promise<void> | undefined;
    const url = await serve((_req, res) => {
      gone = closed(res);
    });
    expect(await problemOf(new OutboundClient({ timeoutSeconds: 0.2 }).fetch(url))).toBe('timeout');
    await gone;
  });

  it('gives up on a body that drips', async () => {
    let gone: Promise<void> | undefined;
    const url = await serve((_req, res) => {
      const drip = setInterval(() => res.write('x'), 10);
      gone = closed(res).then(() => clearInterval(drip));
    });
    expect(await problemOf(new OutboundClient({ timeoutSeconds: 0.3 }).fetch(url))).toBe('timeout');
    await gone;
  });

  it('gives up on a sender that is deaf to signals', async () => {
    const client = new OutboundClient({ timeoutSeconds: 0.05, fetch: () => new Promise(() => {}) });
    expect(await problemOf(client.fetch('https://example.com/'))).toBe('timeout');
  });

  it('takes a body of the longest size and ends a longer one', async () => {
    let gone: Promise<void> | undefined;
    const url = await serve((req, res) => {
      if (req.url === '/fits') return void res.end('x'.repeat(1000));
      gone = closed(res);
      const pour = (): void => {
        while (!res.destroyed && res.write('x'.repeat(1000)));
      };
      res.on('drain', pour);
      pour();
    });
    const client = new OutboundClient({ maxBytes: 1000 });
    expect(await (await client.fetch(`${url}/fits`)).text()).toHaveLength(1000);
    expect(await problemOf(client.fetch(`${url}/endless`))).toBe('size');
    await gone;
  });

  it('counts a compressed body as it unfolds', async () => {
    const url = await serve((req, res) => {
      const body = gzipSync(Buffer.alloc(req.url === '/bomb' ? 50_000_000 : 1000, 'x'));
      res.writeHead(200, { 'content-encoding': 'gzip' }).end(body);
    });
    const client = new OutboundClient({ maxBytes: 100_000 });
    const response = await client.fetch(`${url}/small`);
    expect(response.headers.get('content-encoding')).toBeNull();
    expect(await response.text()).toHaveLength(1000);
    expect(await problemOf(client.fetch(`${url}/bomb`))).toBe('size');
  });

  it('hands the abort of the caller back, before and during the call', async () => {
    const url = await serve(() => {});
    const reason = new Error('no longer needed');
    const client = new OutboundClient();
    await expect(client.fetch(url, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const caller = new AbortController();
    const call = client.fetch(url, { signal: caller.signal });
    caller.abort(reason);
    await expect(call).rejects.toBe(reason);
  });

  it('reports a server that is not there, and a body that breaks off', async () => {
    const url = await serve((_req, res) => {
      res.writeHead(200, { 'content-length': '100' }).write('x');
      setImmediate(() => res.destroy());
    });
    expect(await problemOf(new OutboundClient().fetch(url))).toBe('network');
    const [server] = servers.splice(0);
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
    expect(await problemOf(new OutboundClient().fetch(url))).toBe('network');
  });

  it('keeps path, query and credentials out of its messages', async () => {
    const fetch = (): Promise<Response> => Promise.reject(new TypeError('fetch failed'));
    const call = new OutboundClient({ fetch }).fetch('https://example.com/a?token=secret');
    await expect(call).rejects.toThrow('https://example.com could not be reached.');
    const refused = new OutboundClient().fetch('https://me:secret@example.com/');
    await expect(refused).rejects.toThrow('The URL of https://example.com holds credentials.');
  });

  it('serves jose as its fetch', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'k' }] };
    const url = await serve((_req, res) => void res.end(JSON.stringify(jwks)));
    const keys = createRemoteJWKSet(new URL(url), { [joseFetch]: new OutboundClient().fetch });
    const jwt = await new SignJWT({ a: 1 })
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .sign(privateKey);
    expect((await jwtVerify(jwt, keys)).payload).toEqual({ a: 1 });
  });

  it('serves oauth4webapi as its fetch', async () => {
    const url = await serve((req, res) => {
      const body = { issuer: `http://${req.headers.host}`, token_endpoint: 'https://a.test/t' };
      res.setHeader('content-type', 'application/json').end(JSON.stringify(body));
    });
    const response = await oauth.discoveryRequest(new URL(url), {
      [oauth.customFetch]: new OutboundClient().fetch,
      [oauth.allowInsecureRequests]: true,
    });
    const server = await oauth.processDiscoveryResponse(new URL(url), response);
    expect(server.token_endpoint).toBe('https://a.test/t');
  });
});
