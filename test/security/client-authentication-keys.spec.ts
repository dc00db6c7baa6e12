// Security matrix CI-27, CA-17: where the keys come from with which clients prove who they are.
import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MultiAuthEvents } from '../../lib/index.js';
import type { PublicResponse } from '../../lib/http/public-outbound.js';
import { ClientKeySources } from '../../lib/oauth-proxy/clients/client-key-sources.js';
import type { Client } from '../../lib/oauth-proxy/clients/client.js';
import { platforms } from '../support/app.js';
import { type Changes, ClientSigner } from '../support/client-signer.js';
import { DocumentHost, jsonResponse } from '../support/document-host.js';
import { eventually } from '../support/eventually.js';
import { FakeIssuer } from '../support/fake-issuer.js';
import { HttpsHost } from '../support/https-host.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectInvariants, expectStoreUntouched, expectTokenError } from '../support/outcomes.js';
import {
  type Answer,
  clientRedirect,
  type HeldCode,
  jsonOf,
  type ProxyFlow,
  startFlow,
  type TestClient,
  tokensOf,
} from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const documentUrl = 'https://app.example.com/client.json';
const jwksUri = 'https://keys.example.com/jwks.json';
const byDocument: TestClient = { id: documentUrl, redirectUri: clientRedirect };
const byOperator: TestClient = { id: 'operators-client', redirectUri: clientRedirect };
let idp: UpstreamIdp;
let published: FakeIssuer;
let signer: ClientSigner;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
  published = await new FakeIssuer({ algorithm: 'ES256' }).start();
  signer = await ClientSigner.create('ES256', 'document-key');
});

afterAll(async () => {
  await published.stop();
  await idp.stop();
});

