// Tokens that another server is asked about: RFC 7662 §2, §4; RFC 6749 §2.3.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { exportJWK, generateKeyPair, jwtVerify } from 'jose';
import {
  anyAudience,
  ConfigurationError,
  IntrospectionVerifier,
  type IntrospectionVerifierOptions,
  StaticTokenVerifier,
} from '../../lib/index.js';
import { PresentedToken, SourceContext } from '../../lib/verifiers/source-context.js';
import { platforms } from '../support/app.js';
import { FakeIntrospection, type IntrospectionAnswer } from '../support/fake-introspection.js';
import { FakeIssuer } from '../support/fake-issuer.js';
import { freePort } from '../support/free-port.js';
import { ManualClock } from '../support/manual-clock.js';
import { McpController } from '../support/protected-app.js';
import { type Answer, type ProxyFlow, startFlow } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const clientSecret = 'secret of/the app+at: the server';
const staticToken = 'a-static-token-behind-it';

let idp: UpstreamIdp;
let fake: FakeIntrospection;
let issuer: FakeIssuer;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
  fake = await FakeIntrospection.start();
  issuer = await new FakeIssuer().start();
});

afterEach(() => {
  fake.failure = undefined;
});

afterAll(async () => {
  await fake.stop();
  await issuer.stop();
  await idp.stop();
});

