// Security matrix CI-27, CA-17: where the keys come from with which clients prove who they are.
import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MultiAuthEvents } from '../../lib/index.js';
import type { OutboundClient } from '../../lib/http/outbound.js';
import { ClientKeySources } from '../../lib/oauth-proxy/clients/client-key-sources.js';
import type { Client } from '../../lib/oauth-proxy/clients/client.js';
import { platforms } from '../support/app.js';
import { type Changes, ClientSigner } from '../support/client-signer.js';
import { DocumentHost, jsonResponse } from '../support/document-host.js';
import { FakeIssuer } from '../support/fake-issuer.js';
import { HttpsHost } from '../support/https-host.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectStoreUntouched, expectTokenError } from '../support/outcomes.js';
import {
  type Answer,
  clientRedirect,
  type HeldCode,
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
        rateLimits: { failedAuthentications: false },
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
    await expectStoreUntouched(flow, async () => refused(await redeem(held)));
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
    await expectStoreUntouched(flow, async () => refused(await redeem(held)));
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
    await expectStoreUntouched(flow, async () => refused(await redeem(held, operatorsSigner())));
    expect(events.join()).toContain('"reason":"keys_unavailable"');
    published.mode = 'ok';
    clock.advance(5);
    tokensOf(await redeem(held, operatorsSigner()));
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

  function sources(blocked: string[] = []): ClientKeySources {
    const events = new MultiAuthEvents();
    events.on('outbound.blocked', ({ reason }) => blocked.push(reason));
    const never = { fetch: () => Promise.reject(new Error('the guard was passed by')) };
    const outbound: Pick<OutboundClient, 'fetch'> = never;
    return new ClientKeySources({ outbound, publicOutbound: host.client(), clock, events });
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
    expect(await keys.find(stranger, 'ES256', 'document-key')).toBeDefined();
    expect(host.lookups).toHaveLength(1);
    host.addresses = ['10.0.0.1'];
    clock.advance(3601);
    const connections = host.connections;
    await expect(keys.find(stranger, 'ES256', 'document-key')).rejects.toThrow('cannot be had');
    expect(host.lookups).toHaveLength(2);
    expect(host.connections).toBe(connections);
    expect(blocked).toHaveLength(1);
    host.addresses = ['127.0.0.1'];
    clock.advance(5);
    expect(await keys.find(stranger, 'ES256', 'document-key')).toBeDefined();
  });

  it('gives up on an origin that gives nothing usable — CI-27', async () => {
    let requests = 0;
    answer = (res) => {
      requests += 1;
      res.writeHead(404).end();
    };
    const keys = sources();
    for (let i = 0; i < 60; i++) {
      const stranger = strangerAt(host.url(`/jwks-${i}.json`));
      await expect(keys.find(stranger, 'ES256', 'document-key')).rejects.toThrow('cannot be had');
    }
    expect(requests).toBe(30);
    answer = (res) => void res.writeHead(200).end(JSON.stringify(signer.jwks));
    clock.advance(60);
    const stranger = strangerAt(host.url('/jwks.json'));
    expect(await keys.find(stranger, 'ES256', 'document-key')).toBeDefined();
  });

  it('stands before strangers alone: what the operator configured is the operator’s', async () => {
    const outbound = { fetch: () => Promise.resolve(Response.json(signer.jwks)) };
    const events = new MultiAuthEvents();
    const guard = { get: () => Promise.reject(new Error('the guard was asked')) };
    const keys = new ClientKeySources({ outbound, publicOutbound: guard, clock, events });
    const uri = 'http://127.0.0.1:1/jwks.json';
    const configured: Client = { ...strangerAt(uri), origin: 'configured' };
    expect(await keys.find(configured, 'ES256', 'document-key')).toBeDefined();
    // The same URL in a stranger's mouth is another source.
    await expect(keys.find(strangerAt(uri), 'ES256', 'document-key')).rejects.toThrow('guard');
  });
});