describe.each(platforms)('the keys of clients on %s', (platform) => {
  const clock = new ManualClock();
  const web = new DocumentHost();
  const events: string[] = [];
  let flow: ProxyFlow;

  beforeAll(async () => {
    signer.now = () => clock.now();
    flow = await startFlow({
      idp,
      platform,
      clock,
      proxy: {
        rateLimits: false,
        clientIdMetadataDocuments: web.options(),
        clients: [
          {
            clientId: byOperator.id,
            redirectUris: [byOperator.redirectUri],
            jwksUri: published.jwksUri,
          },
        ],
      },
    });
    const bus = flow.app.app.get(MultiAuthEvents, { strict: false });
    for (const name of ['client_assertion.refused', 'outbound.blocked'] as const) {
      bus.on(name, (event) => events.push(`${name} ${JSON.stringify(event)}`));
    }
  });

  afterAll(() => flow.close());

  beforeEach(() => {
    web.requests.length = events.length = 0;
    published.reset();
    publishDocument({ jwks_uri: jwksUri });
    publishKeys(signer.jwks);
  });

  // Nothing that was fetched outlives the test that fetched it.
  afterEach(() => clock.advance(86_400));

  const publishKeys = (jwks: unknown): void => web.answer(jwksUri, () => jsonResponse(jwks));
  const publishDocument = (keys: Changes): void => {
    const grant_types = ['authorization_code', 'refresh_token'];
    const token_endpoint_auth_method = 'private_key_jwt';
    web.publish(documentUrl, { grant_types, token_endpoint_auth_method, ...keys });
  };
  const asked = (): string[] => web.requests.map(({ url }) => url);
  const redeem = (held: HeldCode, one = signer, header: Changes = {}): Promise<Answer> => {
    const proof = one.proof(held.client.id, `${flow.issuer}/token`, {}, header);
    return flow.token(flow.tokenRequest(held).with(proof));
  };
  const operatorsSigner = (): ClientSigner => {
    const [newest] = published.keys.slice(-1);
    if (!newest) throw new Error('There is no key');
    const one = new ClientSigner(newest);
    one.now = () => clock.now();
    return one;
  };
  const refused = (answer: Answer): void => expectTokenError(answer, flow, 'invalid_client', 401);
  /** No verdict, and constant text. */
  const unavailable = (answer: Answer): void => {
    expectInvariants(answer, { issuer: flow.issuer, serverFault: 503 });
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('5');
    expect(jsonOf(answer)).toEqual({
      error: 'temporarily_unavailable',
      error_description: 'The service cannot answer right now.',
    });
  };

  it.each([
    ['in the document itself', () => publishDocument({ jwks: signer.jwks })],
    ['behind its jwks_uri', () => undefined],
  ])('lets a client of a document in with keys %s — CI-32', async (_name, publish) => {
    publish();
    const held = await flow.codeFor(byDocument);
    await expectStoreUntouched(flow, async () => {
      refused(await flow.token(flow.tokenRequest(held)));
      refused(await flow.token(flow.tokenRequest(held).with({ client_secret: 'x' })));
      refused(await redeem(held, operatorsSigner()));
    });
    const { access_token, refresh_token } = tokensOf(await redeem(held));
    expect(await flow.isAccepted(access_token)).toBe(true);
    const proof = () => signer.proof(documentUrl, `${flow.issuer}/token`);
    const form = flow.refreshRequest(refresh_token, byDocument);
    const next = tokensOf(await flow.token(form.with(proof())));
    const revocation = { token: next.access_token, ...proof() };
    expect((await flow.send('/revoke', { form: revocation })).status).toBe(200);
    expect(await flow.isAccepted(next.access_token)).toBe(false);
  });

  it('refuses a client whose document cannot be had — CA-01', async () => {
    const held = await flow.codeFor(byDocument);
    const elsewhere = 'https://app.example.com/elsewhere.json';
    await expectStoreUntouched(flow, async () => {
      for (const client_id of [elsewhere, 'https://10.0.0.1/client.json', `${documentUrl}#x`]) {
        const form = flow.tokenRequest(held).with({ client_id });
        refused(await flow.token(form));
        refused(await flow.token(form.with(signer.proof(client_id, `${flow.issuer}/token`))));
      }
    });
    tokensOf(await redeem(held));
  });

  it.each(['jwks', 'jwks_uri'])('lets a client in that registered with %s', async (member) => {
    const keys = member === 'jwks' ? { jwks: signer.jwks } : { jwks_uri: jwksUri };
    const client = await flow.register({ token_endpoint_auth_method: 'private_key_jwt', ...keys });
    expect(client.secret).toBeUndefined();
    const held = await flow.codeFor(client);
    await expectStoreUntouched(flow, async () => {
      refused(await flow.token(flow.tokenRequest(held)));
      refused(await redeem(held, operatorsSigner()));
    });
    tokensOf(await redeem(held));
  });

  it.each([
    'https://127.0.0.1/jwks.json',
    'https://10.0.0.1/jwks.json',
    'https://169.254.169.254/latest/meta-data',
    'https://[::1]/jwks.json',
    'https://[::ffff:10.0.0.1]/jwks.json',
    'https://keys.example.com:8443/jwks.json',
  ])('are not fetched from %s — CI-27', async (uri) => {
    publishDocument({ jwks_uri: uri });
    web.answer(uri, () => jsonResponse(signer.jwks));
    const held = await flow.codeFor(byDocument);
    await expectStoreUntouched(flow, async () => unavailable(await redeem(held)));
    expect(asked()).toEqual([documentUrl]);
    const [blocked = '', judged = ''] = events;
    expect(blocked).toContain(`outbound.blocked {"origin":"${new URL(uri).origin}"`);
    expect(judged).toContain('"reason":"keys_unavailable"');
  });

  const good = (): string => JSON.stringify(signer.jwks);
  const failures: [string, () => Response | Promise<Response>][] = [
    ['behind a redirect', () => Response.redirect('https://keys.example.com/elsewhere', 302)],
    ['in more than 64 kB', () => new Response(good().padEnd(64 * 1024 + 1))],
    ['packed', () => new Response(good(), { headers: { 'content-encoding': 'gzip' } })],
    ['under status 404', () => new Response(good(), { status: 404 })],
    ['under status 201', () => new Response(good(), { status: 201 })],
    ['in what is not JSON', () => new Response(`${good()}}`)],
    ['in what is no JWK Set', () => Response.json([signer.key.publicJwk])],
    [
      'in a set that is too long',
      () => Response.json({ keys: Array.from({ length: 101 }, () => ({})) }),
    ],
    ['of no host', () => Promise.reject(new Error('getaddrinfo ENOTFOUND'))],
  ];

  it.each(failures)('are not taken %s — CI-27', async (_name, answer) => {
    web.answer(jwksUri, answer);
    web.answer('https://keys.example.com/elsewhere', () => jsonResponse(signer.jwks));
    const held = await flow.codeFor(byDocument);
    await expectStoreUntouched(flow, async () => unavailable(await redeem(held)));
    expect(asked()).toEqual([documentUrl, jwksUri]);
    expect(events.join()).toContain('"reason":"keys_unavailable"');
    publishKeys(signer.jwks);
    clock.advance(5);
    tokensOf(await redeem(held));
  });

  it('may fill 64 kB — CI-27', async () => {
    web.answer(jwksUri, () => new Response(good().padEnd(64 * 1024)));
    tokensOf(await redeem(await flow.codeFor(byDocument)));
  });

  it.each([
    ['private', (jwk: Changes) => ({ ...jwk, d: 'AAAA' })],
    ['not for signatures', (jwk: Changes) => ({ ...jwk, use: 'enc' })],
    ['for another algorithm', (jwk: Changes) => ({ ...jwk, alg: 'ES384' })],
    ['symmetric', () => ({ kty: 'oct', k: 'AAAA', kid: 'document-key' })],
  ])('are not used when they are %s — CA-17', async (_name, change) => {
    publishKeys({ keys: [change({ ...signer.key.publicJwk })] });
    const held = await flow.codeFor(byDocument);
    await expectStoreUntouched(flow, async () => refused(await redeem(held)));
    expect(events.join()).toContain('"reason":"unknown_key"');
    clock.advance(30);
    publishKeys(signer.jwks);
    tokensOf(await redeem(held));
  });

  it('may be changed by the operator’s client: a new kid is looked for — CA-17', async () => {
    const old = operatorsSigner();
    tokensOf(await redeem(await flow.codeFor(byOperator), old));
    await published.rotate();
    clock.advance(30);
    const held = await flow.codeFor(byOperator);
    tokensOf(await redeem(held, operatorsSigner()));
    const after = await flow.codeFor(byOperator);
    await expectStoreUntouched(flow, async () => refused(await redeem(after, old)));
    tokensOf(await redeem(after, operatorsSigner()));
  });

  it('are fetched once for all, and for unknown ones twice a minute — CA-19', async () => {
    const held = await flow.codeFor(byOperator);
    const one = operatorsSigner();
    const attempts = Array.from({ length: 8 }, (_, i) => redeem(held, one, { kid: `no-${i}` }));
    for (const answer of await Promise.all(attempts)) refused(answer);
    expect(published.requests).toBe(1);
    for (let i = 0; i < 8; i++) refused(await redeem(held, one, { kid: `never-${i}` }));
    expect(published.requests).toBe(1);
    clock.advance(30);
    for (let i = 0; i < 8; i++) refused(await redeem(held, one, { kid: `none-${i}` }));
    expect(published.requests).toBe(2);
    tokensOf(await redeem(held, one));
    expect(published.requests).toBe(2);
  });

  it('are not asked for by an assertion that could not be right anyway — CA-19', async () => {
    const held = await flow.codeFor(byOperator);
    const wrong = operatorsSigner().proof(byOperator.id, 'https://other.test');
    refused(await flow.token(flow.tokenRequest(held).with(wrong)));
    expect(published.requests).toBe(0);
    tokensOf(await redeem(held, operatorsSigner()));
    expect(published.requests).toBe(1);
  });

  it('last an hour when their host is down, and no longer', async () => {
    const first = await flow.codeFor(byOperator);
    tokensOf(await redeem(first, operatorsSigner()));
    published.mode = '500';
    clock.advance(3540);
    tokensOf(await redeem(await flow.codeFor(byOperator), operatorsSigner()));
    clock.advance(60);
    const held = await flow.codeFor(byOperator);
    await expectStoreUntouched(flow, async () =>
      unavailable(await redeem(held, operatorsSigner())),
    );
    expect(events.join()).toContain('"reason":"keys_unavailable"');
    published.mode = 'ok';
    clock.advance(5);
    tokensOf(await redeem(held, operatorsSigner()));
  });
});

