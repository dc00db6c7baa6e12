// RFC 7591 §3, RFC 7592: who may register, for how long, and what happens when it fails.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError, type OAuthProxyOptions } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectInvariants, expectStoreUntouched, expectTokenError } from '../support/outcomes.js';
import {
  type Answer,
  clientRedirect,
  jsonOf,
  type ProxyFlow,
  startFlow,
  type TestClient,
  tokensOf,
} from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const metadataPath = '/.well-known/oauth-authorization-server';
const tokens = [
  'first-initial-access-token-4rT9xQ2mZ7kW',
  'other-initial-access-token-8yH3vN6pL1cD',
] as const;
const day = 86_400;
const minimal = { redirect_uris: [clientRedirect] };
let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

const json = (answer: Answer): Record<string, unknown> => jsonOf(answer) as Record<string, unknown>;

describe.each(platforms)('registration on %s', (platform) => {
  const start = async (
    proxy: Partial<OAuthProxyOptions>,
    test: (flow: ProxyFlow) => Promise<void>,
    clock?: ManualClock,
  ): Promise<void> => {
    const flow = await startFlow({ idp, platform, proxy, ...(clock && { clock }) });
    try {
      await test(flow);
    } finally {
      await flow.close();
    }
  };

  it('is not there when it is switched off, and the metadata does not name it — DCR-14', async () => {
    const redirectUris = [clientRedirect];
    const clients = [{ clientId: 'configured', redirectUris }];
    await start({ registration: false, clients }, async (flow) => {
      const answer = await expectStoreUntouched(flow, () => flow.tryRegister());
      expect(answer.status).toBe(404);
      expect((await flow.send('/register')).status).toBe(404);
      const metadata = json(await flow.send(metadataPath));
      expect(metadata).not.toHaveProperty('registration_endpoint');
      expect(metadata['token_endpoint']).toBe(`${flow.issuer}/token`);
      // The operator's clients get in all the same.
      const client = { id: 'configured', redirectUri: clientRedirect };
      const { access_token } = await flow.tokensFor(client);
      expect(await flow.isAccepted(access_token)).toBe(true);
    });
    await start({ registration: true }, async (flow) => {
      const metadata = json(await flow.send(metadataPath));
      expect(metadata['registration_endpoint']).toBe(`${flow.issuer}/register`);
      expect((await flow.tryRegister()).status).toBe(201);
    });
  });

  describe('for who has an initial access token', () => {
    const seen: string[] = [];
    let broken = false;
    const check = async (token: string): Promise<boolean> => {
      seen.push(token);
      if (broken) throw new Error(`The database is down: ${token}`);
      return tokens.some((known) => known === token);
    };

    it.each([
      ['listed', { initialAccessTokens: tokens }],
      ['checked by a function', { initialAccessTokens: check }],
    ])('which is %s, lets these register and nobody else — DCR-15', async (_name, registration) => {
      await start({ registration }, async (flow) => {
        const send = (
          headers: Record<string, string>,
          path = '/register',
          body: object = minimal,
        ) => flow.send(path, { json: body, headers });
        const refused = async (
          headers: Record<string, string>,
          path = '/register',
          body: object = minimal,
        ): Promise<void> => {
          const answer = await expectStoreUntouched(flow, () => send(headers, path, body));
          expectTokenError(answer, flow, 'invalid_token', 401);
          const sent = 'authorization' in headers ? ', error="invalid_token"' : '';
          expect(answer.headers['www-authenticate']).toBe(`Bearer realm="registration"${sent}`);
          expect(answer.headers['access-control-allow-origin']).toBe('*');
        };
        const [token] = tokens;
        await refused({});
        await refused({ cookie: `access_token=${token}` });
        await refused({}, `/register?access_token=${token}`);
        await refused({}, '/register', { ...minimal, access_token: token });
        for (const value of [
          '',
          'Bearer',
          `Bearer ${token}x`,
          `Bearer ${token.slice(0, -1)}`,
          `Bearer ${token.toUpperCase()}`,
          `Bearer ${token} ${token}`,
          `Bearer ${token}, Bearer ${token}`,
          `Basic ${Buffer.from(`${token}:`).toString('base64')}`,
          `Bearer "${token}"`,
          `Bearer ${'x'.repeat(9000)}`,
          token,
        ]) {
          await refused({ authorization: value });
        }
        // Before the metadata is read: who may not register learns nothing about it.
        await refused({ authorization: 'Bearer wrong' }, '/register', { redirect_uris: 7 });
        for (const [i, known] of tokens.entries()) {
          const scheme = ['Bearer', 'bearer'][i];
          const answer = await send({ authorization: `${scheme} ${known}` });
          expectInvariants(answer, { issuer: flow.issuer });
          expect(answer.status).toBe(201);
          const bad = await send({ authorization: `Bearer ${known}` }, '/register', {});
          expectTokenError(bad, flow, 'invalid_redirect_uri');
        }
        expect(json(await flow.send(metadataPath))).toHaveProperty('registration_endpoint');
        // The app's function sees no text that could not be a token.
        expect(seen.filter((token) => !/^[\w.~+/-]{1,8192}=*$/.test(token))).toEqual([]);
        for (const known of tokens) {
          expect(flow.app.store.contains(known)).toBe(false);
          expect(flow.log.contains(known)).toBe(false);
        }
      });
    });

    it('answers 503 and registers nobody while the function cannot say — DCR-15', async () => {
      await start({ registration: { initialAccessTokens: check } }, async (flow) => {
        const headers = { authorization: `Bearer ${tokens[0]}` };
        const register = (): Promise<Answer> => flow.send('/register', { json: minimal, headers });
        broken = true;
        const answer = await expectStoreUntouched(flow, register);
        broken = false;
        expectInvariants(answer, { issuer: flow.issuer, serverFault: 503 });
        expect(answer.status).toBe(503);
        expect(json(answer)['error']).toBe('temporarily_unavailable');
        expect(answer.headers['retry-after']).toMatch(/^\d+$/);
        expect(flow.log.matching('error', 'initial access token')).toHaveLength(1);
        expect(flow.log.contains(tokens[0])).toBe(false);
        expect((await register()).status).toBe(201);
      });
    });

    it('answers 503 when the function says nothing at all — DCR-15', async () => {
      let isSilent = true;
      const never = (): Promise<boolean> =>
        isSilent ? new Promise(() => {}) : Promise.resolve(true);
      await start({ registration: { initialAccessTokens: never } }, async (flow) => {
        const headers = { authorization: `Bearer ${tokens[0]}` };
        const register = (): Promise<Answer> => flow.send('/register', { json: minimal, headers });
        const answer = await expectStoreUntouched(flow, register);
        expectInvariants(answer, { issuer: flow.issuer, serverFault: 503 });
        expect(answer.status).toBe(503);
        expect(answer.headers['retry-after']).toMatch(/^\d+$/);
        isSilent = false;
        expect((await register()).status).toBe(201);
      });
    });

    it('lets no address guess on and on, and asks the function no more — DCR-15', async () => {
      const rateLimits = { failedAuthentications: { max: 3, windowSeconds: 300 } };
      const clock = new ManualClock();
      await start(
        { registration: { initialAccessTokens: check }, rateLimits },
        async (flow) => {
          const register = (token?: string): Promise<Answer> => {
            const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
            return flow.send('/register', { json: minimal, headers });
          };
          // The loopback address may be many clients', and has 50 times the limit.
          const limit = 3 * 50;
          // What was right, or no guess, does not count.
          for (let i = 0; i < 5; i++) expect((await register(tokens[0])).status).toBe(201);
          for (let i = 0; i < 5; i++)
            expectTokenError(await register(), flow, 'invalid_token', 401);
          for (let i = 0; i < limit; i++) {
            expectTokenError(await register(`guess-${i}`), flow, 'invalid_token', 401);
          }
          const asked = seen.length;
          for (const token of ['guess', tokens[0]]) {
            const answer = await expectStoreUntouched(flow, () => register(token));
            expectInvariants(answer, { issuer: flow.issuer });
            expect(answer.status).toBe(429);
            expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/);
          }
          expect(seen).toHaveLength(asked);
          const event = flow.log.matching('warn', 'rate_limit.reached');
          expect(event.map(({ text }) => text).join()).toContain('failedAuthentications');
          expect(event.map(({ text }) => text).join()).not.toContain('clientId');
          expect(flow.log.contains('guess-')).toBe(false);
          clock.advance(300);
          expect((await register(tokens[0])).status).toBe(201);
        },
        clock,
      );
    });

    it('takes nothing for yes but true — DCR-15', async () => {
      const truthy = (() => 'yes') as unknown as () => boolean;
      await start({ registration: { initialAccessTokens: truthy } }, async (flow) => {
        const headers = { authorization: `Bearer ${tokens[0]}` };
        const answer = await flow.send('/register', { json: minimal, headers });
        expectTokenError(answer, flow, 'invalid_token', 401);
      });
    });
  });

  it('has no management protocol, and promises none — DCR-16', async () => {
    await start({}, async (flow) => {
      const answer = json(await flow.tryRegister());
      expect(answer).not.toHaveProperty('registration_access_token');
      expect(answer).not.toHaveProperty('registration_client_uri');
      await expectStoreUntouched(flow, async () => {
        for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'POST']) {
          const headers = { authorization: 'Bearer anything', 'content-type': 'application/json' };
          const body = method === 'GET' ? {} : { body: JSON.stringify(minimal) };
          const own = await flow.send(`/register/${String(answer['client_id'])}`, {
            method,
            headers,
            ...body,
          });
          expect(own.status).toBe(404);
          if (method === 'POST') continue;
          const root = await flow.send('/register', { method, headers, ...body });
          expectInvariants(root, { issuer: flow.issuer });
          expect(root.status).toBe(405);
          expect(root.headers['allow']).toBe('POST, OPTIONS');
        }
      });
      // It is registered as before.
      const client = { id: String(answer['client_id']), redirectUri: clientRedirect };
      expect((await flow.authorize(flow.authorizationRequest(client))).status).toBe(302);
    });
  });

  it('forgets a client with which nobody logs in, and keeps one in use — DCR-18', async () => {
    const clock = new ManualClock();
    await start(
      {},
      async (flow) => {
        const isKnown = async (client: TestClient): Promise<boolean> =>
          (await flow.authorize(flow.authorizationRequest(client))).status === 302;
        const idle = await flow.register();
        const begun = await flow.register();
        const tried = await flow.register();
        const used = await flow.register();
        let { refresh_token } = await flow.tokensFor(used);
        clock.advance(7 * day - 1);
        expect(await isKnown(idle)).toBe(true);
        // What anyone can do with a client id is no use of it.
        expect(await isKnown(begun)).toBe(true);
        const form = flow.refreshRequest('made-up', tried);
        expectTokenError(await flow.token(form), flow, 'invalid_grant');
        clock.advance(1);
        expect(await isKnown(idle)).toBe(false);
        expect(await isKnown(begun)).toBe(false);
        expect(await isKnown(tried)).toBe(false);
        // A live grant's client lives as long as it.
        for (let months = 0; months < 12; months++) {
          ({ refresh_token } = tokensOf(await flow.refresh(refresh_token, used)));
          clock.advance(28 * day);
          expect(await isKnown(used)).toBe(true);
        }
        clock.advance(92 * day);
        expect(await isKnown(used)).toBe(false);
      },
      clock,
    );
  });

  it('gives the tokens out although the use of the client cannot be noted — DCR-18', async () => {
    const clock = new ManualClock();
    await start(
      { lifetimes: { unconfirmedClient: 3600 } },
      async (flow) => {
        const client = await flow.register();
        const held = await flow.codeFor(client);
        flow.app.store.failNext('set', new Error('the store is down'), 'client:');
        const { refresh_token } = tokensOf(await flow.redeem(held));
        clock.advance(1800);
        const next = tokensOf(await flow.refresh(refresh_token, client));
        clock.advance(2 * day);
        tokensOf(await flow.refresh(next.refresh_token, client));
      },
      clock,
    );
  });

  it.each(['add', 'set'] as const)(
    'stores nothing when the store fails at %s, and says so without detail — DCR-23',
    async (operation) => {
      await start({ rateLimits: {} }, async (flow) => {
        const detail = 'ECONNREFUSED redis://user:pass@10.0.0.1';
        flow.app.store.failNext(operation, new Error(detail));
        const answer = await flow.tryRegister();
        expectInvariants(answer, { issuer: flow.issuer, serverFault: 503 });
        expect(answer.status).toBe(503);
        expect(json(answer)).toEqual({
          error: 'temporarily_unavailable',
          error_description: expect.any(String),
        });
        expect(answer.text).not.toContain('redis');
        expect(flow.app.store.live().filter(({ key }) => key.startsWith('client:'))).toEqual([]);
        expect((await flow.tryRegister()).status).toBe(201);
      });
    },
  );

  it('is not disturbed by an observer that fails — DCR-23', async () => {
    await start({}, async (flow) => {
      const { MultiAuthEvents } = await import('../../lib/index.js');
      const events = flow.app.app.get(MultiAuthEvents, { strict: false });
      const off = events.on('client.registered', () => {
        throw new Error('the audit log is full');
      });
      const answer = await flow.tryRegister();
      off();
      expect(answer.status).toBe(201);
    });
  });
});