describe.each(platforms)('introspected tokens on %s', (platform) => {
  const clock = new ManualClock();
  let audience: string;

  async function start(options: Partial<IntrospectionVerifierOptions> = {}): Promise<ProxyFlow> {
    const port = await freePort();
    audience = `http://127.0.0.1:${port}/mcp`;
    return startFlow({
      idp,
      platform,
      clock,
      port,
      verifiers: [
        new IntrospectionVerifier({
          introspectionEndpoint: fake.endpoint,
          clientId: 'the:app',
          clientSecret,
          clock,
          ...options,
        }),
        new StaticTokenVerifier({
          tokens: { [staticToken]: { clientId: 'robot', scopes: ['mcp:use'] } },
        }),
      ],
    });
  }

  /** Runs with an app of its own, and closes it. */
  async function withFlow(
    options: Partial<IntrospectionVerifierOptions>,
    run: (flow: ProxyFlow) => Promise<void>,
  ): Promise<void> {
    const flow = await start(options);
    try {
      await run(flow);
    } finally {
      await flow.close();
    }
  }

  /** Makes the server know a token that is good for the running app. */
  function issue(token: string, changes: Record<string, unknown> = {}): string {
    const claims = {
      scope: 'mcp:use',
      aud: audience,
      sub: 'carol',
      client_id: 'cli',
      token_type: 'Bearer',
    };
    fake.tokens.set(token, { ...claims, exp: clock.now() + 300, ...changes });
    return token;
  }

  const retryAfterOf = ({ headers }: Answer): unknown => headers['retry-after'];

  it('are accepted with what the server says of them', async () => {
    await withFlow({ issuer: 'https://login.test' }, async (flow) => {
      const answer = await flow.callMcp(issue('opaque-1', { iss: 'https://login.test', extra: 1 }));
      expect(answer.status).toBe(200);
      expect(McpController.seen).toMatchObject({
        subject: 'carol',
        clientId: 'cli',
        scopes: ['mcp:use'],
        issuer: 'https://login.test',
        source: 'IntrospectionVerifier',
        resource: audience,
        claims: { extra: 1 },
      });
      const request = fake.requests.at(-1);
      expect(request?.method).toBe('POST');
      expect(request?.headers['accept']).toBe('application/json');
      const [, credentials = ''] = String(request?.headers['authorization']).split(' ');
      const [id = '', secret = ''] = Buffer.from(credentials, 'base64').toString().split(':');
      const decode = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '));
      expect([decode(id), decode(secret)]).toEqual(['the:app', clientSecret]);
      expect(Object.fromEntries(request?.form ?? [])).toEqual({
        token: 'opaque-1',
        token_type_hint: 'access_token',
      });
    });
  });

  it.each<[string, Record<string, unknown>]>([
    ['is not active', { active: false }],
    ['is for somebody else', { aud: 'https://other.test/mcp' }],
    ['is for nobody', { aud: undefined }],
    ['is of another issuer', { iss: 'https://evil.test' }],
    ['has an issuer that is no text', { iss: ['https://login.test'] }],
    ['has expired', { exp: 1 }],
    ['is not valid yet', { nbf: 9e9 }],
    ['is a refresh token', { token_type: 'refresh_token' }],
    ['is bound to a key', { token_type: 'DPoP' }],
    ['has no subject in its subject', { sub: '' }],
    ['has scopes that are none', { scope: 7 }],
  ])('are refused when the token %s — AT-16, AT-17', async (_name, changes) => {
    await withFlow({ issuer: 'https://login.test' }, async (flow) => {
      expect((await flow.callMcp(issue('opaque-2'))).status).toBe(200);
      const refused = await flow.callMcp(issue('opaque-2', changes));
      expect(refused.status).toBe(401);
      expect(refused.headers['www-authenticate']).toContain('error="invalid_token"');
    });
  });

  it.each<[string, IntrospectionAnswer]>([
    ['401, for our credentials are wrong', { status: 401, json: { error: 'invalid_client' } }],
    ['403', { status: 403, json: { active: false } }],
    ['500', { status: 500, text: '<h1>oops</h1>' }],
    ['503', { status: 503, json: { active: true } }],
    ['a redirect', { status: 302, text: '', headers: { location: 'http://127.0.0.1:1/' } }],
    ['a page', { status: 200, text: '<html>' }],
    ['no verdict', { json: {} }],
    ['a verdict in words', { json: { active: 'true', scope: 'mcp:use' } }],
    ['a list', { json: [] }],
    ['too much', { json: { active: true, padding: 'x'.repeat(100_000) } }],
    ['nothing, and hangs up', (response) => void response.destroy()],
  ])('are nobody’s to judge when the server answers %s — VC-11', async (_name, failure) => {
    await withFlow({}, async (flow) => {
      issue('opaque-3');
      fake.failure = failure;
      const answer = await flow.callMcp('opaque-3');
      expect(answer.status).toBe(503);
      expect(String(answer.headers['www-authenticate'])).not.toContain('invalid_token');
      expect(retryAfterOf(answer)).toMatch(/^\d+$/);
      // Who is known elsewhere gets in meanwhile, and it was a failure of the moment.
      expect((await flow.callMcp(staticToken)).status).toBe(200);
      fake.failure = undefined;
      expect((await flow.callMcp('opaque-3')).status).toBe(200);
    });
  });

  it('wait as long as the server asks — VC-11', async () => {
    await withFlow({}, async (flow) => {
      fake.failure = { status: 429, json: {}, headers: { 'retry-after': '42' } };
      expect(retryAfterOf(await flow.callMcp('opaque-4'))).toBe('42');
    });
  });

  it('wait no longer than the time they were given — VC-11', async () => {
    await withFlow({ timeoutSeconds: 0.2 }, async (flow) => {
      fake.failure = () => {};
      expect((await flow.callMcp('opaque-4')).status).toBe(503);
    });
  });

  it('travel as one parameter, whatever they look like — VC-13', async () => {
    await withFlow({}, async (flow) => {
      const hostile = 'a/active+true~._-==';
      issue(hostile);
      expect((await flow.callMcp(hostile)).status).toBe(200);
      const { form, body } = fake.requests.at(-1) ?? { form: new URLSearchParams(), body: '' };
      expect(form.getAll('token')).toEqual([hostile]);
      expect([...form.keys()].toSorted()).toEqual(['token', 'token_type_hint']);
      expect(body).not.toContain('+true');
      // What no bearer token can be does not get as far as the server.
      const before = fake.requests.length;
      const refused = await flow.send('/mcp', {
        json: {},
        headers: { authorization: 'Bearer a&active=true' },
      });
      expect([400, 401]).toContain(refused.status);
      expect(fake.requests).toHaveLength(before);
    });
  });

  it('are asked about at each request unless told otherwise — VC-14', async () => {
    await withFlow({}, async (flow) => {
      issue('opaque-5');
      const before = fake.requests.length;
      for (let i = 0; i < 3; i++) expect((await flow.callMcp('opaque-5')).status).toBe(200);
      expect(fake.requests).toHaveLength(before + 3);
      fake.tokens.delete('opaque-5');
      expect((await flow.callMcp('opaque-5')).status).toBe(401);
    });
  });

  it('are remembered for as long as said, and never beyond their end — VC-14', async () => {
    await withFlow({ cacheSeconds: 60 }, async (flow) => {
      issue('opaque-6');
      issue('opaque-7', { exp: clock.now() + 20 });
      const before = fake.requests.length;
      for (const token of ['opaque-6', 'opaque-6', 'opaque-7', 'opaque-7']) {
        expect((await flow.callMcp(token)).status).toBe(200);
      }
      expect(fake.requests).toHaveLength(before + 2);
      fake.tokens.clear();
      clock.advance(26);
      expect((await flow.callMcp('opaque-6')).status).toBe(200);
      expect((await flow.callMcp('opaque-7')).status).toBe(401);
      clock.advance(35);
      expect((await flow.callMcp('opaque-6')).status).toBe(401);
    });
  });

  it('are remembered whole, and for the resource they are for — VC-15, AT-38', async () => {
    await withFlow({ cacheSeconds: 60 }, async (flow) => {
      const long = 'x'.repeat(200);
      issue(`${long}1`);
      expect((await flow.callMcp(`${long}1`)).status).toBe(200);
      expect((await flow.callMcp(`${long}2`)).status).toBe(401);
      expect((await flow.callMcp(`${long}1`.toUpperCase())).status).toBe(401);
    });
  });

  it('are asked about again where what is remembered does not do', async () => {
    const options = { introspectionEndpoint: fake.endpoint, clientId: 'the:app', clientSecret };
    const verifier = new IntrospectionVerifier({
      ...options,
      audience: anyAudience,
      cacheSeconds: 60,
      clock,
    });
    const ask = (isFresh: boolean) => {
      const token = new PresentedToken('opaque-9', 'https://mcp.test', isFresh);
      return verifier.verifyToken('opaque-9', new SourceContext(token));
    };
    issue('opaque-9');
    expect(await ask(false)).not.toBeNull();
    fake.tokens.delete('opaque-9');
    expect(await ask(false)).not.toBeNull();
    expect(await ask(true)).toBeNull();
  });

  it('are refused anew each time, and refusals push nobody out — VC-16', async () => {
    await withFlow({ cacheSeconds: 60, maxCacheEntries: 2 }, async (flow) => {
      issue('opaque-8');
      expect((await flow.callMcp('opaque-8')).status).toBe(200);
      for (let i = 0; i < 10; i++) expect((await flow.callMcp(`unknown-${i}`)).status).toBe(401);
      const before = fake.requests.length;
      expect((await flow.callMcp('opaque-8')).status).toBe(200);
      expect(fake.requests).toHaveLength(before);
      // A token that becomes valid later is valid then.
      expect((await flow.callMcp(issue('unknown-1'))).status).toBe(200);
    });
  });

  it('are not given away when they are the JWTs of others — AT-20', async () => {
    const foreign = await issuer.sign({ aud: 'x' });
    await withFlow({ issuer: 'https://login.test' }, async (flow) => {
      const before = fake.requests.length;
      expect((await flow.callMcp(foreign)).status).toBe(401);
      expect(fake.requests).toHaveLength(before);
      const own = await issuer.sign({ iss: 'https://login.test' });
      expect((await flow.callMcp(issue(own, { iss: 'https://login.test' }))).status).toBe(200);
    });
    await withFlow({ introspectForeignJwts: true }, async (flow) => {
      expect((await flow.callMcp(issue(foreign))).status).toBe(200);
    });
  });

  it('never speak for this server, whatever their issuer says — VC-07', async () => {
    await withFlow({}, async (flow) => {
      const own = issue('opaque-12', { iss: flow.issuer, sub: 'alice', sid: 'x' });
      expect((await flow.callMcp(own)).status).toBe(401);
      expect((await flow.callMcp(issue('opaque-12', { iss: 'https://partner.test' }))).status).toBe(
        200,
      );
    });
  });

  it('may have no audience where the server names none', async () => {
    await withFlow({ audience: anyAudience }, async (flow) => {
      expect((await flow.callMcp(issue('opaque-9', { aud: undefined }))).status).toBe(200);
    });
    await withFlow({ audience: ['api://mcp'] }, async (flow) => {
      expect((await flow.callMcp(issue('opaque-9', { aud: ['x', 'api://mcp'] }))).status).toBe(200);
      expect((await flow.callMcp(issue('opaque-9'))).status).toBe(401);
    });
  });

  it('are asked about with the credentials that the server wants', async () => {
    await withFlow({ clientAuthentication: 'client_secret_post' }, async (flow) => {
      expect((await flow.callMcp(issue('opaque-10'))).status).toBe(200);
      const request = fake.requests.at(-1);
      expect(request?.form.get('client_secret')).toBe(clientSecret);
      expect(request?.headers['authorization']).toBeUndefined();
    });
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const clientKey = { ...(await exportJWK(privateKey)), alg: 'ES256', kid: 'k' };
    await withFlow({ clientSecret: undefined, clientKey }, async (flow) => {
      expect((await flow.callMcp(issue('opaque-11'))).status).toBe(200);
      const assertion = fake.requests.at(-1)?.form.get('client_assertion') ?? '';
      const { payload } = await jwtVerify(assertion, publicKey);
      expect(payload).toMatchObject({ iss: 'the:app', sub: 'the:app' });
    });
  });
});