describe.each(platforms)('the keys of clients in use, on %s', (platform) => {
  it('are had at an address that may look nothing up any more — CI-27', async () => {
    const clock = new ManualClock();
    const web = new DocumentHost();
    signer.now = () => clock.now();
    const othersUri = 'https://keys.example.com/others.json';
    for (const uri of [jwksUri, othersUri]) web.answer(uri, () => jsonResponse(signer.jwks));
    const members = { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: jwksUri };
    const used = web.publish(documentUrl, members);
    const fresh = web.publish('https://app.example.com/fresh.json', {
      ...members,
      jwks_uri: 'https://keys.example.com/fresh.json',
    });
    const proxy = {
      rateLimits: { documentLookups: { max: 1, windowSeconds: 600 } },
      clientIdMetadataDocuments: web.options(),
    };
    const flow = await startFlow({ idp, platform, clock, trustProxy: 'loopback', proxy });
    try {
      const registered = await flow.register({ ...members, jwks_uri: othersUri });
      const proof = (id: string) => signer.proof(id, `${flow.issuer}/token`);
      const users = [];
      for (const client of [used, registered]) {
        const held = await flow.codeFor(client);
        const form = flow.tokenRequest(held).with(proof(client.id));
        users.push({ client, tokens: tokensOf(await flow.token(form)) });
      }
      // By then the keys are forgotten.
      clock.advance(7200);
      const from = { 'x-forwarded-for': '8.8.8.8' };
      const missing = { ...used, id: 'https://app.example.com/missing.json' };
      expect((await flow.authorize(flow.authorizationRequest(missing), from)).status).toBe(400);
      const held = await flow.codeFor(fresh);
      const first = flow.tokenRequest(held).with(proof(fresh.id));
      expect((await flow.token(first, from)).status).toBe(429);
      for (const { client, tokens } of users) {
        const form = flow.refreshRequest(tokens.refresh_token, client).with(proof(client.id));
        tokensOf(await flow.token(form, from));
      }
    } finally {
      await flow.close();
    }
  });
});

