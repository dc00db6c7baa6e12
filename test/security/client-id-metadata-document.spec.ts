// OAuth Client ID Metadata Document: a client id that is a URL, and what stands behind it.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import { DocumentHost, documentOf, jsonResponse } from '../support/document-host.js';
import { expectBegun, expectInvariants } from '../support/outcomes.js';
import { jsonOf, type ProxyFlow, startFlow } from '../support/proxy-flow.js';
import { refusals } from '../support/refused-clients.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('a client that is a document, on %s', (platform) => {
  const host = new DocumentHost();
  let flow: ProxyFlow;

  beforeAll(async () => {
    const clientIdMetadataDocuments = host.options({ allowedPorts: [443, 8443] });
    flow = await startFlow({ idp, platform, proxy: { clientIdMetadataDocuments } });
  });

  afterAll(() => flow.close());

  const { expectRefused, expectNotFetched } = refusals(host, () => flow);

  /** Each on a host of its own: an origin that gives nothing usable is soon left alone. */
  const published = (members: Readonly<Record<string, unknown>>): string => {
    const url = aUrl();
    host.publish(url, members);
    return url;
  };
  let hosts = 0;
  const aUrl = (): string => `https://app${(hosts += 1)}.good.test/client.json`;

  it('logs in, refreshes, calls and revokes', async () => {
    const client = host.publish('https://app.good.test/client.json');
    const tokens = await flow.tokensFor(client);
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    const refreshed = jsonOf(await flow.refresh(tokens.refresh_token, client)) as {
      access_token: string;
    };
    expect(await flow.isAccepted(refreshed.access_token)).toBe(true);
    expect((await flow.revoke(refreshed.access_token, client)).status).toBe(200);
    expect(await flow.isAccepted(refreshed.access_token)).toBe(false);
    expect(host.requestsTo(client.id)).toBe(1);
  });

  it.each([
    'https://good.test:8443/client',
    'https://good.test/client?version=2',
    'https://good.test/a%20b/client.json',
    'https://good.test/tenant/',
    'https://xn--bcher-kva.test/client.json',
  ])('may be at %s', async (url) => {
    const client = host.publish(url);
    expectBegun(await flow.authorize(flow.authorizationRequest(client)), flow);
  });

  it('is announced in the metadata', async () => {
    const metadata = await flow.send('/.well-known/oauth-authorization-server');
    expect(jsonOf(metadata)).toMatchObject({ client_id_metadata_document_supported: true });
  });

  it.each([
    'http://good.test/c.json',
    'HTTP://good.test/c.json',
    'HTTPS://good.test/c.json',
    'ftp://good.test/c.json',
    'https:good.test/c.json',
    'https:/good.test/c.json',
    'https:///good.test/c.json',
    '//good.test/c.json',
    'good.test/c.json',
    'data:application/json,{}',
  ])('is not looked for by another scheme: %s — CI-01', async (url) => {
    await expectNotFetched(url);
  });

  it.each(['https://good.test', 'https://good.test/', 'https://good.test:8443/'])(
    'has a path: %s — CI-02',
    async (url) => {
      await expectNotFetched(url);
    },
  );

  it.each([
    'https://good.test/c.json#x',
    'https://good.test/c.json#',
    'https://user@good.test/c.json',
    'https://user:pass@good.test/c.json',
    'https://@good.test/c.json',
    'https://good.test/a/../b.json',
    'https://good.test/./b.json',
    'https://good.test/%2e%2e/b.json',
    'https://good.test/a/.%2E/b.json',
    'https://good.test/a/..',
    'https://good.test/a\tb.json',
    'https://good.test/a\nb.json',
    ' https://good.test/b.json',
    'https://good.test/b.json ',
    'https://good.test/a b.json',
    'https://good.test\\b.json',
    'https://good.test/b\\c.json',
    'https://good.test/c.json?',
    'https://good.test:/c.json',
    'https://good.test:443/c.json',
    'https://good.test:08443/c.json',
    'https://GOOD.test/c.json',
    'https://good.test./c.json',
    'https://good%2etest/c.json',
    'https://bücher.test/c.json',
    'https://good。test/c.json',
    'https://good.test/ü.json',
    'https://good.test/\u0000',
    'https://good.test/<c>.json',
  ])('has one spelling, and not %j — CI-03', async (url) => {
    await expectNotFetched(url);
  });

  it('has an id of at most 2048 characters', async () => {
    const client = host.publish(`https://good.test/${'a'.repeat(2030)}`);
    expectBegun(await flow.authorize(flow.authorizationRequest(client)), flow);
    await expectNotFetched(host.publish(`${client.id}a`).id);
  });

  it.each([
    ['is a page', { 'content-type': 'text/html' }],
    ['has no type', { 'content-type': '' }],
    ['is of two types', { 'content-type': 'application/json, text/html' }],
    ['is only named after JSON', { 'content-type': 'application/jsonp' }],
  ])('is not what %s — CI-13', async (_name, headers) => {
    const url = aUrl();
    host.answer(url, () => jsonResponse(documentOf(url), headers));
    await expectRefused(url);
  });

  it.each(['application/json; charset=utf-8', 'application/oauth-client+json', 'Application/JSON'])(
    'may be announced as %s',
    async (type) => {
      const url = aUrl();
      host.publish(url, {}, { 'content-type': type });
      const request = flow.authorizationRequest({ id: url, redirectUri: 'https://app.test/cb' });
      expectBegun(await flow.authorize(request), flow);
    },
  );

  it.each([201, 203, 206, 400, 401, 404, 410, 500, 503])(
    'is not what comes with the status %i — CI-13',
    async (status) => {
      const url = aUrl();
      host.answer(url, () => {
        const { headers } = jsonResponse('');
        return new Response(JSON.stringify(documentOf(url)), { status, headers });
      });
      await expectRefused(url);
    },
  );

  it.each([204, 304])('is not an answer without a body: %i — CI-13', async (status) => {
    const url = aUrl();
    const headers = { 'content-type': 'application/json', etag: '"1"' };
    host.answer(url, () => new Response(null, { status, headers }));
    await expectRefused(url);
  });

  it.each([
    ['no JSON', '{"client_id":'],
    ['nothing', ''],
    ['an array', (text: string) => `[${text}]`],
    ['null', 'null'],
    ['text', '"https://good.test/c.json"'],
    ['a byte order mark', (text: string) => `\uFEFF${text}`],
    ['something behind it', (text: string) => `${text}{}`],
    ['the id twice', (text: string) => text.replace('{', '{"client_id":"https://evil.test/c",')],
    ['a name twice', (text: string) => text.replace('{', '{"client_\\u006eame":"Evil",')],
    [
      '5000 brackets',
      (text: string) => text.replace('{', `{"a":${'['.repeat(1900)}${']'.repeat(1900)},`),
    ],
    ['__proto__', (text: string) => text.replace('{', '{"__proto__":{"origin":"configured"},')],
    ['a deep __proto__', (text: string) => text.replace('{', '{"a":{"__proto__":{"b":1}},')],
  ])('is not one with %s — CI-14', async (_name, change) => {
    const url = aUrl();
    const text = JSON.stringify(documentOf(url));
    host.answer(url, () => jsonResponse(typeof change === 'string' ? change : change(text)));
    await expectRefused(url);
    expect(Object.prototype).not.toHaveProperty('origin');
  });

  it.each([
    ['no id', { client_id: undefined }],
    ['the id of another', { client_id: 'https://app.good.test/client.json' }],
    ['its id spelt otherwise', { client_id: 'https://APP.good.test/client.json' }],
    ['no name', { client_name: undefined }],
    ['an empty name', { client_name: '' }],
    ['a blank name', { client_name: ' \u200B\u202E ' }],
    ['a number for a name', { client_name: 7 }],
    ['a name of a page', { client_name: 'x'.repeat(201) }],
    ['no redirect URIs', { redirect_uris: undefined }],
    ['an empty list of them', { redirect_uris: [] }],
    ['text for a list', { redirect_uris: 'https://app.test/cb' }],
    ['a number among them', { redirect_uris: ['https://app.test/cb', 1] }],
    ['too many', { redirect_uris: Array.from({ length: 21 }, (_, i) => `https://a.test/${i}`) }],
    ['other grants alone', { grant_types: ['client_credentials'] }],
    ['numbers for grants', { grant_types: [1] }],
    ['other responses alone', { response_types: ['token'] }],
    ['a malformed scope', { scope: 'a"b' }],
    ['an unknown kind', { application_type: 'x' }],
  ])('is not one with %s — CI-15', async (_name, members) => {
    await expectRefused(published(members));
  });

  it.each([
    ['client_secret_basic', { token_endpoint_auth_method: 'client_secret_basic' }],
    ['client_secret_post', { token_endpoint_auth_method: 'client_secret_post' }],
    ['client_secret_jwt', { token_endpoint_auth_method: 'client_secret_jwt' }],
    ['an unknown method', { token_endpoint_auth_method: 'tls_client_auth' }],
    ['a number for a method', { token_endpoint_auth_method: 0 }],
    ['a secret', { client_secret: 'not-so-secret' }],
    ['an empty secret', { client_secret: '' }],
    ['no secret, in so many words', { client_secret: null }],
    ['a date for one', { client_secret_expires_at: 0 }],
    ['private_key_jwt without keys', { token_endpoint_auth_method: 'private_key_jwt' }],
    [
      'private_key_jwt and a private key',
      {
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] },
      },
    ],
  ])('has no shared secret: not one with %s — CI-16', async (_name, members) => {
    await expectRefused(published(members));
  });

  it.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'http://app.test/cb',
    'https://app.test/cb#x',
    'https://app.test/../cb',
    'https://user@app.test/cb',
    '*',
  ])('has no redirect URI such as %s, not even among good ones — CI-18', async (uri) => {
    await expectRefused(published({ redirect_uris: ['https://app.test/cb', uri] }));
  });

  it('is answered at its own redirect URIs and at no other — CI-18', async () => {
    const client = host.publish(aUrl());
    const request = flow.authorizationRequest(client);
    expectBegun(await flow.authorize(request), flow);
    const elsewhere = await flow.authorize(request.with({ redirect_uri: 'https://evil.test/cb' }));
    expectInvariants(elsewhere, { issuer: flow.issuer });
    expect(elsewhere.status).toBe(400);
    expect(elsewhere.headers['location']).toBeUndefined();
  });
});