describe('an introspection verifier', () => {
  const good = { introspectionEndpoint: 'https://as.test/i', clientId: 'app', clientSecret };

  it('is given by the module the time it was given itself', () => {
    expect(new IntrospectionVerifier({ ...good, timeoutSeconds: 30 }).timeoutSeconds).toBe(30);
    expect(new IntrospectionVerifier(good).timeoutSeconds).toBeUndefined();
  });

  it.each<[Partial<Record<keyof IntrospectionVerifierOptions, unknown>>, string]>([
    [{ introspectionEndpoint: 'http://as.test/i' }, 'introspectionEndpoint'],
    [{ introspectionEndpoint: 'https://u:p@as.test/i' }, 'introspectionEndpoint'],
    [{ introspectionEndpoint: 'nowhere' }, 'introspectionEndpoint'],
    [{ clientId: '' }, 'clientId'],
    [
      { clientSecret: undefined, clientAuthentication: 'client_secret_post' },
      'clientAuthentication',
    ],
    [{ clientKey: { kty: 'oct', k: 'x' } }, 'clientAuthentication'],
    [{ audience: [] }, 'audience'],
    [{ audience: Symbol('any') }, 'audience'],
    [{ cacheSeconds: 301 }, 'cacheSeconds'],
    [{ cacheSeconds: Number.NaN }, 'cacheSeconds'],
    [{ maxCacheEntries: 0 }, 'maxCacheEntries'],
    [{ timeoutSeconds: 0 }, 'timeoutSeconds'],
    [{ timeoutSeconds: '5' }, 'timeoutSeconds'],
    [{ introspectForeignJwts: 'false' }, 'introspectForeignJwts'],
    [{ fetch: 'fetch' }, 'fetch'],
    [{ clockToleranceSeconds: 31 }, 'clockToleranceSeconds'],
    [{ cacheTtl: 5 } as object, 'cacheTtl'],
  ])('does not come to be with %j — VC-12', (changes, option) => {
    expect(() => new IntrospectionVerifier(good)).not.toThrow();
    const make = () =>
      new IntrospectionVerifier({ ...good, ...changes } as IntrospectionVerifierOptions);
    expect(make).toThrow(ConfigurationError);
    expect(make).toThrow(`IntrospectionVerifier.${option}`);
  });
});