describe('the guard before the keys of strangers', () => {
  let host: HttpsHost;
  let answer: (res: ServerResponse) => void;
  let clock: ManualClock;

  beforeAll(async () => {
    host = await HttpsHost.listen((_req, res) => answer(res));
  });

  beforeEach(() => {
    clock = new ManualClock();
    host.addresses = ['127.0.0.1'];
    host.lookups.length = 0;
    answer = (res) => void res.writeHead(200).end(JSON.stringify(signer.jwks));
  });

  afterAll(() => host.close());

  const request = { method: 'POST', path: '/token', rawQuery: '', headers: {}, body: '' };
  const anyNumber = { assertCounted: () => Promise.resolve() };

  function sources(
    blocked: string[] = [],
    more: Partial<ConstructorParameters<typeof ClientKeySources>[0]> = {},
  ) {
    const events = new MultiAuthEvents();
    events.on('outbound.blocked', ({ reason }) => blocked.push(reason));
    const outbound = { fetch: () => Promise.reject(new Error('the guard was passed by')) };
    const publicOutbound = host.client();
    const isInUse = (): boolean => false;
    const parts = { outbound, publicOutbound, isInUse, lookups: anyNumber, clock, events };
    const keys = new ClientKeySources({ ...parts, ...more });
    return {
      find: (client: Client) => keys.find(client, 'ES256', 'document-key', request),
      proved: (client: Client) => keys.proved(client),
    };
  }

  const strangerAt = (uri: string): Client => ({
    id: 'a-stranger',
    origin: 'registered',
    redirectUris: [clientRedirect],
    grantTypes: ['authorization_code'],
    authenticationMethod: 'private_key_jwt',
    jwksUri: uri,
    issuedAt: 0,
  });

  it('vets the host of a jwks_uri at each fetch, not once — CI-27', async () => {
    const blocked: string[] = [];
    const keys = sources(blocked);
    const stranger = strangerAt(host.url('/jwks.json'));
    expect(await keys.find(stranger)).toBeDefined();
    expect(host.lookups).toHaveLength(1);
    host.addresses = ['10.0.0.1'];
    clock.advance(3601);
    const connections = host.connections;
    await expect(keys.find(stranger)).rejects.toThrow('cannot be had');
    expect(host.lookups).toHaveLength(2);
    expect(host.connections).toBe(connections);
    expect(blocked).toHaveLength(1);
    host.addresses = ['127.0.0.1'];
    clock.advance(5);
    expect(await keys.find(stranger)).toBeDefined();
  });

  const many = Array.from({ length: 200 }, (_, i) => `https://k${i}.example.com/jwks.json`);
  /** Hosts that give no answer, and those that give the keys. */
  function publicHosts() {
    const asked: string[] = [];
    const get = (url: string): Promise<PublicResponse> => {
      asked.push(url);
      const silent = many.includes(url);
      const answer = { status: 200, headers: new Headers(), body: JSON.stringify(signer.jwks) };
      return silent ? new Promise<never>(() => {}) : Promise.resolve(answer);
    };
    return { asked, publicOutbound: { get } };
  }
  const storm = (keys: ReturnType<typeof sources>): void => {
    for (const uri of many) void keys.find(strangerAt(uri)).catch(() => undefined);
  };

  it('keeps what has proved a client, whoever comes after — CI-27', async () => {
    const { asked, publicOutbound } = publicHosts();
    const keys = sources([], { publicOutbound });
    const honest = strangerAt(jwksUri);
    const unproven = strangerAt('https://unproven.example.com/jwks.json');
    expect(await keys.find(honest)).toBeDefined();
    keys.proved(honest);
    expect(await keys.find(unproven)).toBeDefined();
    storm(keys);
    await eventually(() => asked.length === 22, 'the strangers have their share');
    expect(await keys.find(honest)).toBeDefined();
    expect(asked).toHaveLength(22);
    // Also when its keys have to be had anew: the strangers' share is not its own.
    clock.advance(600);
    expect(await keys.find(honest)).toBeDefined();
    expect(asked).toHaveLength(23);
    // What proved nothing had to make room, and has to wait.
    await expect(keys.find(unproven)).rejects.toThrow('cannot be had');
  });

  it('keeps nobody waiting whose client is in use — CI-27', async () => {
    const { asked, publicOutbound } = publicHosts();
    const honest = { ...strangerAt(jwksUri), id: 'in-use' };
    const lookups = { assertCounted: (): Promise<void> => Promise.resolve() };
    const keys = sources([], { publicOutbound, lookups, isInUse: ({ id }) => id === 'in-use' });
    storm(keys);
    await eventually(() => asked.length === 20, 'the strangers have their share');
    lookups.assertCounted = () => Promise.reject(new Error('too many'));
    expect(await keys.find(honest)).toBeDefined();
    await expect(keys.find(strangerAt('https://new.example.com/'))).rejects.toThrow('too many');
  });

  it('counts for an address each source that nothing is known of, once — CI-27', async () => {
    const { publicOutbound } = publicHosts();
    let counted = 0;
    const assertCounted = async (): Promise<void> => void (counted += 1);
    const keys = sources([], { publicOutbound, lookups: { assertCounted } });
    const configured: Client = { ...strangerAt(jwksUri), origin: 'configured' };
    await expect(keys.find(configured)).rejects.toThrow('the guard was passed by');
    expect(counted).toBe(0);
    for (let i = 0; i < 5; i++) expect(await keys.find(strangerAt(jwksUri))).toBeDefined();
    expect(counted).toBe(1);
    expect(await keys.find(strangerAt('https://else.example.com/jwks.json'))).toBeDefined();
    expect(counted).toBe(2);
  });

  it('stands before strangers alone: what the operator configured is the operator’s', async () => {
    const outbound = { fetch: () => Promise.resolve(Response.json(signer.jwks)) };
    const guard = { get: () => Promise.reject(new Error('the guard was asked')) };
    const keys = sources([], { outbound, publicOutbound: guard });
    const uri = 'http://127.0.0.1:1/jwks.json';
    const configured: Client = { ...strangerAt(uri), origin: 'configured' };
    expect(await keys.find(configured)).toBeDefined();
    // The same URL in a stranger's mouth is another source.
    await expect(keys.find(strangerAt(uri))).rejects.toThrow('guard');
  });
});
