import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import {
  type AddressInfo,
  createServer,
  getDefaultAutoSelectFamily,
  type Server,
  setDefaultAutoSelectFamily,
  type Socket,
} from 'node:net';
import type { TLSSocket } from 'node:tls';
import { SHARE_ENV, Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../test/support/eventually.js';
import { HttpsHost } from '../../test/support/https-host.js';
import { describeError } from '../common/errors.js';
import { OutboundError } from './outbound-error.js';
import { isPublicAddress } from './public-address.js';
import { PublicOutboundClient } from './public-outbound.js';

const VARIABLE = 'NODE_TLS_REJECT_UNAUTHORIZED';

const closing: { close(): unknown }[] = [];

afterEach(async () => {
  for (const server of closing.splice(0)) await server.close();
});

async function serve(): Promise<HttpsHost> {
  const host = await HttpsHost.listen((req, res) => {
    res.end(`${req.headers.host} ${String((req.socket as TLSSocket).servername)}`);
  });
  closing.push(host);
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

/** Sets a variable for Node itself: a test's own `process.env` is a copy. */
async function setOfProcess(name: string, value: string | undefined): Promise<void> {
  const code = `const { workerData: [name, value] } = require('node:worker_threads');
    if (value === undefined) delete process.env[name]; else process.env[name] = value;`;
  const workerData = [name, value];
  await once(new Worker(code, { eval: true, env: SHARE_ENV, workerData }), 'exit');
}

describe('pinnedTransport', () => {
  it('connects to the address that was vetted, under the name that was asked for', async () => {
    const host = await serve();
    const { body } = await host.client().get(host.url());
    expect(body).toBe(`good.test:${host.port} good.test`);
    expect(host.lookups).toEqual(['good.test']);
  });

  it('looks a name up once for each call, and forgets it — rebinding', async () => {
    const host = await serve();
    const client = host.client(
      {},
      {
        lookup: async (name, signal) => {
          const found = await host.lookup(name, signal);
          host.addresses = ['127.0.0.7'];
          return found;
        },
      },
    );
    expect((await client.get(host.url())).status).toBe(200);
    expect(host.lookups).toHaveLength(1);
    expect(await failureOf(client.get(host.url()))).toMatchObject({ problem: 'address' });
    expect(host.lookups).toHaveLength(2);
    expect(host.connections).toBe(1);
  });

  it.each([
    ['a private one only', ['10.0.0.1']],
    ['a private one behind a public one', ['127.0.0.1', '10.0.0.1']],
    ['a private one before a public one', ['::1', '127.0.0.1']],
    ['none', []],
    ['what is no address', ['127.0.0.1', 'localhost']],
  ])('connects to nothing when the name leads to %s — CI-08', async (_what, addresses) => {
    const host = await serve();
    host.addresses = addresses;
    const error = await failureOf(host.client().get(host.url()));
    expect(error.problem).toBe('address');
    expect(error.message).toBe(
      `${new URL(host.url()).origin} leads not to public addresses alone.`,
    );
    expect(host.lookups).toEqual(['good.test']);
    expect(host.connections).toBe(0);
  });

  it('vets for real when it is not told otherwise', async () => {
    const host = await serve();
    const client = host.client({}, { isPublicAddress });
    expect(await failureOf(client.get(host.url()))).toMatchObject({ problem: 'address' });
    host.addresses = ['8.8.8.8', '127.0.0.1'];
    expect(await failureOf(client.get(host.url()))).toMatchObject({ problem: 'address' });
    host.addresses = ['8.8.8.8', '2606:4700::1111'];
    // The tests reach no network: that it was tried is what counts.
    expect(await failureOf(client.get(host.url()))).toMatchObject({ problem: 'network' });
    expect(host.connections).toBe(0);
  });

  it('calls an address without a lookup, and its certificate must be for it', async () => {
    const host = await serve();
    const { body } = await host.client().get(host.url('/', '127.0.0.1'));
    expect(body).toBe(`127.0.0.1:${host.port} false`);
    const other = host.client({}, { isPublicAddress: () => true });
    const error = await failureOf(other.get(host.url('/', '127.0.0.2')));
    expect(describeError(error)).toContain('ECONNREFUSED');
    expect(host.lookups).toEqual([]);
  });

  it('tries the addresses in turn', async () => {
    const host = await serve();
    host.addresses = ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.1'];
    const client = host.client({}, { isPublicAddress: () => true });
    expect((await client.get(host.url())).status).toBe(200);
    expect(host.connections).toBe(1);
  });

  it('does so where the process is told otherwise', async () => {
    const host = await serve();
    host.addresses = ['127.0.0.2', '127.0.0.1'];
    const client = host.client({}, { isPublicAddress: () => true });
    const before = getDefaultAutoSelectFamily();
    setDefaultAutoSelectFamily(false);
    try {
      expect((await client.get(host.url())).status).toBe(200);
    } finally {
      setDefaultAutoSelectFamily(before);
    }
  });

  it('tries four of them and no more', async () => {
    const host = await serve();
    host.addresses = ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5', '127.0.0.1'];
    const client = host.client({}, { isPublicAddress: () => true });
    const error = await failureOf(client.get(host.url()));
    expect(error.problem).toBe('network');
    expect(describeError(error)).toContain('ECONNREFUSED');
    expect(host.connections).toBe(0);
  });

  it.each([
    ['::1', ['::1', '::1', '::1', '::1', '127.0.0.1']],
    ['an IPv4 address', ['127.0.0.2', '::1', '127.0.0.3', '127.0.0.1']],
  ])('lets no family take all the attempts, beginning with %s', async (_first, addresses) => {
    const host = await serve();
    host.addresses = addresses;
    const client = host.client({}, { isPublicAddress: () => true });
    expect((await client.get(host.url())).status).toBe(200);
  });

  it.each([
    ['of another name', 'evil.test', undefined, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['of nobody we know', 'good.test', '', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ])('refuses a certificate %s', async (_what, name, ca, code) => {
    const host = await serve();
    const client = host.client({}, ca === undefined ? {} : { ca: undefined });
    const error = await failureOf(client.get(host.url('/', name)));
    expect(error.problem).toBe('network');
    expect(describeError(error)).toBe(
      `https://${name}:${host.port} could not be reached. (${code})`,
    );
    await host.deserted();
  });

  it('heeds no variable that turns the check of certificates off', async () => {
    const host = await serve();
    await setOfProcess(VARIABLE, '0');
    try {
      const careless = request(host.url('/', '127.0.0.1'), { agent: false }).end();
      const [answer] = (await once(careless, 'response')) as [IncomingMessage];
      expect(answer.resume().statusCode).toBe(200);
      const call = host.client({}, { ca: undefined }).get(host.url());
      expect(describeError(await failureOf(call))).toContain('DEPTH_ZERO_SELF_SIGNED_CERT');
    } finally {
      await setOfProcess(VARIABLE, process.env[VARIABLE]);
    }
  });

  it('shares no connection between calls', async () => {
    const host = await serve();
    const client = host.client();
    await Promise.all([client.get(host.url()), client.get(host.url())]);
    await client.get(host.url());
    expect(host.connections).toBe(3);
    await host.deserted();
  });

  it('gives up on a lookup that does not end, and tells it so — CI-12', async () => {
    const host = await serve();
    let heard: AbortSignal | undefined;
    const client = host.client(
      { timeoutSeconds: 0.05 },
      {
        lookup: (_name, signal) => {
          heard = signal;
          return new Promise(() => {});
        },
      },
    );
    expect(await failureOf(client.get(host.url()))).toMatchObject({ problem: 'timeout' });
    expect(heard?.aborted).toBe(true);
  });

  it('makes no connection for a lookup that ends too late', async () => {
    const host = await serve();
    let answer: ((addresses: readonly string[]) => void) | undefined;
    const vetted: string[] = [];
    const client = host.client(
      { timeoutSeconds: 0.05 },
      {
        lookup: () => new Promise((resolve) => (answer = resolve)),
        isPublicAddress: (address) => vetted.push(address) > 0,
      },
    );
    expect(await failureOf(client.get(host.url()))).toMatchObject({ problem: 'timeout' });
    answer?.(['127.0.0.1']);
    await eventually(() => vetted.length > 0, 'the late answer is looked at');
    // What comes after it has been accepted after it.
    await host.client().get(host.url());
    expect(host.connections).toBe(1);
  });

  it('gives up on a host that does not speak TLS, and lets go of it — CI-12', async () => {
    const open = new Set<Socket>();
    const mute: Server = createServer((socket) => {
      open.add(
        socket
          .on('close', () => open.delete(socket))
          .on('error', () => {})
          .resume(),
      );
    });
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    closing.push(mute);
    const { port } = mute.address() as AddressInfo;
    const client = new PublicOutboundClient(
      { allowedPorts: [port], timeoutSeconds: 0.2 },
      { lookup: () => Promise.resolve(['127.0.0.1']), isPublicAddress: () => true },
    );
    expect(await failureOf(client.get(`https://good.test:${port}/`))).toMatchObject({
      problem: 'timeout',
    });
    await eventually(() => open.size === 0, 'the connection is closed');
  });

  it('reports a name that nobody knows and a port that nobody listens at', async () => {
    const host = await serve();
    const unknown = Object.assign(new Error('secret'), { code: 'ENOTFOUND' });
    const lost = host.client({}, { lookup: () => Promise.reject(unknown) });
    const nameless = await failureOf(lost.get(host.url()));
    expect(describeError(nameless)).toBe(
      `https://good.test:${host.port} could not be reached. (ENOTFOUND)`,
    );
    await host.close();
    closing.pop();
    const closed = await failureOf(host.client().get(host.url()));
    expect(describeError(closed)).toContain('(ECONNREFUSED)');
  });
});
