// RFC 7591 §2, §3: what a client says when it registers, and what is in force for it.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { ClientSigner } from '../support/client-signer.js';
import {
  expectInvariants,
  expectLocalRefusal,
  expectRedirectError,
  expectRegistrationError,
  expectStoreUntouched,
  expectTokenError,
} from '../support/outcomes.js';
import {
  type Answer,
  clientRedirect,
  jsonOf,
  type ProxyFlow,
  startFlow,
  tokensOf,
} from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

type Json = Readonly<Record<string, unknown>>;

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('registered metadata on %s', (platform) => {
  let flow: ProxyFlow;
  let signer: ClientSigner;

  beforeAll(async () => {
    const clients = [{ clientId: 'configured', redirectUris: ['https://configured.test/cb'] }];
    flow = await startFlow({ idp, platform, proxy: { clients } });
    signer = await ClientSigner.create();
  });

  afterAll(() => flow.close());

  const accepted = async (metadata: Json = {}): Promise<Json> => {
    const answer = await flow.tryRegister(metadata);
    expectInvariants(answer, { issuer: flow.issuer });
    expect(answer.status).toBe(201);
    return jsonOf(answer) as Json;
  };

  const refused = async (metadata: Json, error = 'invalid_client_metadata'): Promise<void> => {
    const answer = await expectStoreUntouched(flow, () => flow.tryRegister(metadata));
    expectRegistrationError(answer, flow, error);
  };

  const metadataOf = (changes: Json): string =>
    JSON.stringify({ redirect_uris: [clientRedirect], ...changes });

  it.each([
    ['a text', 'text/plain', metadataOf({})],
    ['a form', 'application/x-www-form-urlencoded', 'redirect_uris=https%3A%2F%2Fapp.test%2Fcb'],
    ['a multipart form', 'multipart/form-data; boundary=x', '--x--'],
    ['two types', 'application/json, text/plain', metadataOf({})],
    ['another charset', 'application/json; charset=utf-16', metadataOf({})],
    ['null', 'application/json', 'null'],
    ['a list', 'application/json', '[]'],
    ['a list of clients', 'application/json', `[${metadataOf({})}]`],
    ['a JSON text', 'application/json', '"x"'],
    ['a number', 'application/json', '1'],
    ['half an object', 'application/json', '{'],
    ['nothing', 'application/json', ''],
    ['a prototype', 'application/json', `{"__proto__":${metadataOf({})}}`],
  ])('refuses a body that is %s — DCR-01', async (_name, type, body) => {
    const answer = await expectStoreUntouched(flow, () =>
      flow.send('/register', { method: 'POST', body, headers: { 'content-type': type } }),
    );
    expectInvariants(answer, { issuer: flow.issuer });
    expect([400, 413, 415]).toContain(answer.status);
    expect(['invalid_request', 'invalid_client_metadata', 'invalid_redirect_uri']).toContain(
      (jsonOf(answer) as Json)['error'],
    );
    expect(await accepted()).toHaveProperty('client_id');
  });

  it('gives out ids of its own, and none that another kind of client has — DCR-05', async () => {
    const taken = { client_id: 'configured', client_name: 'https://good.test/client.json' };
    const one = await accepted({ ...taken, redirect_uris: ['https://evil.test/cb'] });
    const two = await accepted(taken);
    expect(one['client_id']).toMatch(/^[\w-]{43}$/);
    expect(two['client_id']).not.toBe(one['client_id']);
    // The operator's client is still the operator's.
    const request = flow.authorizationRequest({ id: 'configured', redirectUri: clientRedirect });
    for (const uri of ['https://evil.test/cb', clientRedirect]) {
      expectLocalRefusal(await flow.authorize(request.with({ redirect_uri: uri })), flow);
    }
    const its = request.with({ redirect_uri: 'https://configured.test/cb' });
    expect((await flow.authorize(its)).status).toBe(302);
  });

  it('refuses grants and responses that it does not offer — DCR-06', async () => {
    await refused({ grant_types: ['client_credentials', 'password', 'implicit'] });
    await refused({ grant_types: ['urn:ietf:params:oauth:grant-type:jwt-bearer'] });
    await refused({ grant_types: ['refresh_token'] });
    await refused({ grant_types: [] });
    await refused({ response_types: ['token'] });
    await refused({ response_types: ['code token'] });
    await refused({ response_types: [] });
    // Each is fine by itself; together they contradict each other.
    await refused({ grant_types: ['implicit'], response_types: ['code'] });
    await refused({ grant_types: ['authorization_code'], response_types: ['token'] });
  });

  it('says which of the grants it asked for a client gets, and holds it to them — DCR-06', async () => {
    const metadata = {
      grant_types: ['authorization_code', 'client_credentials', 'password'],
      response_types: ['code', 'token'],
    };
    const answer = await accepted(metadata);
    expect(answer).toMatchObject({
      grant_types: ['authorization_code'],
      response_types: ['code'],
    });
    const client = { id: String(answer['client_id']), redirectUri: clientRedirect };
    const request = flow.authorizationRequest(client).with({ response_type: 'token' });
    const implicit = await flow.authorize(request);
    expectRedirectError(implicit, flow, request, 'unsupported_response_type');
    const tokens = tokensOf(await flow.redeem(await flow.codeFor(client)));
    const other = await flow.tokensFor(await flow.register());
    const refresh = await flow.refresh(tokens.refresh_token ?? other.refresh_token, client);
    expectTokenError(refresh, flow, 'unauthorized_client');
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
  });

  it.each(['client_secret_jwt', 'tls_client_auth', 'NONE', '', 7, ['none'], {}])(
    'refuses the authentication method %p — DCR-07',
    async (method) => {
      await refused({ token_endpoint_auth_method: method });
    },
  );

  it('says which authentication is in force, and enforces it — DCR-07', async () => {
    for (const method of ['none', 'client_secret_basic', 'client_secret_post']) {
      const metadata = { token_endpoint_auth_method: method };
      expect(await accepted(metadata)).toMatchObject(metadata);
    }
    expect(await accepted({ token_endpoint_auth_method: null })).toMatchObject({
      token_endpoint_auth_method: 'none',
    });
    const client = await flow.register({ token_endpoint_auth_method: 'client_secret_post' });
    const held = await flow.codeFor(client);
    const form = flow.tokenRequest(held);
    const without = await flow.token(form.without('client_secret'));
    expectTokenError(without, flow, 'invalid_client', 401);
    tokensOf(await flow.token(form));
  });

  it('registers a client with keys, and lets it in with them — DCR-08', async () => {
    const method = { token_endpoint_auth_method: 'private_key_jwt' };
    const answer = await accepted({ ...method, jwks: signer.jwks });
    expect(answer).toMatchObject({ ...method, jwks: signer.jwks });
    for (const name of ['client_secret', 'client_secret_expires_at', 'jwks_uri']) {
      expect(answer).not.toHaveProperty(name);
    }
    const client = { id: String(answer['client_id']), redirectUri: clientRedirect };
    const form = flow.tokenRequest(await flow.codeFor(client));
    expectTokenError(await flow.token(form), flow, 'invalid_client', 401);
    const proof = signer.proof(client.id, flow.issuer);
    expect(await flow.isAccepted(tokensOf(await flow.token(form.with(proof))).access_token)).toBe(
      true,
    );
  });

  it('refuses keys that are missing, doubled, empty or secret — DCR-08', async () => {
    const method = { token_endpoint_auth_method: 'private_key_jwt' };
    const [key] = signer.jwks.keys;
    const jwks_uri = 'https://app.test/jwks';
    await refused(method);
    await refused({ ...method, jwks: signer.jwks, jwks_uri });
    await refused({ jwks: signer.jwks, jwks_uri });
    for (const jwks of [
      { keys: [] },
      { keys: [{ ...key, d: 'AAAA' }] },
      { keys: [key, { ...key, d: 'AAAA' }] },
      { keys: [{ kty: 'oct', k: 'AAAA' }] },
      { keys: 'all' },
      [key],
      'keys',
      7,
    ]) {
      await refused({ ...method, jwks });
    }
    for (const uri of ['http://app.test/jwks', 'https://u:p@app.test/jwks', 'file:///jwks', 7]) {
      await refused({ ...method, jwks_uri: uri });
    }
    expect(await accepted({ ...method, jwks_uri })).toMatchObject({ jwks_uri });
    // What no method of the client's uses is not in force, and is not said to be.
    const unused = await accepted({ jwks: { keys: [{ ...key, d: 'AAAA' }] } });
    expect(unused).not.toHaveProperty('jwks');
    expect(flow.app.store.contains('AAAA')).toBe(false);
  });

  it('fetches nothing that a registration names, and takes no scripts — DCR-09', async () => {
    const names = ['jwks_uri', 'logo_uri', 'client_uri', 'policy_uri', 'tos_uri'];
    const own = `${idp.issuer}/ssrf`;
    const before = idp.requests.length;
    for (const name of [...names, 'sector_identifier_uri']) {
      for (const uri of [own, 'http://169.254.169.254/latest', 'http://localhost:6379']) {
        expect(await accepted({ [name]: uri })).toHaveProperty('client_id');
      }
      for (const uri of ['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', 'x', 7]) {
        await refused({ [name]: uri });
      }
    }
    const keys = { token_endpoint_auth_method: 'private_key_jwt' };
    expect(await accepted({ ...keys, jwks_uri: 'https://169.254.169.254/k' })).toBeDefined();
    expect(idp.requests.length).toBe(before);
  });

  it.each([
    ['markup', '<img src=x onerror=alert(1)>', '<img src=x onerror=alert(1)>'],
    ['a promise', 'Google Drive (verified)', 'Google Drive (verified)'],
    ['directions', 'Goog\u202Ele\u2066 Dr\u200Five', 'Google Drive'],
    ['control characters', 'Go\u0000og\u001b[31mle\r\n', 'Goog[31mle'],
    ['nothing to see', '  \u200b ', undefined],
    ['nothing', '', undefined],
    ['emoji', '💥'.repeat(100), '💥'.repeat(100)],
  ])('shows a name that is %s as a name that nobody checked — DCR-10', async (_n, name, shown) => {
    const answer = await accepted({ client_name: name });
    expect(answer['client_name']).toBe(shown);
    const client = { id: String(answer['client_id']), redirectUri: clientRedirect };
    const page = await flow.consentPage(flow.authorizationRequest(client), new Browser());
    expect(page.status).toBe(200);
    expect(page.html).not.toContain('<img');
    expect(page.html).toContain(new URL(clientRedirect).host);
    expect(page.html).toMatch(/not (?:checked|verified)|unverified/i);
  });

  it.each([
    ['10 kB', 'x'.repeat(10_000)],
    ['a number', 7],
    ['a list', ['App']],
  ])('refuses a name that is %s — DCR-10', async (_name, name) => {
    await refused({ client_name: name });
  });

  it('neither keeps nor returns localized members — DCR-11', async () => {
    const answer = await accepted({
      'client_name#de': 'Vertrauenswürdig',
      'client_uri#fr': 'javascript:alert(1)',
      'logo_uri#fr': 'http://169.254.169.254/',
    });
    expect(Object.keys(answer).filter((name) => name.includes('#'))).toEqual([]);
    expect(answer['client_name']).toBe('App');
    const client = { id: String(answer['client_id']), redirectUri: clientRedirect };
    const page = await flow.consentPage(flow.authorizationRequest(client), new Browser());
    expect(page.html).not.toMatch(/Vertrauensw|javascript:/);
  });

  it('narrows scopes to those on offer, says so, and widens none later — DCR-12', async () => {
    await refused({ scope: 'a"b' });
    await refused({ scope: 'a\\b' });
    await refused({ scope: Array.from({ length: 1000 }, (_, i) => `scope${i}`).join(' ') });
    await refused({ scope: ['notes:read'] });
    expect(await accepted({ scope: 'admin *' })).not.toHaveProperty('scope');
    const answer = await accepted({ scope: 'admin * notes:read notes:read' });
    expect(answer['scope']).toBe('notes:read');
    const client = { id: String(answer['client_id']), redirectUri: clientRedirect };
    const request = flow.authorizationRequest(client).without('scope');
    const tokens = tokensOf(await flow.redeem(await flow.codeFor(client, { request })));
    expect(tokens.scope.split(' ').toSorted()).toEqual(['mcp:use', 'notes:read']);
  });

  it('believes no software statement — DCR-13', async () => {
    const claims = { client_name: 'Trusted', redirect_uris: ['https://evil.test/cb'], scope: 'a' };
    const forged = [
      signer.signed({ alg: 'ES256' }, claims),
      signer.signed({ alg: 'none' }, claims),
      'not.a.jwt',
      7,
    ];
    for (const software_statement of forged) {
      const answer = await accepted({ software_statement, software_id: 'known' });
      expect(answer).toMatchObject({ client_name: 'App', redirect_uris: [clientRedirect] });
      expect(answer).not.toHaveProperty('software_statement');
      expect(answer).not.toHaveProperty('scope');
    }
  });

  it('shows a secret once, and keeps its hash — DCR-19', async () => {
    const answer = await accepted({ token_endpoint_auth_method: 'client_secret_basic' });
    expect(answer['client_secret']).toMatch(/^[\w-]{43}$/);
    expect(answer['client_secret_expires_at']).toBe(0);
    expect(answer['client_id_issued_at']).toEqual(expect.any(Number));
    expect(flow.app.store.contains(String(answer['client_secret']))).toBe(false);
    expect(flow.log.contains(String(answer['client_secret']))).toBe(false);
    const again = await accepted({ token_endpoint_auth_method: 'client_secret_basic' });
    expect(again['client_secret']).not.toBe(answer['client_secret']);
  });

  it('gives a public client no secret, also one that it asks for — DCR-20', async () => {
    for (const wish of [{}, { client_secret: 'mine', client_secret_expires_at: 0 }]) {
      const answer = await accepted(wish);
      expect(answer).toMatchObject({ token_endpoint_auth_method: 'none' });
      expect(Object.keys(answer).filter((name) => name.startsWith('client_secret'))).toEqual([]);
    }
    const keyed = { token_endpoint_auth_method: 'private_key_jwt', jwks: signer.jwks };
    expect(await accepted(keyed)).not.toHaveProperty('client_secret');
  });

  it.each([
    ['web', 'http://127.0.0.1:1/cb'],
    ['web', 'http://localhost/cb'],
    ['web', 'https://localhost/cb'],
    ['web', 'cursor://anysphere.cursor-mcp/cb'],
    ['native', 'http://app.test/cb'],
    [undefined, 'http://app.test/cb'],
  ])('refuses for application_type %p the URI %s — DCR-21', async (application_type, uri) => {
    await refused({ application_type, redirect_uris: [uri] }, 'invalid_redirect_uri');
  });

  it('takes what each application_type may have — DCR-21', async () => {
    for (const application_type of ['x', 'Web', 7, ['web']]) await refused({ application_type });
    for (const [application_type, uri] of [
      ['web', clientRedirect],
      ['native', 'http://127.0.0.1:1/cb'],
      ['native', 'cursor://anysphere.cursor-mcp/cb'],
      ['native', clientRedirect],
    ]) {
      const answer = await accepted({ application_type, redirect_uris: [uri] });
      expect(answer).toMatchObject({ application_type, redirect_uris: [uri] });
    }
    const omitted = await accepted({ redirect_uris: [clientRedirect, 'http://localhost/cb'] });
    expect(omitted).not.toHaveProperty('application_type');
  });

  it('refuses bodies that are too long or too deep, and goes on — DCR-22', async () => {
    const deep = `{"contacts":${'['.repeat(10_000)}${']'.repeat(10_000)}}`;
    const post = (body: string): Promise<Answer> =>
      flow.send('/register', {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
      });
    await expectStoreUntouched(flow, async () => {
      for (const body of [
        deep,
        metadataOf({ contacts: ['x'.repeat(70_000)] }),
        metadataOf({ contacts: Array<string>(30_000).fill('x') }),
        metadataOf({ junk: 'x'.repeat(2_000_000) }),
      ]) {
        const answer = await post(body);
        expectInvariants(answer, { issuer: flow.issuer });
        expect([400, 413]).toContain(answer.status);
      }
    });
    await refused({ tos_uri: `https://app.test/${'x'.repeat(2048)}` });
    expect(await accepted({ contacts: ['a@app.test'] })).not.toHaveProperty('contacts');
  });
});
