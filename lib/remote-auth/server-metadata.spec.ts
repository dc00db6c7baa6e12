import { describe, expect, it } from '@jest/globals';
import { Gate } from '../../test/support/gate.js';
import { ManualClock } from '../../test/support/manual-clock.js';
import { UpstreamError } from '../common/errors.js';
import { OutboundClient } from '../http/outbound.js';
import { ServerMetadata } from './server-metadata.js';

const issuer = 'https://as.test/tenant';
const places = [
  'https://as.test/.well-known/oauth-authorization-server/tenant',
  'https://as.test/.well-known/openid-configuration/tenant',
  'https://as.test/tenant/.well-known/openid-configuration',
];
const good = {
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  jwks_uri: `${issuer}/jwks`,
  response_types_supported: ['code'],
  op_tos_uri: 'http://as.test/terms',
};

/** An authorization server whose answers can change. */
class Server {
  readonly requests: string[] = [];
  readonly clock = new ManualClock();
  gate: Gate | undefined;
  answer: (url: string) => Response | Promise<Response> = () => Response.json(good);

  metadata(server = issuer, issuers: readonly string[] = [server]): ServerMetadata {
    const outbound = new OutboundClient({
      fetch: async (input) => {
        const { url } = new Request(input);
        this.requests.push(url);
        await this.gate?.pass();
        return this.answer(url);
      },
    });
    return new ServerMetadata(server, { outbound, clock: this.clock, issuers });
  }
}

const failureOf = (document: Promise<unknown>): Promise<unknown> =>
  document.then(
    () => 'a document',
    (error: unknown) => error,
  );

describe('the metadata of a remote server', () => {
  it('is found where clients find it, and taken as it is', async () => {
    const server = new Server();
    expect(await server.metadata().document()).toEqual(good);
    expect(server.requests).toEqual(places.slice(0, 1));
  });

  it.each([1, 2])('may be at place %i of those, when it is not at the others', async (place) => {
    const server = new Server();
    server.answer = (url) =>
      url === places[place] ? Response.json(good) : new Response('no', { status: 404 });
    expect(await server.metadata().document()).toEqual(good);
    expect(server.requests).toEqual(places.slice(0, place + 1));
  });

  it.each<[string, () => Response | Promise<Response>, 'transient' | 'refused']>([
    ['is nowhere', () => new Response('', { status: 404 }), 'refused'],
    ['fails', () => new Response('', { status: 500 }), 'transient'],
    ['is asked for too often', () => new Response('', { status: 429 }), 'transient'],
    ['does not answer', () => Promise.reject(new TypeError('fetch failed')), 'transient'],
    ['sends clients on', () => new Response('', { status: 302 }), 'refused'],
    ['is too long', () => new Response('x'.repeat(2 ** 20 + 1)), 'refused'],
    ['is a page', () => new Response('<html>'), 'refused'],
    ['is a list', () => Response.json([good]), 'refused'],
    ['is null', () => Response.json(null), 'refused'],
    ['has no issuer', () => Response.json({ ...good, issuer: undefined }), 'refused'],
    ['is of another issuer', () => Response.json({ ...good, issuer: `${issuer}2` }), 'refused'],
    ['has an issuer too many', () => Response.json({ ...good, issuer: [issuer] }), 'refused'],
    [
      'leads to a script',
      () => Response.json({ ...good, authorization_endpoint: 'javascript:alert(1)' }),
      'refused',
    ],
    [
      'leads over a wire anyone reads',
      () => Response.json({ ...good, token_endpoint: 'http://as.test/token' }),
      'refused',
    ],
    ['has keys nowhere', () => Response.json({ ...good, jwks_uri: 7 }), 'refused'],
  ])('is not served when it %s', async (_what, answer, kind) => {
    const server = new Server();
    server.answer = answer;
    const failure = await failureOf(server.metadata().document());
    expect(failure).toBeInstanceOf(UpstreamError);
    expect(failure).toMatchObject({ kind });
  });

  it('may lack the slash at the end of the identifier, and nothing else — RFC 8414 §3.3', async () => {
    const outcome = async (server: string, named: string): Promise<unknown> => {
      const its = new Server();
      its.answer = () => Response.json({ issuer: named });
      return failureOf(its.metadata(server).document());
    };
    expect(await outcome('https://as.test/', 'https://as.test')).toBe('a document');
    expect(await outcome('https://as.test/', 'https://as.test/')).toBe('a document');
    expect(await outcome('https://as.test', 'https://as.test/')).toBeInstanceOf(UpstreamError);
  });

  it('is fetched once, however many ask, and again after ten minutes', async () => {
    const server = new Server();
    const metadata = server.metadata();
    await Promise.all([metadata.document(), metadata.document(), metadata.document()]);
    server.clock.advance(599);
    await metadata.document();
    expect(server.requests).toHaveLength(1);
    server.clock.advance(1);
    await metadata.document();
    expect(server.requests).toHaveLength(2);
  });

  it('keeps nobody waiting when it is old and the server hangs, and is given up after a day', async () => {
    const server = new Server();
    const metadata = server.metadata();
    const old = await metadata.document();
    server.clock.advance(600);
    const gate = new Gate(() => (server.gate = undefined));
    server.gate = gate;
    expect(await metadata.document()).toBe(old);
    expect(await metadata.document()).toBe(old);
    expect(server.requests).toHaveLength(2);
    server.answer = () => new Response('', { status: 500 });
    gate.release();
    await new Promise((resolve) => setImmediate(resolve));
    expect(await metadata.document()).toBe(old);
    server.clock.advance(24 * 3600);
    expect(await failureOf(metadata.document())).toMatchObject({ kind: 'transient' });
  });

  it('is not asked for more than every five seconds when it fails', async () => {
    const server = new Server();
    const metadata = server.metadata();
    server.answer = () => new Response('', { status: 500 });
    await failureOf(metadata.document());
    server.answer = () => Response.json(good);
    server.clock.advance(4);
    expect(await failureOf(metadata.document())).toMatchObject({ kind: 'transient' });
    expect(server.requests).toHaveLength(1);
    server.clock.advance(1);
    expect(await metadata.document()).toEqual(good);
  });

  it('ends a request that hangs when the app closes', async () => {
    const server = new Server();
    const metadata = server.metadata();
    server.answer = () => new Promise(() => {});
    const waiting = failureOf(metadata.document());
    metadata.close();
    expect(await waiting).toMatchObject({ kind: 'transient', message: 'the app is closing' });
  });
});
