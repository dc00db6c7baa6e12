// RFC 8414 §3, RFC 7517 §5: what is published is configuration, and what hosts and headers say is not.
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { exportJWK, generateKeyPair, jwtVerify, createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { MemoryStore, OAuth2Upstream, StaticTokenVerifier } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { ManualClock } from '../support/manual-clock.js';
import { type ProxyFlow, startFlow, type TestClient } from '../support/proxy-flow.js';
import { StoreSpy } from '../support/store-spy.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

const json = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;

describe.each(platforms)('what is published on %s', (platform) => {
  let flow: ProxyFlow;
  let client: TestClient;
  const clock = new ManualClock();

  beforeAll(async () => {
    const key = async (alg: string, kid: string) => {
      const { privateKey } = await generateKeyPair(alg, { extractable: true });
      return { ...(await exportJWK(privateKey)), alg, kid };
    };
    flow = await startFlow({
      idp,
      platform,
      clock,
      store: new StoreSpy(new MemoryStore({ clock })),
      proxy: { signingKeys: [await key('ES256', 'new'), await key('RS256', 'old')] },
      configure: (app) => {
        // What a host behind a proxy sets; on Fastify it is an option of the adapter.
        const instance = app.getHttpAdapter().getInstance() as {
          set?(k: string, v: unknown): void;
        };
        instance.set?.('trust proxy', true);
      },
    });
    client = await flow.register({ client_name: '"; DROP $(reboot) <script>' });
  });

  afterAll(() => flow.close());

  it('has the public members of every signing key, old ones too — MD-12', async () => {
    const jwks = json((await flow.send('/jwks')).text) as unknown as JSONWebKeySet;
    expect(jwks.keys.map(({ kid }) => kid)).toEqual(['new', 'old']);
    const secret = new Set(['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth']);
    expect(jwks.keys.flatMap(Object.keys).filter((name) => secret.has(name))).toEqual([]);
    const { access_token } = await flow.tokensFor(client);
    const { protectedHeader } = await jwtVerify(access_token, createLocalJWKSet(jwks), {
      issuer: flow.issuer,
      audience: flow.app.url,
      typ: 'at+jwt',
    });
    expect(protectedHeader).toMatchObject({ alg: 'ES256', kid: 'new' });
    expect(await flow.isAccepted(access_token)).toBe(true);
  });

  it('is the same whatever Host and forwarding headers say — MD-03, NE-09', async () => {
    const path = '/.well-known/oauth-authorization-server';
    const lies = {
      host: 'evil.test',
      'x-forwarded-host': 'evil.test',
      'x-forwarded-proto': 'https',
      forwarded: 'host=evil.test;proto=https',
    };
    const told = await rawGet(flow, path, lies);
    expect(told).toContain(`"issuer":"${flow.issuer}"`);
    expect(told).not.toContain('evil.test');
    expect(await rawGet(flow, '/mcp', lies)).not.toContain('evil.test');
    // No cookie becomes Secure, and none loses its name, because of a header.
    const begun = await flow.authorize(flow.authorizationRequest(client), {
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'evil.test',
    });
    expect(String(begun.headers['set-cookie'])).not.toContain('__Host-');
    expect(begun.headers['location']).toMatch(new RegExp(`^${flow.issuer}/consent`));
  });

  it('may be kept for minutes, holds nothing private, and does not vary — MD-10', async () => {
    const path = '/.well-known/oauth-authorization-server';
    const first = await flow.send(path);
    expect(first.headers['cache-control']).toBe('public, max-age=300');
    const other = await flow.send(path, {
      headers: { origin: 'https://evil.test', 'x-forwarded-host': 'evil.test', cookie: 'a=b' },
    });
    expect(other.text).toBe(first.text);
    expect(other.headers['access-control-allow-origin']).toBe('*');
    expect(other.headers['set-cookie']).toBeUndefined();
  });

  it('repeats nothing that a client wrote — MD-14', async () => {
    await flow.tokensFor(client);
    for (const path of [
      '/.well-known/oauth-authorization-server',
      '/.well-known/openid-configuration',
      '/.well-known/oauth-protected-resource/mcp',
      '/jwks',
    ]) {
      expect((await flow.send(path)).text).not.toMatch(/DROP|reboot|script/);
    }
  });

  it('forgets the logins that nobody finishes, and lets the others in meanwhile — AQ-18', async () => {
    const before = flow.app.store.live().length;
    for (let i = 0; i < 10; i++) {
      await Promise.all(
        Array.from({ length: 50 }, () => flow.authorize(flow.authorizationRequest(client))),
      );
    }
    const begun = flow.app.store.live().filter(({ key }) => key.startsWith('transaction:'));
    expect(begun.length).toBeGreaterThanOrEqual(500);
    expect(begun.every(({ ttlSeconds }) => ttlSeconds <= 600)).toBe(true);
    expect(before).toBeLessThan(500);
    expect(await flow.isAccepted((await flow.tokensFor(client)).access_token)).toBe(true);
    const asked = flow.authorizationRequest(client);
    const visit = await flow.consentPage(asked, new Browser());
    expect(visit.status).toBe(200);
    clock.advance(601);
    const late = await new Browser().open(visit.url);
    expect(late.status).toBe(400);
  });

  it('answers cookies of its own whatever else the browser brings — NE-08, CB-26', async () => {
    const browser = new Browser();
    const asked = flow.authorizationRequest(client);
    const page = await flow.consentPage(asked, browser);
    // The signed cookies of a host, broken ones, and foreign values under our own names.
    const mine = browser.cookies.header(new URL(flow.issuer), { method: 'GET', crossSite: false });
    expect(mine).toBeDefined();
    const noise = 'connect.sid=s%3Aabc.def; broken; =x; j:{}; mcp-auth-begun=forged';
    const shown = await flow.send(page.url, { headers: { cookie: `${noise}; ${mine}` } });
    expect(shown.status).toBe(200);
    const [name] = (mine ?? '').split('=');
    const tossed = await flow.send(page.url, {
      headers: { cookie: `${name}=${'A'.repeat(43)}; ${mine}` },
    });
    expect(tossed.status).toBe(403);
  });

  it('refuses a request with two lengths, as HTTP/1.1 wants it — NE-12', async () => {
    const answer = await raw(
      flow,
      `POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('an upstream endpoint with parameters of its own', () => {
  it('keeps them, once, and what the library sets wins — AQ-20', async () => {
    const flow = await startFlow({
      idp,
      proxy: {
        upstream: new OAuth2Upstream({
          authorizationEndpoint: `${idp.endpoint('authorization')}?p=1&client_id=x&state=fixed`,
          tokenEndpoint: idp.endpoint('token'),
          clientId: idp.client.id,
          clientSecret: idp.client.secret,
          tokenVerifier: new StaticTokenVerifier({
            tokens: { 'never-presented-anywhere': { clientId: 'c', scopes: [] } },
          }),
        }),
      },
    });
    const client = await flow.register();
    const visit = await flow.approve(flow.authorizationRequest(client), new Browser());
    const { searchParams } = new URL(visit.url);
    expect(searchParams.getAll('p')).toEqual(['1']);
    expect(searchParams.getAll('client_id')).toEqual([idp.client.id]);
    expect(searchParams.getAll('state')).toHaveLength(1);
    expect(searchParams.get('state')).not.toBe('fixed');
    await flow.close();
  });
});

describe('an issuer that cannot be one', () => {
  it.each([
    'http://public.example',
    'https://as.example?tenant=1',
    'https://as.example#top',
    'https://user:pass@as.example',
    'https://AS.example',
    'ftp://as.example',
  ])('%s does not boot — MD-06', async (baseUrl) => {
    const starting = startFlow({
      idp,
      module: { baseUrl, resources: { default: 'https://as.example/mcp' } },
    });
    await expect(starting).rejects.toThrow(/baseUrl/);
  });

  it('one slash at its end is no other issuer — MD-06', async () => {
    const origin = 'https://as.example';
    const flow = await startFlow({
      idp,
      module: { baseUrl: `${origin}/`, resourceBaseUrl: `${origin}/` },
    });
    const answer = await flow.send(`${flow.app.origin}/.well-known/oauth-authorization-server`);
    expect(json(answer.text)['issuer']).toBe(origin);
    await flow.close();
  });
});

function rawGet(flow: ProxyFlow, path: string, headers: Record<string, string>): Promise<string> {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return raw(flow, `GET ${path} HTTP/1.1\r\n${lines.join('')}connection: close\r\n\r\n`);
}

/** What a socket gets that writes this. */
function raw(flow: ProxyFlow, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(flow.app.origin).port), '127.0.0.1');
    let answer = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
    socket.on('end', () => resolve(answer)).on('error', reject);
    socket.write(text);
  });
}