describe('options of registration that are wrong', () => {
  it.each([
    ['registration', { registration: 'yes' }],
    ['registration', { registration: null }],
    ['registration.initialAccessTokens', { registration: {} }],
    ['registration.initialAccessTokens', { registration: { initialAccessTokens: undefined } }],
    ['registration.initialAccessTokens', { registration: { initialAccessTokens: null } }],
    ['registration.tokens', { registration: { initialAccessTokens: tokens, tokens } }],
    [
      'clientIdMetadataDocuments.allowedHosts',
      { clientIdMetadataDocuments: { allowedHosts: undefined } },
    ],
    ['registration.initialAccessTokens', { registration: { initialAccessTokens: [] } }],
    ['registration.initialAccessTokens', { registration: { initialAccessTokens: tokens[0] } }],
    [
      'registration.initialAccessTokens[1]',
      { registration: { initialAccessTokens: [tokens[0], 'short'] } },
    ],
    [
      'registration.initialAccessTokens[0]',
      { registration: { initialAccessTokens: ['x'.repeat(40)] } },
    ],
    [
      'registration.initialAccessTokens[0]',
      { registration: { initialAccessTokens: [`${tokens[0]} ü`] } },
    ],
    ['lifetimes.unconfirmedClient', { lifetimes: { unconfirmedClient: 60 } }],
    [
      'rateLimits.registrations.max',
      { rateLimits: { registrations: { max: 0, windowSeconds: 1 } } },
    ],
  ])('do not boot: %s — DCR-14, DCR-15', async (path, proxy) => {
    const error = await startFlow({ idp, proxy: proxy as never }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ConfigurationError);
    const { issues } = error as ConfigurationError;
    expect(issues.map((issue) => issue.path)).toEqual([`server.${path}`]);
    expect((error as Error).message).not.toMatch(/initial-access-token-|short/);
  });
});
