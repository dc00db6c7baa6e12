import { Resolver as CallbackResolver } from 'node:dns';
import { lookup, Resolver } from 'node:dns/promises';
import { createServer, get } from 'node:http';
import { request } from 'node:https';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isLoopback } from './loopback-only.js';

describe('The loopback-only network', () => {
  const server = createServer((_req, res) => res.end('here'));
  let port = 0;

  beforeAll(async () => {
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    ({ port } = server.address() as AddressInfo);
  });
  afterAll(() => {
    server.close();
  });

  const refused = { code: 'ERR_TESTS_LOOPBACK_ONLY' };

  function failureOf(emitter: { once(event: 'error', listener: (e: Error) => void): unknown }) {
    return new Promise<Error>((resolve) => {
      emitter.once('error', resolve);
    });
  }

  it('lets loopback through', async () => {
    for (const host of ['127.0.0.1', 'localhost']) {
      const response = await fetch(`http://${host}:${port}/`);
      expect(await response.text()).toBe('here');
    }
  });

  it('refuses other hosts to fetch, http, https and sockets', async () => {
    await expect(fetch('http://192.0.2.1/')).rejects.toMatchObject({ cause: refused });
    await expect(fetch('https://example.com/')).rejects.toMatchObject({ cause: refused });
    await expect(failureOf(get('http://example.com/'))).resolves.toMatchObject(refused);
    await expect(failureOf(request('https://192.0.2.1/').end())).resolves.toMatchObject(refused);
    await expect(failureOf(connect(80, '192.0.2.1'))).resolves.toMatchObject(refused);
  });

  it('refuses to look up other names', async () => {
    await expect(lookup('example.com')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    await expect(lookup('localhost')).resolves.toHaveProperty('address');
  });

  it('refuses to ask name servers, but for those of a test', async () => {
    const unknown = { code: 'ENOTFOUND', message: expect.stringContaining('only loopback') };
    const resolver = new Resolver({ timeout: 50, tries: 1 });
    await expect(resolver.resolve4('example.com')).rejects.toMatchObject(unknown);
    const failure = await new Promise((resolve) => {
      new CallbackResolver().resolve6('example.com', resolve);
    });
    expect(failure).toMatchObject(unknown);
    resolver.setServers(['127.0.0.1:1']);
    await expect(resolver.resolve4('example.com')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    resolver.setServers(['192.0.2.1']);
    await expect(resolver.resolve6('example.com')).rejects.toMatchObject(unknown);
  });

  it('lets a custom lookup lead to loopback and nowhere else', async () => {
    const leadingTo = (address: string) =>
      get(`http://client.example:${port}/`, {
        agent: false,
        lookup: (_host, options, callback) => {
          if (options.all) callback(null, [{ address, family: 4 }]);
          else callback(null, address, 4);
        },
      });
    await expect(failureOf(leadingTo('192.0.2.1'))).resolves.toMatchObject(refused);
    const status = await new Promise((resolve) => {
      leadingTo('127.0.0.1').once('response', (response) => {
        response.resume();
        resolve(response.statusCode);
      });
    });
    expect(status).toBe(200);
  });

  it.each([
    ['127.9.9.9', true],
    ['[::1]', true],
    ['mcp.localhost', true],
    ['::ffff:127.0.0.1', true],
    ['127.0.0.1.example', false],
    ['10.0.0.1', false],
    ['169.254.169.254', false],
  ])('knows whether %s is loopback: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });
});
